/**
 * What WhatsApp renders: *bold*, _italic_, ~struck~, ```code```, and {{variables}}.
 * A mark within a word, or beside a space, is only a sign.
 */
const TOKEN = new RegExp(
    [
        ...["\\*", "_", "~"].map(
            (mark) => `(?<!\\w)${mark}(?!\\s)([^${mark}\\n]+)(?<!\\s)${mark}(?!\\w)`
        ),
        "```([^`]+)```",
        "\\{\\{\\s*(\\w+)\\s*\\}\\}",
    ].join("|")
);
const CLASSES = [
    "fw-bolder",
    "fst-italic",
    "text-decoration-line-through",
    "font-monospace",
];

/**
 * Splits a message into pieces of one style each.
 *
 * @param {string} text
 * @param {(name: string) => string} getValue text shown for a variable
 * @returns {{text: string, classes: string, isVariable: boolean}[]}
 */
export function formatMessage(text, getValue, classes = "") {
    const pieces = [];
    let rest = text || "";
    for (let match; (match = TOKEN.exec(rest)); ) {
        const [found, ...groups] = match;
        pieces.push({ text: rest.slice(0, match.index), classes, isVariable: false });
        const variable = groups.pop();
        if (variable) {
            pieces.push({ text: getValue(variable), classes, isVariable: true });
        } else {
            const style = groups.findIndex((group) => group !== undefined);
            const inner = `${classes} ${CLASSES[style]}`.trim();
            pieces.push(...formatMessage(groups[style], getValue, inner));
        }
        rest = rest.slice(match.index + found.length);
    }
    pieces.push({ text: rest, classes, isVariable: false });
    return pieces.filter((piece) => piece.text);
}
