import { expect, test } from "@odoo/hoot";
import { press, queryOne } from "@odoo/hoot-dom";
import { runAllTimers } from "@odoo/hoot-mock";
import { contains, defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";
import { defineMailModels } from "@mail/../tests/mail_test_helpers";

class Note extends models.Model {
    body = fields.Text();
    text_limits = fields.Json({ default: { text: 8 } });
    _records = [{ id: 1, body: "one two", text_limits: { text: 8 } }];
}

defineMailModels();
defineModels([Note]);

const AREA = ".o_field_widget[name=body] textarea";

async function mount() {
    await mountView({
        type: "form",
        resModel: "note",
        resId: 1,
        arch: `<form><field name="text_limits" invisible="1"/>
            <field name="body" widget="whatsapp_text" options="{'limit': 'text'}"/></form>`,
    });
    queryOne(AREA).focus();
    queryOne(AREA).setSelectionRange(0, 3);
}

test("a button of the toolbar marks what is selected", async () => {
    await mount();
    await contains("button[data-mark='~']").click();
    expect(AREA).toHaveValue("~one~ two");
});

test("so does the keyboard, and the record has it", async () => {
    await mount();
    await press(["ctrl", "b"]);
    expect(AREA).toHaveValue("*one* two");
    await runAllTimers();
    await contains(".o_form_button_save").click();
    expect(AREA).toHaveValue("*one* two");
});

test("the counter says when it is too much", async () => {
    await mount();
    expect(".o_whatsapp_length").toHaveText("7 / 8");
    expect(".o_whatsapp_length").not.toHaveClass("text-danger");
    await contains("button[data-mark='*']").click();
    expect(".o_whatsapp_length").toHaveText("9 / 8");
    expect(".o_whatsapp_length").toHaveClass("text-danger");
    expect("[role=status]").toHaveText("1 characters too many.");
});
