import { describe, expect, test } from "@odoo/hoot";

import { conversationPieces } from "@whatsapp_broadcast/conversation/conversation_text";

describe.current.tags("headless");

test("links are pieces of their own, without what follows them", () => {
    expect(conversationPieces("See https://example.com/a_b_c?d=*e*. *Now*!")).toEqual([
        { text: "See ", classes: "", url: null },
        {
            text: "https://example.com/a_b_c?d=*e*",
            classes: "",
            url: "https://example.com/a_b_c?d=*e*",
        },
        { text: ". ", classes: "", url: null },
        { text: "Now", classes: "fw-bolder", url: null },
        { text: "!", classes: "", url: null },
    ]);
});

test("only web addresses are links", () => {
    const text = "javascript:alert(1) data:text/html,x {{name}}";
    const pieces = conversationPieces(text);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    expect(pieces.every((piece) => piece.url === null)).toBe(true);
});

test("nothing is nothing", () => {
    expect(conversationPieces(false)).toEqual([]);
});
