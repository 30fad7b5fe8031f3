from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from .. import engine
from ..models.whatsapp_broadcast_undo import UNDO_STATES
from .common import BroadcastCommon


@tagged("post_install", "-at_install")
class TestUndo(BroadcastCommon):
    """A launch is undone as long as no message was ever taken in hand."""

    def test_back_to_draft_releases_the_audience(self):
        broadcast = self.make_prepared(2)
        self.assertTrue(broadcast.can_undo)
        broadcast.action_back_to_draft()
        self.assertEqual(broadcast.state, "draft")
        self.assertFalse(broadcast.recipient_ids)
        for name in (
            "launcher_id",
            "launch_context",
            "audience_cursor",
            "started_at",
            "media_id",
        ):
            self.assertFalse(broadcast[name], name)
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.queued_count, 2)

    def test_from_each_state(self):
        for state in UNDO_STATES:
            broadcast = self.make_broadcast(self.make_lead("+1 212 555 0100"))
            broadcast._write_protected({"state": state})
            with self.subTest(state=state):
                self.assertTrue(broadcast.can_undo)
                broadcast.action_back_to_draft()
                self.assertEqual(broadcast.state, "draft")

    def test_not_once_a_message_was_sent(self):
        broadcast = self.make_prepared(2)
        first = broadcast.recipient_ids[0]
        self.settle(first, "sending", token=f"r{first.id}-x", attempt_count=1)
        self.assertFalse(broadcast.can_undo)
        with self.assertRaisesRegex(UserError, "were sent already"):
            broadcast.action_back_to_draft()
        # It comes back to wait for another try: it went out all the same.
        self.settle(first, "queued", due_at=fields.Datetime.now())
        self.assertFalse(broadcast.can_undo)
        with self.assertRaisesRegex(UserError, "were sent already"):
            broadcast.action_back_to_draft()
        self.assertEqual(len(broadcast.recipient_ids), 2)

    def test_folded_counters_tell_it_as_well(self):
        broadcast = self.make_prepared(1)
        for _turn in range(40):
            self.settle(broadcast.recipient_ids, "sending")
            self.settle(broadcast.recipient_ids, "queued")
        self.env.cr.execute(engine.queries.FOLD_COUNTERS)
        self.env.invalidate_all()
        self.assertFalse(broadcast.can_undo)

    def test_what_was_left_out_by_the_claim_does_not_count(self):
        broadcast = self.make_prepared(2)
        self.settle(broadcast.recipient_ids[0], "skipped", skip_reason="opted_out")
        broadcast.action_back_to_draft()
        self.assertEqual(broadcast.state, "draft")

    def test_not_in_a_copy(self):
        broadcast = self.make_prepared(1, state="paused")
        broadcast._write_protected({"state_reason": "restored"})
        self.assertFalse(broadcast.can_undo)
        with self.assertRaisesRegex(UserError, "restored or copied"):
            broadcast.action_back_to_draft()

    def test_the_run_it_planned_goes_with_it(self):
        at = fields.Datetime.now() + timedelta(days=1)
        broadcast = self.make_broadcast(
            self.make_leads(1), scheduled_at=at, recurrence="daily"
        )
        broadcast.action_schedule()
        broadcast._write_protected({"scheduled_at": at - timedelta(days=2)})
        self.run_prepare()
        run = broadcast.next_run_id
        self.assertTrue(run)
        broadcast.action_back_to_draft()
        self.assertFalse(run.exists())

    def test_others_cannot(self):
        broadcast = self.make_prepared(1)
        with self.assertRaises(UserError):
            broadcast.with_user(self.other_user).action_back_to_draft()
