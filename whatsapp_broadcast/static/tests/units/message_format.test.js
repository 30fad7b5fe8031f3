import { describe, expect, test } from "@odoo/hoot";

import { formatBlocks, formatMessage, trackLinks } from "@whatsapp_broadcast/message/message_format";

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

test("addresses are shown as the short ones that are sent, what is around them stays", () => {
    const base = "https://erp.example/w/";
    const text = "See https://a.example/b?c=1. Or (http://d.example)!";
    expect(trackLinks(text, base)).toBe(`See ${base}…. Or (${base}…)!`);
    expect(trackLinks("a.example", base)).toBe("a.example");
    expect(trackLinks(false, base)).toBe("");
});

test("letters of any language are words", () => {
    expect(format("é*b* *ü*ß").every((piece) => !piece.classes)).toBe(true);
    expect(format("*ü*")).toEqual([{ text: "ü", classes: "fw-bolder", isVariable: false }]);
});

test("nothing in code is a mark", () => {
    expect(format("`*a*` ```_b_\n*c*```").map((piece) => piece.text)).toEqual([
        "*a*",
        " ",
        "_b_\n*c*",
    ]);
});

test("a value is formatted as well, and all of it is marked as a variable", () => {
    const pieces = formatMessage("{{1}}.", () => "a *b*");
    expect(pieces).toEqual([
        { text: "a ", classes: "", isVariable: true },
        { text: "b", classes: "fw-bolder", isVariable: true },
        { text: ".", classes: "", isVariable: false },
    ]);
});

const blocks = (text, getValue = (name) => name) =>
    formatBlocks(text, getValue).map(({ kind, lines }) => [
        kind,
        lines.map(
            ({ number, pieces }) =>
                (number ? `${number}:` : "") + pieces.map(({ text }) => text).join("")
        ),
    ]);

test("quotes and lists are blocks", () => {
    expect(blocks("Hi\n\n> one\n> two\n* a\n- b\n3. c\n4. d\nend")).toEqual([
        ["text", ["Hi", ""]],
        ["quote", ["one", "two"]],
        ["bullet", ["a", "b"]],
        ["number", ["3:c", "4:d"]],
        ["text", ["end"]],
    ]);
});

test("signs without a space are no blocks", () => {
    const text = ">a\n*b*\n-c\n1.d\n1 . e";
    expect(blocks(text).map(([kind]) => kind)).toEqual(["text"]);
    expect(blocks("")).toEqual([]);
    expect(blocks(false)).toEqual([]);
});

test("code keeps its lines", () => {
    expect(blocks("a\n```b\n> c```\nd")).toEqual([["text", ["a", "b\n> c", "d"]]]);
});

test("a value at the start of a line may make it a block", () => {
    expect(blocks("{{1}}", () => "- x")).toEqual([["bullet", ["x"]]]);
    expect(blocks("{{1}}. x", () => "7")).toEqual([["text", ["7. x"]]]);
});
