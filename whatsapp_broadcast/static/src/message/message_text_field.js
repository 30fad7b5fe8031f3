import { useEffect, useRef, useState } from "@odoo/owl";
import { useEmojiPicker } from "@web/core/emoji_picker/emoji_picker";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useDebounced } from "@web/core/utils/timing";
import { TextField, textField } from "@web/views/fields/text/text_field";

import { lengthOf, toggleMark } from "./text_marks";

/** A text that WhatsApp shows: its marks, emoji, and how long it may get. */
export class MessageTextField extends TextField {
    static template = "whatsapp_broadcast.MessageTextField";
    static props = {
        ...TextField.props,
        /** Which of the broadcast's ``text_limits`` it has. */
        limit: String,
    };
    static defaultProps = { ...TextField.defaultProps, rowCount: 5 };

    setup() {
        super.setup();
        this.marks = [
            { mark: "*", icon: "fa-bold", label: _t("Bold"), hotkey: "b", keys: "Ctrl+B" },
            { mark: "_", icon: "fa-italic", label: _t("Italic"), hotkey: "i", keys: "Ctrl+I" },
            { mark: "~", icon: "fa-strikethrough", label: _t("Strikethrough") },
            { mark: "```", icon: "fa-code", label: _t("Monospace") },
        ];
        this.state = useState({ length: 0 });
        this.emojiPicker = useEmojiPicker(useRef("emoji"), {
            onSelect: (emoji) => this.insert(emoji),
        });
        // The preview follows while one writes.
        this.commit = useDebounced(() => {
            const { el } = this.textareaRef;
            if (el && !this.props.readonly) {
                this.props.record.update({ [this.props.name]: this.parse(el.value) });
            }
        }, 300);
        useEffect(
            (text) => {
                this.state.length = lengthOf(text);
            },
            () => [this.props.record.data[this.props.name]]
        );
    }

    get limit() {
        return this.props.record.data.text_limits?.[this.props.limit];
    }

    get excess() {
        return this.limit ? this.state.length - this.limit : 0;
    }

    get excessText() {
        return _t("%s characters too many.", this.excess);
    }

    onInput(ev) {
        this.state.length = lengthOf(ev.target.value);
        this.commit();
    }

    onKeydown(ev) {
        const found = this.marks.find(({ hotkey }) => hotkey === ev.key.toLowerCase());
        if (found && (ev.ctrlKey || ev.metaKey) && !ev.altKey && !ev.shiftKey) {
            ev.preventDefault();
            ev.stopPropagation();
            this.toggle(found.mark);
        }
    }

    toggle(mark) {
        const { value, selectionStart: start, selectionEnd: end } = this.textareaRef.el;
        this.replace(toggleMark({ value, start, end }, mark));
    }

    /** Behind what is selected: to mark a text selects it, and nothing is to be lost. */
    insert(emoji) {
        const { value, selectionEnd: end } = this.textareaRef.el;
        const caret = end + emoji.length;
        this.replace({
            value: value.slice(0, end) + emoji + value.slice(end),
            start: caret,
            end: caret,
        });
    }

    replace({ value, start, end }) {
        const { el } = this.textareaRef;
        el.value = value;
        el.dispatchEvent(new InputEvent("input", { bubbles: true }));
        el.focus();
        el.setSelectionRange(start, end);
    }
}

registry.category("fields").add("whatsapp_text", {
    ...textField,
    component: MessageTextField,
    displayName: _t("WhatsApp Text"),
    supportedTypes: ["text"],
    fieldDependencies: [{ name: "text_limits", type: "json" }],
    extractProps: (fieldInfo, ...others) => ({
        ...textField.extractProps(fieldInfo, ...others),
        limit: fieldInfo.options.limit,
    }),
});
