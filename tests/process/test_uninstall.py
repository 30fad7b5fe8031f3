"""Uninstalling the addon leaves the database as it was before."""

import pytest
from leftovers import SNAPSHOT, difference, snapshot

from tools import layout, odoo, postgres

#: Rows in all that it makes, before it goes.
USE = """
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9aw"
    "AAAABJRU5ErkJggg=="
)
account = env["whatsapp.broadcast.account"].create({
    "name": "A", "app_id": "1", "business_account_id": "2",
    "access_token": "token", "app_secret": "secret",
})
account._write_protected({"state": "connected"})
number = env["whatsapp.broadcast.number"].create({
    "name": "N", "account_id": account.id, "external_id": "1", "state": "connected",
    "company_ids": env.company.ids,
})
lead = env["crm.lead"].create({"name": "L", "phone": "+12125550100"})
broadcast = env["whatsapp.broadcast"].with_user(env.ref("base.user_admin")).create({
    "number_id": number.id, "message_type": "media", "media_kind": "image",
    "media_file": PNG, "lead_ids": lead.ids,
})
broadcast.media_caption = "https://shop.example/offer"
broadcast.action_review()
broadcast.action_launch()
broadcast._track_links()
broadcast.activity_schedule("mail.mail_activity_data_todo")
env["whatsapp.broadcast.attempt"].create(
    {"recipient_id": broadcast.recipient_ids.id, "by": env.uid})
env["whatsapp.broadcast.event"]._receive(account.id, b"{}")
env["whatsapp.broadcast.lane"]._guard_copy()
template = env["whatsapp.broadcast.template"].create({
    "name": "t", "account_id": account.id, "body": "Hi", "category": "utility",
})
env["ir.actions.server"].create({
    "name": "S", "model_id": env["ir.model"]._get_id("crm.lead"),
    "state": "whatsapp_broadcast", "whatsapp_number_id": number.id,
    "whatsapp_template_id": template.id,
})
env.cr.execute(
    "INSERT INTO whatsapp_broadcast_notice (account_id, template_id, kind, value, at,"
    " is_serious) VALUES (%s, %s, 'template_state', 'paused', now(), TRUE)",
    (account.id, template.id),
)
env["whatsapp.broadcast.notice"].search([])._tell(template)
env["whatsapp.broadcast.message"].create({
    "account_id": account.id, "number_id": number.id, "broadcast_id": broadcast.id,
    "direction": "out", "message_type": "text",
})
lead.unlink()
env.cr.commit()
result = broadcast.recipient_count
"""

UNINSTALL = """
env["ir.module.module"].search([("name", "=", "whatsapp_broadcast")]) \
    .button_immediate_uninstall()
"""


@pytest.fixture
def database():
    """A database with what it depends on, in which the addon is not installed."""
    name = postgres.database_name("test_uninstall")
    odoo.copy(odoo.template("before", ["crm", "link_tracker"]), name)
    odoo.run_code(name, "env['ir.module.module'].update_list(); env.cr.commit()")
    yield name
    odoo.drop(name)


def test_nothing_is_left_behind(database):
    before = snapshot(database)
    odoo.install(database, [layout.ADDON])
    assert odoo.run_code(database, USE) == 1
    during = snapshot(database)
    for kind in SNAPSHOT:
        assert during[kind] - before[kind], f"the addon makes no {kind} any more"

    odoo.run_code(database, UNINSTALL)

    after = snapshot(database)
    assert difference(after, before) == {}
    assert difference(before, after) == {}
