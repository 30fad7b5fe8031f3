"""What people see of the engine's pauses and rests."""

from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..engine import queries
from ..models.whatsapp_broadcast_lane import Housekeeping
from .common import BroadcastCommon


@tagged("post_install", "-at_install")
class TestPauses(BroadcastCommon):
    def setUp(self):
        super().setUp()
        self.number.quality = "green"
        self.broadcast = self.make_prepared(2)

    def tell(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            Housekeeping(self.env).tell_pauses()
        self.env.invalidate_all()

    # === QUALITY === #

    def test_falling_quality_pauses_and_rising_does_not(self):
        self.number.quality = "unknown"
        self.number.quality = "yellow"
        self.number.quality = "green"
        self.assertEqual(self.broadcast.state, "sending")
        self.number.quality = "yellow"
        self.assertEqual(self.broadcast.state, "paused")
        self.assertEqual(self.broadcast.state_reason, "quality")
        self.assertEqual(self.broadcast.state_detail, "yellow")

    # === TOLD === #

    def test_the_responsible_gets_an_activity_for_each_pause_of_the_engine(self):
        self.number.quality = "red"
        self.tell()
        activity = self.broadcast.activity_ids
        self.assertEqual(activity.user_id, self.broadcast.user_id)
        self.assertIn("quality fell", activity.summary)
        self.assertIn("red", activity.note)
        self.assertIn("quality fell", self.broadcast.message_ids[0].body)
        self.tell()
        self.assertEqual(len(self.broadcast.activity_ids), 1)

        self.broadcast.action_resume()
        self.number.quality = "green"
        self.number.quality = "red"
        self.tell()
        self.assertEqual(len(self.broadcast.activity_ids), 2)

    def test_who_pauses_by_hand_needs_no_activity(self):
        self.broadcast.action_pause()
        self.tell()
        self.assertFalse(self.broadcast.activity_ids)

    # === RESTS === #

    def test_it_rests_until_its_time_and_a_person_ends_a_rest(self):
        later = fields.Datetime.now() + timedelta(hours=1)
        self.broadcast._write_protected(
            {"resting_until": later, "rest_reason": "held", "held_since": later}
        )
        self.assertTrue(self.broadcast.is_resting)
        self.broadcast.action_pause()
        self.assertFalse(self.broadcast.is_resting)
        self.broadcast.action_resume()
        self.assertFalse(self.broadcast.resting_until or self.broadcast.held_since)

        past = fields.Datetime.now() - timedelta(hours=1)
        self.broadcast._write_protected({"resting_until": past})
        self.assertFalse(self.broadcast.is_resting)

    def test_failures_that_a_person_has_seen_do_not_count_again(self):
        row = self.broadcast.recipient_ids[0]
        self.settle(row, "failed", error_class="request")
        self.broadcast.action_pause()
        self.broadcast.action_resume()
        self.assertEqual(
            self.broadcast.threshold_base,
            {"sends": 1, "request": 1, "undeliverable": 0},
        )
        self.env.cr.execute(
            queries.PAUSE_BY_FAILURES,
            {
                "ids": self.broadcast.ids,
                "request_sends": 1,
                "request_share": 0,
                "undeliverable_sends": 1,
                "undeliverable_share": 0,
            },
        )
        self.assertFalse(self.env.cr.rowcount)

    # === THE LIMIT OF PEOPLE A DAY === #

    def test_the_last_question_says_how_many_days_it_takes(self):
        draft = self.make_broadcast(self.make_leads(3))
        draft.action_review()
        wizard = self.env["whatsapp.broadcast.launch"].create(
            {"broadcast_id": draft.id}
        )
        self.assertEqual(wizard.day_count, 1)
        self.account.reach_margin = 0
        self.number.daily_limit = 1
        wizard.invalidate_recordset()
        self.assertEqual(wizard.day_count, 3)
