import { formatMessage } from "@whatsapp_broadcast/message/message_format";

const ADDRESS = /https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]]/g;

/**
 * Splits what a person wrote into pieces of one style each, and links.
 *
 * @param {string} text
 * @returns {{text: string, classes: string, url: string|null}[]}
 */
export function conversationPieces(text) {
    const pieces = [];
    let start = 0;
    const addPlain = (plain) => {
        // Double braces are a variable of a template only, never of a person's text.
        for (const piece of formatMessage(plain, (name) => `{{${name}}}`)) {
            pieces.push({ text: piece.text, classes: piece.classes, url: null });
        }
    };
    for (const match of (text || "").matchAll(ADDRESS)) {
        addPlain(text.slice(start, match.index));
        pieces.push({ text: match[0], classes: "", url: match[0] });
        start = match.index + match[0].length;
    }
    addPlain((text || "").slice(start));
    return pieces;
}
