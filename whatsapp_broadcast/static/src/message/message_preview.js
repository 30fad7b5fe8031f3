import { Component, useEffect, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { isBinarySize } from "@web/core/utils/binary";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";
import { imageUrl } from "@web/core/utils/urls";
import { useRecordObserver } from "@web/model/relational_model/utils";
import { fileTypeMagicWordMap } from "@web/views/fields/image/image_field";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { broadcastId } from "./draft";
import { directionOf, MessageBubble } from "./message_bubble";
import { trackLinks } from "./message_format";
import { usePeople } from "./people";
import { PeopleStepper } from "./people_stepper";
import { usePreviewTheme } from "./preview_theme";
import { loadTemplate, variableKey, variableLabel } from "./template_loader";

/** The button that makes previews dark, or light. */
export class ThemeToggle extends Component {
    static template = "whatsapp_broadcast.ThemeToggle";
    static props = {};

    setup() {
        this.theme = usePreviewTheme();
    }
}

/** On a template: what is in the form just now, with the samples. */
export class TemplatePreview extends Component {
    static template = "whatsapp_broadcast.TemplatePreview";
    static components = { MessageBubble, ThemeToggle };
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
            dir: directionOf(data.language),
            getValue: (component, name) =>
                samples[`${component}.${name}`] || `{{${name}}}`,
        };
    }
}

/** On a broadcast: the message as each person of the audience gets it. */
export class MessagePreview extends Component {
    static template = "whatsapp_broadcast.MessagePreview";
    static components = { MessageBubble, PeopleStepper, ThemeToggle };
    static props = standardWidgetProps;

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({ template: null });
        this.people = usePeople();
        this.templates = {};
        useRecordObserver(({ data }) => {
            const version = `${data.template_id?.id}-${data.template_version}`;
            if (version !== this.version) {
                this.version = version;
                this.templates = {};
                this.showTemplate(); // not returned: the form does not wait for it
            }
        });
        useEffect(
            () => {
                this.showTemplate();
            },
            () => [this.templateId]
        );
    }

    /** The person may get a translation, or another message of a test. */
    get templateId() {
        const { template_id: own, in_recipient_language: translates } = this.props.record.data;
        const { person, message, messages } = this.people;
        if (message === "A" && !translates) {
            return own?.id; // what was just chosen is shown at once
        }
        const chosen = messages.find(({ name }) => name === message);
        return person?.template_id || chosen?.template_id || own?.id;
    }

    async showTemplate() {
        const id = this.templateId;
        this.templates[id] ||= loadTemplate(this.orm, id);
        this.state.template = await this.keepLast.add(this.templates[id]);
    }

    get bubbleProps() {
        const { data } = this.props.record;
        const at = data.scheduled_at || undefined;
        if (data.message_type === "text") {
            return { body: this.tracked(data.body), at };
        }
        if (data.message_type === "media") {
            const headerType = data.media_kind || undefined;
            const body = this.tracked(data.media_caption);
            return { headerType, body, media: this.media, at };
        }
        const { template } = this.state;
        return template
            ? {
                  headerType: template.header_type,
                  headerText: template.header_type === "text" && template.header_text,
                  body: template.body,
                  footer: template.footer,
                  buttons: template.button_ids,
                  media: this.media,
                  dir: directionOf(template.language),
                  getValue: this.getValue.bind(this),
                  at,
              }
            : {};
    }

    tracked(text) {
        const { track_links, link_base } = this.props.record.data;
        return track_links ? trackLinks(text, link_base) : text;
    }

    get media() {
        const { data } = this.props.record;
        const fromLink = data.media_file ? "" : data.media_link || "";
        const filename = data.media_filename || fromLink.split(/[?#]/)[0].split("/").at(-1);
        return { url: this.fileUrl(data) || fromLink, filename: filename || "" };
    }

    /** The file as it is saved, or as it was just chosen. */
    fileUrl({ media_file: file, write_date: unique }) {
        if (!file) {
            return "";
        }
        if (isBinarySize(file)) {
            const id = broadcastId(this.props.record);
            return imageUrl("whatsapp.broadcast", id, "media_file", { unique });
        }
        const type = fileTypeMagicWordMap[file[0]] || "png";
        return `data:image/${type};base64,${file}`;
    }

    get hasVariables() {
        const isTemplate = this.props.record.data.message_type === "template";
        return Boolean(isTemplate && this.state.template?.variable_ids.length);
    }

    /** The messages of a test, if there are several to look at. */
    get messages() {
        const isTemplate = this.props.record.data.message_type === "template";
        return isTemplate && this.people.messages.length > 1 ? this.people.messages : [];
    }

    get problems() {
        return (this.people.person?.problems || []).map((problem) => ({
            ...problem,
            label: this.labelOf(problem.variable),
        }));
    }

    labelOf(key) {
        const variables = this.state.template?.variable_ids || [];
        const variable = variables.find((one) => variableKey(one) === key);
        return variable ? variableLabel(variable) : key;
    }

    /** A text that was just typed, else what the person gets, else an example. */
    getValue(component, name) {
        const key = `${component}.${name}`;
        const isOwn = this.people.message === "A";
        const value = isOwn ? this.props.record.data.template_params?.[key] : undefined;
        const text = typeof value === "string" ? value : value?.text;
        if (text) {
            return text;
        }
        const { person } = this.people;
        if (person && key in person.variables) {
            return person.variables[key] || _t("‹no value›");
        }
        const variable = this.state.template.variable_ids.find(
            (variable) => variableKey(variable) === key
        );
        return (
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
        { name: "language", type: "char" },
    ],
});
widgets.add("whatsapp_message_preview", {
    component: MessagePreview,
    fieldDependencies: [
        { name: "message_type", type: "selection" },
        { name: "template_id", type: "many2one" },
        { name: "template_version", type: "char" },
        { name: "template_params", type: "json" },
        { name: "in_recipient_language", type: "boolean" },
        { name: "body", type: "text" },
        { name: "media_kind", type: "selection" },
        { name: "media_file", type: "binary" },
        { name: "media_filename", type: "char" },
        { name: "media_link", type: "char" },
        { name: "media_caption", type: "text" },
        { name: "track_links", type: "boolean" },
        { name: "link_base", type: "char" },
        { name: "scheduled_at", type: "datetime" },
        { name: "write_date", type: "datetime" },
    ],
});
