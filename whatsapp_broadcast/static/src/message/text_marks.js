/**
 * Puts a mark of WhatsApp around what is selected, or takes it away again.
 *
 * A mark counts only beside a word, and only within a line: spaces stay outside, and each
 * line gets its own marks. Code may have lines.
 *
 * @param {{value: string, start: number, end: number}} selection
 * @param {"*"|"_"|"~"|"```"} mark
 * @returns {{value: string, start: number, end: number}} what is selected then
 */
export function toggleMark({ value, start, end }, mark) {
    const before = value.slice(0, start);
    const after = value.slice(end);
    const selected = value.slice(start, end);
    if (before.endsWith(mark) && after.startsWith(mark)) {
        const left = before.slice(0, -mark.length);
        return {
            value: left + selected + after.slice(mark.length),
            start: left.length,
            end: left.length + selected.length,
        };
    }
    if (!selected.trim()) {
        const caret = start + mark.length;
        return { value: before + mark + mark + value.slice(start), start: caret, end: caret };
    }
    const parts = mark === "```" ? [selected] : selected.split("\n");
    const isMarked = parts.every((part) => !part.trim() || isAround(part.trim(), mark));
    const changed = parts
        .map((part) =>
            part.replace(/^(\s*)(\S[^]*?)(\s*)$/, (_found, left, words, right) =>
                isMarked
                    ? left + words.slice(mark.length, -mark.length) + right
                    : left + mark + words + mark + right
            )
        )
        .join("\n");
    return { value: before + changed + after, start, end: start + changed.length };
}

function isAround(text, mark) {
    return text.length > 2 * mark.length && text.startsWith(mark) && text.endsWith(mark);
}

/** @returns {number} characters as the provider counts them: an emoji is no two */
export function lengthOf(text) {
    return [...(text || "")].length;
}
