import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

import { formatBlocks, formatMessage } from "./message_format";
import { usePreviewTheme } from "./preview_theme";

const { DateTime } = luxon;

const MEDIA_ICONS = {
    image: "fa-picture-o",
    video: "fa-play-circle",
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
const RTL_LANGUAGES = ["ar", "fa", "he", "ur"];

/** @returns {"rtl"|"ltr"|"auto"} the direction of a text in a language like ar or pt_BR */
export function directionOf(language) {
    if (!language) {
        return "auto";
    }
    return RTL_LANGUAGES.includes(language.split(/[_-]/)[0]) ? "rtl" : "ltr";
}

/** A message as WhatsApp shows it. */
export class MessageBubble extends Component {
    static template = "whatsapp_broadcast.MessageBubble";
    static props = {
        headerType: { type: String, optional: true },
        headerText: { type: [String, Boolean], optional: true },
        body: { type: [String, Boolean], optional: true },
        footer: { type: [String, Boolean], optional: true },
        buttons: { type: Array, optional: true },
        /** The file: where it can be shown from ("" if nowhere), and its name. */
        media: { type: Object, shape: { url: String, filename: String }, optional: true },
        dir: { type: String, optional: true },
        /** When it arrives; now, if nobody says. */
        at: { type: Object, optional: true },
        /** (component, name) => text shown for a variable */
        getValue: { type: Function, optional: true },
    };
    static defaultProps = { dir: "auto" };

    setup() {
        this.theme = usePreviewTheme();
        this.state = useState({ brokenUrl: "" });
        this.now = DateTime.now();
    }

    get mediaIcon() {
        return MEDIA_ICONS[this.props.headerType];
    }

    get mediaLabel() {
        return {
            image: _t("Image"),
            video: _t("Video"),
            document: _t("Document"),
            audio: _t("Audio"),
            location: _t("Location"),
        }[this.props.headerType];
    }

    get pictureUrl() {
        const url = this.props.headerType === "image" && this.props.media?.url;
        return url !== this.state.brokenUrl && url;
    }

    get isStrip() {
        return ["document", "audio"].includes(this.props.headerType);
    }

    get time() {
        return (this.props.at || this.now).toLocaleString(DateTime.TIME_SIMPLE);
    }

    get isEmpty() {
        const { headerText, body, buttons } = this.props;
        return !headerText && !body && !this.mediaIcon && !buttons?.length;
    }

    buttonIcon(button) {
        return BUTTON_ICONS[button.kind] || "fa-bolt";
    }

    valuesOf(component) {
        const getValue = this.props.getValue || ((_component, name) => `{{${name}}}`);
        return (name) => getValue(component, name);
    }

    get headerPieces() {
        return formatMessage(this.props.headerText, this.valuesOf("header"));
    }

    get blocks() {
        return formatBlocks(this.props.body, this.valuesOf("body"));
    }

    onPictureError() {
        this.state.brokenUrl = this.props.media.url;
    }
}
