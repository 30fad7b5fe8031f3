import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { formatMessage } from "./message_format";
import { loadTemplate, variableKey } from "./template_loader";

const MEDIA_ICONS = {
    image: "fa-picture-o",
    video: "fa-film",
    document: "fa-file-text-o",
    audio: "fa-microphone",
    location: "fa-map-marker",
};
const BUTTON_ICONS = {
    quick_reply: "fa-reply",
    url: "fa-external-link",
    phone_number: "fa-phone",
    copy_code: "fa-clone",
};

/** A message as its reader will see it. */
export class MessageBubble extends Component {
    static template = "whatsapp_broadcast.MessageBubble";
    static props = {
        headerType: { type: String, optional: true },
        headerText: { type: [String, Boolean], optional: true },
        body: { type: [String, Boolean], optional: true },
        footer: { type: [String, Boolean], optional: true },
        buttons: { type: Array, optional: true },
        /** (component, name) => text shown for a variable */
        getValue: { type: Function, optional: true },
    };

    get mediaIcon() {
        return MEDIA_ICONS[this.props.headerType];
    }

    get isEmpty() {
        const { headerText, body, buttons } = this.props;
        return !headerText && !body && !this.mediaIcon && !buttons?.length;
    }

    buttonIcon(button) {
        return BUTTON_ICONS[button.kind] || "fa-bolt";
    }

    pieces(component, text) {
        const getValue = this.props.getValue || ((_component, name) => `{{${name}}}`);
        return formatMessage(text, (name) => getValue(component, name));
    }
}

/** On a template: what is in the form just now, with the samples. */
export class TemplatePreview extends Component {
    static template = "whatsapp_broadcast.TemplatePreview";
    static components = { MessageBubble };
    static props = standardWidgetProps;

    get bubbleProps() {
        const { data } = this.props.record;
        const samples = {};
        for (const { data: variable } of data.variable_ids.records) {
            samples[variableKey(variable)] = variable.sample;
        }
        return {
            headerType: data.header_type,
            headerText: data.header_type === "text" && data.header_text,
            body: data.body,
            footer: data.footer,
            buttons: data.button_ids.records.map((button) => button.data),
            getValue: (component, name) =>
                samples[`${component}.${name}`] || `{{${name}}}`,
        };
    }
}

/** On a broadcast: the chosen template with this broadcast's values, text or media. */
export class MessagePreview extends Component {
    static template = "whatsapp_broadcast.MessagePreview";
    static components = { MessageBubble };
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ template: null });
        useRecordObserver(async (record) => {
            const id = record.data.template_id?.id;
            if (id !== this.templateId) {
                this.templateId = id;
                this.state.template = await this.keepLast.add(loadTemplate(this.orm, id));
            }
        });
    }

    get bubbleProps() {
        const { data } = this.props.record;
        if (data.message_type === "text") {
            return { body: data.body };
        }
        if (data.message_type === "media") {
            return { headerType: data.media_kind || undefined, body: data.media_caption };
        }
        const { template } = this.state;
        return template
            ? {
                  headerType: template.header_type,
                  headerText: template.header_type === "text" && template.header_text,
                  body: template.body,
                  footer: template.footer,
                  buttons: template.button_ids,
                  getValue: this.getValue.bind(this),
              }
            : {};
    }

    getValue(component, name) {
        const key = `${component}.${name}`;
        const value = this.props.record.data.template_params?.[key];
        if (typeof value === "string") {
            return value;
        }
        const variable = this.state.template.variable_ids.find(
            (variable) => variableKey(variable) === key
        );
        return (
            value?.text ||
            (value?.field && _t("‹%s›", value.field)) ||
            (variable?.value_type === "text" && variable.text) ||
            variable?.sample ||
            `{{${name}}}`
        );
    }
}

const widgets = registry.category("view_widgets");
widgets.add("whatsapp_template_preview", {
    component: TemplatePreview,
    fieldDependencies: [
        { name: "header_type", type: "selection" },
        { name: "header_text", type: "char" },
        { name: "body", type: "text" },
        { name: "footer", type: "char" },
    ],
});
widgets.add("whatsapp_message_preview", {
    component: MessagePreview,
    fieldDependencies: [
        { name: "message_type", type: "selection" },
        { name: "template_id", type: "many2one" },
        { name: "template_params", type: "json" },
        { name: "body", type: "text" },
        { name: "media_kind", type: "selection" },
        { name: "media_caption", type: "text" },
    ],
});
