import { Component, onWillStart, onWillUpdateProps, useEffect, useRef, useState } from "@odoo/owl";
import { useEmojiPicker } from "@web/core/emoji_picker/emoji_picker";
import { _t } from "@web/core/l10n/translation";
import { KeepLast } from "@web/core/utils/concurrency";
import { useService } from "@web/core/utils/hooks";

import { MessageBubble } from "@whatsapp_broadcast/message/message_bubble";
import { loadTemplate } from "@whatsapp_broadcast/message/template_loader";

/** Free text, as long as WhatsApp allows it. */
export class TextComposer extends Component {
    static template = "whatsapp_broadcast.TextComposer";
    static props = {
        /** What is being written; it outlives the composer. */
        draft: Object,
        isSending: Boolean,
        onSend: Function,
        onDropQuote: Function,
    };

    setup() {
        this.draft = useState(this.props.draft);
        this.input = useRef("input");
        this.emojiPicker = useEmojiPicker(useRef("emoji"), {
            onSelect: (emoji) => this.insert(emoji),
        });
        useEffect(
            (el) => {
                // On a phone the keyboard would hide what was written.
                if (!this.env.isSmall) {
                    el.focus();
                }
            },
            () => [this.input.el, this.draft.quote]
        );
        useEffect(
            (el) => {
                el.style.blockSize = "auto";
                el.style.blockSize = `${Math.min(el.scrollHeight + 2, 160)}px`;
            },
            () => [this.input.el, this.draft.text]
        );
    }

    insert(emoji) {
        const { el } = this.input;
        const { selectionStart, selectionEnd } = el;
        const { text } = this.draft;
        this.draft.text = text.slice(0, selectionStart) + emoji + text.slice(selectionEnd);
        el.focus();
    }

    onKeydown(ev) {
        if (ev.key === "Enter" && !ev.shiftKey && !ev.isComposing) {
            ev.preventDefault();
            this.send();
        } else if (ev.key === "Escape" && this.draft.quote) {
            ev.stopPropagation();
            this.props.onDropQuote();
        }
    }

    send() {
        if (this.draft.text.trim() && !this.props.isSending) {
            this.props.onSend();
        }
    }
}

/** One message by template, with this person's values. */
export class TemplateComposer extends Component {
    static template = "whatsapp_broadcast.TemplateComposer";
    static components = { MessageBubble };
    static props = {
        resModel: String,
        resId: Number,
        numberId: Number,
        accountId: Number,
        /** Why no marketing may be sent, or false. */
        marketingOptOut: { type: [String, Boolean] },
        isSending: Boolean,
        onSend: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.keepLast = new KeepLast();
        this.state = useState({
            templates: [],
            template: null,
            variables: [],
            mediaLink: "",
        });
        onWillStart(() => this.loadTemplates(this.props));
        onWillUpdateProps((nextProps) => {
            if (nextProps.accountId !== this.props.accountId) {
                return this.loadTemplates(nextProps);
            }
        });
    }

    async loadTemplates({ accountId }) {
        Object.assign(this.state, { template: null, variables: [] });
        this.state.templates = await this.orm.searchRead(
            "whatsapp.broadcast.template",
            [
                ["account_id", "=", accountId],
                ["state", "=", "approved"],
                ["unsupported_reason", "in", [false, ""]],
            ],
            ["display_name", "category"]
        );
    }

    async choose(ev) {
        const id = Number(ev.target.value);
        const { resModel, resId, numberId } = this.props;
        const loading = id
            ? Promise.all([
                  loadTemplate(this.orm, id),
                  this.orm.call(resModel, "whatsapp_get_template", [[resId], id, numberId]),
              ])
            : Promise.resolve([null, []]);
        const [template, variables] = await this.keepLast.add(loading);
        Object.assign(this.state, {
            template: template && { ...template, id },
            variables,
            mediaLink: "",
        });
    }

    get needsMedia() {
        return ["image", "video", "document"].includes(this.state.template?.header_type);
    }

    get optOut() {
        const chosen = this.state.templates.find(({ id }) => id === this.state.template?.id);
        return chosen?.category === "marketing" && this.props.marketingOptOut;
    }

    get canSend() {
        const { template, variables, mediaLink } = this.state;
        return (
            template &&
            !this.optOut &&
            !this.props.isSending &&
            variables.every(({ text }) => text.trim()) &&
            (!this.needsMedia || mediaLink.trim())
        );
    }

    get bubbleProps() {
        const { template, variables } = this.state;
        return {
            headerType: template.header_type,
            headerText: template.header_type === "text" && template.header_text,
            body: template.body,
            footer: template.footer,
            buttons: template.button_ids,
            getValue: (component, name) =>
                variables.find((one) => one.component === component && one.name === name)
                    ?.text || `{{${name}}}`,
        };
    }

    variableLabel({ component, name }) {
        return component === "button" ? _t("Button %s", name) : `{{${name}}}`;
    }

    send() {
        const { template, variables, mediaLink } = this.state;
        const values = Object.fromEntries(variables.map(({ key, text }) => [key, { text }]));
        return this.props.onSend(template.id, values, mediaLink.trim() || null);
    }
}
