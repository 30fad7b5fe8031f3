"""An automation rule of Odoo's own sends, with the rights of who triggers it."""

import pytest

from tools import layout, odoo, postgres

#: A rule on leads, one user who may send and one who may not.
TRIGGER = """
account = env["whatsapp.broadcast.account"].create({
    "name": "A", "app_id": "1", "business_account_id": "2",
})
account._write_protected({"state": "connected"})
number = env["whatsapp.broadcast.number"].create({
    "name": "N", "account_id": account.id, "external_id": "1", "state": "connected",
})
template = env["whatsapp.broadcast.template"].create({
    "name": "t", "account_id": account.id, "body": "Hi", "category": "utility",
})
template._write_protected({"state": "approved"})
model = env["ir.model"]._get_id("crm.lead")
rule = env["base.automation"].create({
    "name": "Welcome", "model_id": model, "trigger": "on_create_or_write",
    "filter_domain": "[('priority', '=', '2')]",
})
env["ir.actions.server"].create({
    "name": "Welcome", "model_id": model, "state": "whatsapp_broadcast",
    "whatsapp_number_id": number.id, "whatsapp_template_id": template.id,
    "base_automation_id": rule.id, "usage": "base_automation",
})
salesman = env.ref("sales_team.group_sale_salesman_all_leads")
sender, other = env["res.users"].create([
    {"name": "Sender", "login": "sender", "group_ids": [
        (4, salesman.id), (4, env.ref("whatsapp_broadcast.group_user").id)]},
    {"name": "Other", "login": "other", "group_ids": [(4, salesman.id)]},
])
leads = env["crm.lead"].create([
    {"name": phone, "phone": phone, "country_id": env.ref("base.us").id}
    for phone in ("+12125550100", "+12125550101", "+12125550102")
])
env.cr.commit()
leads[:2].with_user(sender).priority = "2"
env.cr.commit()
refusal = ""
try:
    leads[2].with_user(other).priority = "2"
except Exception as error:
    refusal = str(error)
    env.cr.rollback()
broadcasts = env["whatsapp.broadcast"].search([])
result = {
    "leads": broadcasts.lead_ids == leads[:2],
    "states": broadcasts.mapped("state"),
    "launchers": broadcasts.launcher_id.mapped("login"),
    "refusal": refusal,
}
"""


@pytest.fixture
def database():
    name = postgres.database_name("test_automation")
    odoo.copy(odoo.template("addon", ["crm", layout.ADDON]), name)
    odoo.install(name, ["base_automation"])
    yield name
    odoo.drop(name)


def test_a_rule_sends(database):
    found = odoo.run_code(database, TRIGGER)

    assert found["leads"]
    assert found["states"] == ["preparing"]
    assert found["launchers"] == ["sender"]
    assert "Welcome: Other may not send WhatsApp broadcasts" in found["refusal"]
