import { describe, expect, test } from "@odoo/hoot";

import { formatMessage } from "@whatsapp_broadcast/message/message_format";

describe.current.tags("headless");

const format = (text) => formatMessage(text, (name) => `<${name}>`);

test("plain text is one piece, whatever signs are in it", () => {
    const text = "2 * 3 * 4, snake_case_name? 5~6";
    expect(format(text).map((piece) => piece.text).join("")).toBe(text);
    expect(format("")).toEqual([]);
    expect(format(false)).toEqual([]);
});

test("the name of a variable may have marks in it", () => {
    const pieces = format("{{first_name}} {{last_name}}");
    expect(pieces.map((piece) => piece.text)).toEqual(["<first_name>", " ", "<last_name>"]);
});

test("a variable shows its value, also inside of bold text", () => {
    expect(format("Hi *dear {{name}}*!")).toEqual([
        { text: "Hi ", classes: "", isVariable: false },
        { text: "dear ", classes: "fw-bolder", isVariable: false },
        { text: "<name>", classes: "fw-bolder", isVariable: true },
        { text: "!", classes: "", isVariable: false },
    ]);
});

test("each mark has its style", () => {
    expect(format("*a* _b_ ~c~ ```d```").map((piece) => piece.classes)).toEqual([
        "fw-bolder",
        "",
        "fst-italic",
        "",
        "text-decoration-line-through",
        "",
        "font-monospace",
    ]);
});
