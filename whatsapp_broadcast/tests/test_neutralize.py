from odoo.tests import tagged
from odoo.tools import file_open

from ..models.whatsapp_broadcast import STATES
from .common import BroadcastCommon


@tagged("post_install", "-at_install")
class TestNeutralize(BroadcastCommon):
    def neutralize(self):
        self.env.flush_all()
        with file_open("whatsapp_broadcast/data/neutralize.sql") as file:
            self.env.cr.execute(file.read())
        self.env.invalidate_all()

    def test_secrets_and_webhook_are_gone(self):
        self.account.write(
            {"access_token": "a", "app_secret": "b", "verify_token": "c"}
        )
        token = self.account.webhook_token
        self.neutralize()
        self.assertFalse(self.account.access_token_is_set)
        self.assertFalse(self.account.app_secret_is_set)
        self.assertFalse(self.account.verify_token_is_set)
        self.assertNotEqual(self.account.webhook_token, token)
        self.assertTrue(self.account.webhook_token)
        self.assertEqual(self.account.state, "draft")

    def test_nothing_goes_out(self):
        others = self.make_account("Other")
        message = self.env["whatsapp.broadcast.message"].create(
            {
                "account_id": self.account.id,
                "number_id": self.number.id,
                "direction": "out",
                "message_type": "text",
                "due_at": "2026-01-01",
            }
        )
        lead = self.make_leads(1)
        before = {state: self.make_broadcast(lead) for state, _label in STATES}
        for state, broadcast in before.items():
            broadcast._write_protected({"state": state})
        self.neutralize()
        after = {state: broadcast.state for state, broadcast in before.items()}
        stopped = {"scheduled", "preparing", "sending", "paused"}
        self.assertEqual(
            after,
            {state: "paused" if state in stopped else state for state in before},
        )
        self.assertIn("neutralized", before["sending"].state_detail)
        self.assertEqual(before["sending"].state_reason, "restored")
        self.assertEqual(others.state, "draft")
        self.assertEqual((message.state, message.due_at), ("failed", False))

    def test_crons_are_off(self):
        crons = self.env["ir.cron"].browse(
            self.env["ir.model.data"]
            .search([("module", "=", "whatsapp_broadcast"), ("model", "=", "ir.cron")])
            .mapped("res_id")
        )
        self.assertEqual(len(crons), 8)
        self.assertEqual(crons.mapped("active"), [True] * 8)
        self.neutralize()
        self.assertEqual(crons.mapped("active"), [False] * 8)
