import { describe, expect, test } from "@odoo/hoot";

import { lengthOf, toggleMark } from "@whatsapp_broadcast/message/text_marks";

describe.current.tags("headless");

/** ``[`` and ``]`` show what is selected. */
function toggle(text, mark) {
    const start = text.indexOf("[");
    const end = text.indexOf("]") - 1;
    const value = text.replace("[", "").replace("]", "");
    const found = toggleMark({ value, start, end }, mark);
    return (
        found.value.slice(0, found.start) +
        `[${found.value.slice(found.start, found.end)}]` +
        found.value.slice(found.end)
    );
}

test("a mark goes around what is selected, and away again", () => {
    expect(toggle("a [b] c", "*")).toBe("a [*b*] c");
    expect(toggle("a [*b*] c", "*")).toBe("a [b] c");
    expect(toggle("a *[b]* c", "*")).toBe("a [b] c");
    expect(toggle("a [b] c", "```")).toBe("a [```b```] c");
});

test("marks may be in one another", () => {
    expect(toggle("[*b*]", "_")).toBe("[_*b*_]");
});

test("spaces stay outside, as WhatsApp wants it", () => {
    expect(toggle("a[ b ]c", "_")).toBe("a[ _b_ ]c");
});

test("each line has its own marks, code has one", () => {
    expect(toggle("[a\n\nb]", "*")).toBe("[*a*\n\n*b*]");
    expect(toggle("[*a*\n\n*b*]", "*")).toBe("[a\n\nb]");
    expect(toggle("[a\nb]", "```")).toBe("[```a\nb```]");
});

test("with nothing selected one writes within the marks", () => {
    expect(toggle("a []", "~")).toBe("a ~[]~");
    expect(toggle("a ~[]~", "~")).toBe("a []");
});

test("an emoji is one character", () => {
    expect(lengthOf("a🌱")).toBe(2);
    expect(lengthOf(false)).toBe(0);
});
