/** What stands around the value of a variable until the text is in pieces. */
const START = "\uE000";
const END = "\uE001";
const VARIABLE = /\{\{\s*(\w+)\s*\}\}/g;

/**
 * What WhatsApp renders: *bold*, _italic_, ~struck~, ```code``` and `code`.
 * A mark within a word, or beside a space, is only a sign.
 */
const MARKS = ["\\*", "_", "~"];
const TOKEN = new RegExp(
    [
        "```([^`]+)```",
        "`([^`\\n]+)`",
        ...MARKS.map(
            (mark) =>
                `(?<![\\p{L}\\p{N}_])${mark}(?!\\s)([^${mark}\\n]+)(?<!\\s)${mark}(?![\\p{L}\\p{N}_])`
        ),
    ].join("|"),
    "u"
);
const CODE = ["font-monospace", "o_whatsapp_inline_code font-monospace"];
const CLASSES = [...CODE, "fw-bolder", "fst-italic", "text-decoration-line-through"];

/** What a line begins with; a number stays what it is. */
const BLOCKS = [
    ["quote", /^(\uE000?)> (.*)$/s],
    ["bullet", /^(\uE000?)[*-] (.*)$/s],
    ["number", /^(\uE000?)(?:\d{1,3})\. (.*)$/s],
];

/** An address in a text, without what ends the sentence; as engine/links.py has it. */
const LINK = /https?:\/\/[^\s<>"]*[^\s<>".,:;!?'*_~`()[\]{}]/g;

/** @returns {string} the text with its addresses as short ones that begin with base */
export function trackLinks(text, base) {
    return (text || "").replace(LINK, `${base}…`);
}

function fill(text, getValue) {
    return (text || "")
        .replaceAll(START, "")
        .replaceAll(END, "")
        .replace(VARIABLE, (_found, name) => `${START}${getValue(name)}${END}`);
}

function style(text, classes) {
    const pieces = [];
    let rest = text;
    for (let match; (match = TOKEN.exec(rest)); ) {
        const [found, ...groups] = match;
        const position = groups.findIndex((group) => group !== undefined);
        const inner = `${classes} ${CLASSES[position]}`.trim();
        pieces.push({ text: rest.slice(0, match.index), classes });
        // Nothing in code is a mark.
        const isCode = position < CODE.length;
        pieces.push(
            ...(isCode
                ? [{ text: groups[position], classes: inner }]
                : style(groups[position], inner))
        );
        rest = rest.slice(match.index + found.length);
    }
    return [...pieces, { text: rest, classes }];
}

function markVariables(pieces) {
    let isVariable = false;
    return pieces.flatMap(({ text, classes }) =>
        text.split(/([\uE000\uE001])/).flatMap((part) => {
            if (part === START || part === END) {
                isVariable = part === START;
                return [];
            }
            return part ? [{ text: part, classes, isVariable }] : [];
        })
    );
}

/** A line break within ``` belongs to the code. */
function lines(text) {
    const found = [...text.matchAll(/((?:```[^`]+```|[^\n])*)(\n|$)/g)];
    return found.slice(0, -1).map((match) => match[1]); // the last one is the end
}

/**
 * Splits a message into pieces of one style each.
 *
 * @param {string} text
 * @param {(name: string) => string} getValue text shown for a variable
 * @returns {{text: string, classes: string, isVariable: boolean}[]}
 */
export function formatMessage(text, getValue) {
    return markVariables(style(fill(text, getValue), ""));
}

/**
 * Splits a message into paragraphs, quotes and lists.
 *
 * @param {string} text
 * @param {(name: string) => string} getValue text shown for a variable
 * @returns {{kind: "text"|"quote"|"bullet"|"number", lines: {number: string,
 *   pieces: Object[]}[]}[]} pieces as of ``formatMessage``
 */
export function formatBlocks(text, getValue) {
    const blocks = [];
    for (const line of lines(fill(text, getValue))) {
        const [kind, match] = startOf(line);
        const content = match ? match[1] + match[2] : line;
        if (blocks.at(-1)?.kind !== kind) {
            blocks.push({ kind, lines: [] });
        }
        blocks.at(-1).lines.push({
            number: kind === "number" ? parseInt(line.replace(START, "")) : 0,
            pieces: markVariables(style(content, "")),
        });
    }
    return blocks;
}

function startOf(line) {
    for (const [kind, pattern] of BLOCKS) {
        const match = pattern.exec(line);
        if (match) {
            return [kind, match];
        }
    }
    return ["text", null];
}
