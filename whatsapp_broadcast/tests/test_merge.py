from datetime import datetime, timedelta

from odoo.tests import tagged

from ..providers import InboundEvent, PreferenceEvent, StatusEvent, TemplateEvent
from .common import BroadcastCommon, phone

NOON = datetime(2026, 1, 1, 12)


@tagged("post_install", "-at_install")
class TestMerge(BroadcastCommon):
    """Webhook events change what they are about, and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.app_secret = "one secret"
        cls.account.flush_recordset()

    def contact(self):
        return self.env["whatsapp.broadcast.contact"].search([])

    def preference(self, opted_out, minutes=0, **values):
        return PreferenceEvent(
            number_id=self.number.external_id,
            at=NOON + timedelta(minutes=minutes),
            opted_out=opted_out,
            **{"phone": phone(0), **values},
        )

    def recipient(self, **values):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.action_review()
        broadcast.recipient_ids.sudo().write(values)
        return broadcast.recipient_ids

    def test_an_older_resume_does_not_undo_a_newer_stop(self):
        self.merge(self.preference(True, 10), self.preference(False, 5))
        self.assertTrue(self.contact().marketing_opt_out)
        self.merge(self.preference(False, 15))
        self.assertFalse(self.contact().marketing_opt_out)

    def test_a_stop_by_user_id_holds_for_the_phone_that_we_know(self):
        row = self.recipient(user_ref="US.1", state="sent")
        self.merge(self.preference(True, phone="", user_ref="US.1"))
        self.assertEqual(self.contact().phone, row.phone)
        self.assertTrue(self.contact().marketing_opt_out)

    def test_accounts_of_one_app_share_a_door(self):
        other = self.make_account("Other", state="deaf", app_secret="one secret")
        number = self.make_number(other, "other")
        event = InboundEvent(number_id=number.external_id, at=NOON, phone=phone(1))
        self.merge(event)
        self.assertEqual(self.contact().number_id, number)
        self.assertEqual(other.state, "connected")

    def test_the_same_app_id_with_another_secret_is_another_app(self):
        stranger = self.make_account("Stranger", app_secret="typed by anybody")
        row = self.recipient(state="sent", provider_message_id="wamid.1")
        failed = StatusEvent(
            number_id=self.number.external_id,
            at=NOON,
            message_id="wamid.1",
            status="failed",
        )
        self.merge(failed, self.preference(True), account=stranger)
        self.assertEqual(row.state, "sent")
        self.assertFalse(self.contact())
        states = self.env["whatsapp.broadcast.event"].search([]).mapped("state")
        self.assertEqual(states, ["unrouted"] * 2)

    def test_statuses_only_go_up(self):
        row = self.recipient(state="accepted", provider_message_id="wamid.1")
        for status, expected in (
            ("delivered", "delivered"),
            ("sent", "delivered"),
            ("failed", "delivered"),
            ("read", "read"),
            ("delivered", "read"),
        ):
            self.merge(
                StatusEvent(
                    number_id=self.number.external_id,
                    at=NOON,
                    message_id="wamid.1",
                    status=status,
                )
            )
            self.assertEqual(row.state, expected, status)

    def test_a_template_state_that_we_do_not_know_is_unknown(self):
        event = TemplateEvent(
            business_account_id=self.account.business_account_id,
            external_id=self.template.external_id,
            state="something_new",
        )
        self.merge(event)
        self.assertEqual(self.template.state, "unknown")
