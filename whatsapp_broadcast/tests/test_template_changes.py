from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..providers import Response
from ..providers.transport import Transport
from .common import BroadcastCommon


@tagged("post_install", "-at_install")
class TestTemplateChanges(BroadcastCommon):
    """A template that changes while a draft, or the page before its launch, is open."""

    def setUp(self):
        super().setUp()
        self.draft = self.make_broadcast(self.make_leads(2))
        self.env.flush_all()  # the template as it is now was seen

    def open_page(self):
        action = self.draft.action_open_launch()
        return (
            self.env[action["res_model"]].with_user(self.user).browse(action["res_id"])
        )

    def change(self, **values):
        self.template._write_protected(values)
        self.env.flush_all()
        self.env.invalidate_all()

    def test_the_page_tells(self):
        self.assertFalse(self.open_page().template_changes)
        self.change(body="Goodbye")
        page = self.open_page()
        self.assertEqual(page.template_changes, "its text")
        action = page.action_accept_template()
        self.assertEqual(action["res_model"], page._name)
        self.assertFalse(page.browse(action["res_id"]).template_changes)
        self.assertFalse(self.draft.template_changes)

    def test_what_was_told_may_be_launched(self):
        self.change(body="Goodbye")
        self.open_page().action_launch()
        self.assertEqual(self.draft.state, "preparing")

    def test_nothing_goes_out_that_nobody_saw(self):
        page = self.open_page()
        self.change(body="Goodbye")
        with self.assertRaisesRegex(UserError, "changed while this page was open"):
            page.action_launch()
        self.assertEqual(self.draft.state, "draft")
        self.assertEqual(len(self.draft.lead_ids), 2, "nothing is lost")
        self.open_page().action_launch()
        self.assertEqual(self.draft.state, "preparing")

    def test_what_says_nothing_new_is_no_change(self):
        page = self.open_page()
        self.change(quality="yellow")
        page.action_launch()
        self.assertEqual(self.draft.state, "preparing")

    def test_a_text_has_no_template(self):
        self.draft.write({"message_type": "text", "body": "Hello"})
        page = self.env["whatsapp.broadcast.launch"].create(
            {"broadcast_id": self.draft.id}
        )
        self.change(body="Goodbye")
        page._check_template_shown()

    def test_health_tells_and_no_transaction_waits_for_it(self):
        said = []

        def call(_transport, _request):
            said.append("called")
            return Response(500, b"")

        crons = type(self.env["ir.cron"])
        commit = patch.object(
            crons, "_commit_progress", lambda _cron: said.append("committed")
        )
        self.account.write({"access_token": "token"})
        self.change(body="Goodbye")
        with commit, patch.object(Transport, "__call__", call):
            health = self.draft.get_health()
        self.assertEqual(said[:2], ["committed", "called"])
        self.assertEqual(health["changes"], "its text")
        self.assertTrue(health["error"])
