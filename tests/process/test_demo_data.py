"""The demo data loads, and shows what a broadcast does with each kind of lead."""

from collections import Counter

import pytest

from tools import odoo, postgres

#: Reviews a broadcast of the salesperson to every lead that he may read.
REVIEW = """
sales = env["res.users"].search([("login", "=", "sales")])
leads = env["crm.lead"].with_user(sales).with_context(active_test=False)
account = env.ref("whatsapp_broadcast.account_sandbox")
account._write_protected({"state": "deaf"})
number = env.ref("whatsapp_broadcast.number_garden")
number.state = "connected"
template = env["whatsapp.broadcast.template"].create({
    "name": "t", "account_id": account.id, "body": "Hi {{1}}", "category": "utility",
    "variable_ids": [(0, 0, {"name": "1", "value_type": "recipient_name"})],
})
template._write_protected({"state": "approved"})
broadcast = env["whatsapp.broadcast"].with_user(sales).create({
    "template_id": template.id, "lead_ids": leads.search([]).ids,
})
broadcast.action_review()
result = {
    "number": broadcast.number_id == number,
    "secrets": account.access_token_is_set or account.app_secret_is_set,
    "guessed": broadcast.country_guessed_count,
    "companies": leads.search([]).company_id.ids == sales.company_id.ids,
    "rows": [
        [row.phone, row.state, row.skip_reason, row.lead_id.country_id.code]
        for row in broadcast.recipient_ids
    ],
}
"""
CODES = {131026: 3, 131049: 3, 131050: 2, 130472: 2, 130497: 1, 132005: 1}


@pytest.fixture
def database():
    name = postgres.database_name("test_demo_data")
    odoo.copy(odoo.demo_template(), name)
    yield name
    odoo.drop(name)


def test_each_kind_of_lead_is_there(database):
    with postgres.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT error FROM ir_demo_failure")
        assert cursor.fetchall() == []
    connection.close()

    found = odoo.run_code(database, REVIEW)

    reachable = [row for row in found["rows"] if row[1] == "queued"]
    endings = Counter(int(phone[-6:]) for phone, *_ in reachable)
    assert found["number"]
    assert found["companies"]
    assert not found["secrets"]
    assert found["guessed"] == 4
    assert len(reachable) > 280
    assert {row[3] for row in reachable} >= set("US GB ES BR MX IN DE FR AE IL".split())
    assert {code: endings[code] for code in CODES} == CODES
    assert {row[2] for row in found["rows"] if row[1] == "skipped"} >= {
        "no_phone",
        "bad_phone",
        "duplicate",
        "opted_out",
        "lead_closed",
        "variable_missing",
    }
