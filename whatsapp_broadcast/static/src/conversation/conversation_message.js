import { Component } from "@odoo/owl";
import { deserializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";

import { conversationPieces } from "./conversation_text";

const { DateTime } = luxon;

const MEDIA_ICONS = {
    image: "fa-picture-o",
    video: "fa-film",
    audio: "fa-microphone",
    document: "fa-file-text-o",
};

/** What became of a message: icons beside each other, a style, and words. */
function status(state) {
    const waiting = { icons: ["fa-clock-o"], classes: "text-muted" };
    return {
        queued: { ...waiting, title: _t("Waiting to be sent") },
        sending: { ...waiting, title: _t("Being sent") },
        held: { icons: ["fa-pause"], classes: "text-warning", title: _t("Held") },
        accepted: { icons: ["fa-check"], classes: "text-muted", title: _t("Accepted") },
        sent: { icons: ["fa-check"], classes: "text-muted", title: _t("Sent") },
        delivered: {
            icons: ["fa-check", "fa-check"],
            classes: "text-muted",
            title: _t("Delivered"),
        },
        read: {
            icons: ["fa-check", "fa-check"],
            classes: "o_whatsapp_read",
            title: _t("Read"),
        },
        unknown: {
            icons: ["fa-question-circle"],
            classes: "text-warning",
            title: _t("Unknown"),
        },
        failed: {
            icons: ["fa-exclamation-circle"],
            classes: "text-danger",
            title: _t("Not sent"),
        },
        skipped: {
            icons: ["fa-ban"],
            classes: "text-danger",
            title: _t("Left out"),
        },
        cancelled: { icons: ["fa-ban"], classes: "text-muted", title: _t("Cancelled") },
    }[state];
}

/** One message of a conversation, theirs or ours. */
export class ConversationMessage extends Component {
    static template = "whatsapp_broadcast.ConversationMessage";
    static props = {
        message: Object,
        onQuote: { type: Function, optional: true },
        onRetry: { type: Function, optional: true },
        onShowQuoted: Function,
        onOpenBroadcast: Function,
    };

    get isOut() {
        return this.props.message.direction === "out";
    }

    get isFailed() {
        return ["failed", "skipped"].includes(this.props.message.state);
    }

    get status() {
        return this.isOut && status(this.props.message.state);
    }

    get time() {
        const at = deserializeDateTime(this.props.message.at);
        return at.toLocaleString(DateTime.TIME_SIMPLE);
    }

    get mediaIcon() {
        return MEDIA_ICONS[this.props.message.media.kind] || "fa-paperclip";
    }

    /** Why there is no file to open. */
    get mediaNote() {
        return {
            pending: _t("Is being fetched…"),
            gone: _t("Not available here. Open it on the phone."),
        }[this.props.message.media.state];
    }

    /** What stands in place of a text where there is none. */
    get note() {
        const { kind, text, media, location, is_revoked } = this.props.message;
        if (is_revoked) {
            return _t("This message was taken back.");
        }
        if (text || media || location) {
            return "";
        }
        return {
            reaction: _t("A reaction was taken back."),
            revoke: _t("An earlier message was taken back."),
            edit: _t("An earlier message was changed."),
        }[kind] || _t("A message of a kind that cannot be shown here.");
    }

    pieces(text) {
        return conversationPieces(text);
    }
}
