from datetime import date, datetime

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import BroadcastCommon, phone

#: The day before clocks go forward in New York: 9:00 there, and on the days after.
NINE = datetime(2026, 3, 7, 14)
NINE_IN_SUMMER = datetime(2026, 3, 8, 13)


@tagged("post_install", "-at_install")
class TestSeries(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user.tz = "America/New_York"

    def setUp(self):
        super().setUp()
        self.follow_frozen_time()

    def schedule(self, **values):
        """Schedule a series for NINE, on the day before."""
        values = {"recurrence": "daily", "scheduled_at": NINE, **values}
        if "lead_ids" not in values:
            values["lead_ids"] = [Command.set(self.make_leads(2).ids)]
        broadcast = self.make_broadcast(**values)
        with freeze_time("2026-03-06 12:00:00"):
            broadcast.action_schedule()
        return broadcast

    def run_at(self, moment):
        with freeze_time(moment):
            self.run_prepare()
        self.env.invalidate_all()

    # === RUNS === #

    def test_each_run_is_a_record(self):
        first = self.schedule(only_new=True, send_window="company", sun=False)
        self.assertFalse(first.next_run_id)
        self.run_at("2026-03-07 14:00:05")
        second = first.next_run_id
        self.assertEqual(first.state, "sending")
        self.assertEqual(second.state, "scheduled")
        self.assertEqual(second.lead_ids, first.lead_ids)
        self.assertEqual(second.launcher_id, self.user)
        self.assertEqual(second.launch_context, first.launch_context)
        self.assertEqual(second.user_id, self.user)
        self.assertEqual(second.create_uid, self.user)
        self.assertEqual(second.origin_id, first)
        self.assertEqual(second.send_window, "company")
        self.assertFalse(second.sun)
        self.assertTrue(second.only_new)
        self.assertIn("03/08/2026", second.name)
        self.assertFalse(second.recipient_ids)
        self.run_at("2026-03-08 13:00:05")
        third = second.next_run_id
        self.assertEqual(third.origin_id, first)
        self.assertNotIn("03/08/2026", third.name)
        self.assertEqual(first.run_count, 3)
        self.assertEqual(first.upcoming_run_id, third)
        runs = self.env["whatsapp.broadcast"].search(first.action_open_runs()["domain"])
        self.assertEqual(runs, first + second + third)

    def test_nine_stays_nine(self):
        first = self.schedule()
        self.run_at(NINE)
        self.assertEqual(first.next_run_id.scheduled_at, NINE_IN_SUMMER)

    def test_without_a_zone_of_the_user_the_companys_counts(self):
        self.user.tz = False
        self.company.partner_id.tz = "America/New_York"
        first = self.schedule()
        self.run_at(NINE)
        self.assertEqual(first.next_run_id.scheduled_at, NINE_IN_SUMMER)

    def test_steps(self):
        for recurrence, interval, start, expected in (
            ("daily", 3, NINE, datetime(2026, 3, 10, 13)),
            ("weekly", 2, NINE, datetime(2026, 3, 21, 13)),
            ("monthly", 1, datetime(2027, 1, 31, 14), datetime(2027, 2, 28, 14)),
        ):
            with self.subTest(recurrence=recurrence):
                first = self.schedule(
                    recurrence=recurrence,
                    recurrence_interval=interval,
                    scheduled_at=start,
                )
                self.run_at(start)
                self.assertEqual(first.next_run_id.scheduled_at, expected)
        self.run_at(expected)
        third = first.next_run_id.next_run_id
        self.assertEqual(third.scheduled_at, datetime(2027, 3, 31, 13), "not the 28th")

    def test_missed_runs_are_made_up_for_once(self):
        first = self.schedule()
        self.run_at("2026-03-10 15:00:00")
        self.assertEqual(first.state, "sending")
        self.assertEqual(first.next_run_id.scheduled_at, datetime(2026, 3, 11, 13))
        self.assertEqual(first.run_count, 2)

    def test_until(self):
        first = self.schedule(recurrence_until=date(2026, 3, 8))
        self.run_at(NINE)
        last = first.next_run_id
        self.assertEqual(last.recurrence_until, date(2026, 3, 8))
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(last.state, "sending")
        self.assertFalse(last.next_run_id)
        self.assertFalse(first.upcoming_run_id)

    def test_a_series_may_begin_at_once(self):
        broadcast = self.make_broadcast(self.make_leads(1), recurrence="weekly")
        with freeze_time("2026-03-02 14:30:00"):
            broadcast.action_launch()
            self.run_prepare()
        self.assertEqual(
            broadcast.next_run_id.scheduled_at, datetime(2026, 3, 9, 13, 30)
        )

    def test_a_run_that_was_paused_before_its_start_goes_on(self):
        first = self.schedule()
        first._write_protected({"state": "paused", "state_reason": "restored"})
        with freeze_time("2026-03-09 15:00:00"):
            first.action_resume()
            self.run_prepare()
        self.assertEqual(first.state, "sending")
        self.assertEqual(first.next_run_id.scheduled_at, datetime(2026, 3, 10, 13))

    def test_once_is_once(self):
        broadcast = self.schedule(recurrence="none")
        self.run_at(NINE)
        self.assertEqual(broadcast.state, "sending")
        self.assertFalse(broadcast.next_run_id)
        self.assertEqual(broadcast.run_count, 1)

    def test_an_archived_lead_stays_picked(self):
        first = self.schedule()
        first.lead_ids[0].active = False
        leads = first.with_context(active_test=False).lead_ids
        self.run_at(NINE)
        second = first.next_run_id.with_context(active_test=False)
        self.assertEqual(second.lead_ids, leads)

    def test_a_copy_is_no_run(self):
        first = self.schedule()
        self.run_at(NINE)
        copy = first.copy()
        self.assertEqual(copy.recurrence, "none")
        self.assertEqual(copy.run_count, 1)

    @mute_logger("odoo.sql_db")
    def test_every_zero_days(self):
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.make_broadcast(recurrence="daily", recurrence_interval=0)

    # === WHAT GOES WRONG === #

    def test_an_archived_launcher_ends_it(self):
        first = self.schedule()
        self.user.active = False
        self.run_at(NINE)
        self.assertEqual(first.sudo().state, "failed")
        self.assertEqual(first.sudo().state_reason, "launcher")
        self.assertFalse(first.sudo().next_run_id)

    def test_a_failed_run_does_not_end_it(self):
        first = self.schedule()
        self.template._write_protected({"state": "paused"})
        self.run_at(NINE)
        first = self.env["whatsapp.broadcast"].browse(first.id)
        self.assertEqual(first.state, "failed")
        self.assertEqual(first.next_run_id.state, "scheduled")
        self.template._write_protected({"state": "approved"})
        second = first.next_run_id
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(second.state, "sending")
        self.assertEqual(first.run_count, 3)

    def test_a_series_that_cannot_go_on_says_so(self):
        first = self.schedule()
        self.number.company_ids = self.make_company()
        self.run_at(NINE)
        self.assertEqual(first.state, "failed")
        self.assertFalse(first.next_run_id)
        self.assertIn("no further run", first.message_ids[0].body)

    # === STOPPING === #

    def test_stop(self):
        first = self.schedule()
        self.run_at(NINE)
        first.action_stop_series()
        self.assertEqual(first.state, "sending")
        self.assertEqual(first.next_run_id.state, "cancelled")
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(first.run_count, 2)
        self.assertFalse(first.upcoming_run_id)
        with self.assertRaisesRegex(UserError, "no further run"):
            first.action_stop_series()

    def test_stop_before_the_first_run_is_prepared(self):
        broadcast = self.make_broadcast(self.make_leads(1), recurrence="weekly")
        broadcast.action_launch()
        broadcast.action_stop_series()
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")
        self.assertFalse(broadcast.next_run_id)

    def test_cancelling_the_waiting_run_ends_it(self):
        first = self.schedule()
        first.action_cancel()
        self.run_at(NINE)
        self.assertFalse(first.next_run_id)

    # === CHANGING === #

    def test_another_time(self):
        first = self.schedule()
        self.run_at(NINE)
        second = first.next_run_id
        with freeze_time("2026-03-08 12:00:00"):
            with self.assertRaisesRegex(UserError, "scheduled_at"):
                second.scheduled_at = datetime(2026, 3, 8, 16)
            second.action_back_to_draft()
            second.scheduled_at = datetime(2026, 3, 8, 11)
            with self.assertRaisesRegex(UserError, "still ahead"):
                second.action_schedule()
            second.scheduled_at = datetime(2026, 3, 8, 16)
            second.action_schedule()
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(second.state, "scheduled")
        self.run_at("2026-03-08 16:00:00")
        self.assertEqual(second.state, "sending")
        self.assertEqual(second.origin_id, first)
        self.assertEqual(second.next_run_id.scheduled_at, datetime(2026, 3, 9, 16))

    # === ONLY NEW PEOPLE === #

    def test_only_new(self):
        domain = f"[('company_id', '=', {self.company.id})]"
        leads = self.make_leads(5)
        first = self.schedule(
            lead_ids=False,
            audience_type="filter",
            audience_domain=domain,
            only_new=True,
        )
        self.run_at(NINE)
        by_phone = {row.phone: row for row in first.recipient_ids}
        for number, state in enumerate(("read", "unknown", "failed", "cancelled")):
            self.settle(by_phone[phone(number)], state)
        new = self.make_lead(phone(9))
        again = self.make_lead(phone(0))
        second = first.next_run_id
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(len(leads + new + again), second.recipient_count)
        states = {
            row.lead_id: row.skip_reason or row.state for row in second.recipient_ids
        }
        self.assertEqual(
            [states[lead] for lead in (*leads, new, again)],
            [
                "already_messaged",
                "already_messaged",
                "queued",
                "queued",
                "already_messaged",  # still queued in the first run
                "queued",
                "already_messaged",
            ],
        )

    def test_everybody_without_that_option(self):
        first = self.schedule()
        self.run_at(NINE)
        second = first.next_run_id
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(set(second.recipient_ids.mapped("state")), {"queued"})

    def test_nobody_new_is_no_failure(self):
        first = self.schedule(only_new=True)
        self.run_at(NINE)
        second = first.next_run_id
        self.run_at(NINE_IN_SUMMER)
        self.assertEqual(second.state, "done")
        self.assertFalse(second.state_reason)
        self.assertEqual(second.next_run_id.state, "scheduled")

    def test_a_first_run_without_anybody_fails(self):
        first = self.schedule(lead_ids=[Command.set(self.make_lead("bad").ids)])
        self.run_at(NINE)
        self.assertEqual(first.state, "failed")

    # === WHAT IS FIXED WHEN === #

    def test_a_selection_is_fixed_and_a_filter_is_not(self):
        domain = f"[('company_id', '=', {self.company.id})]"
        picked = self.schedule(recurrence="none")
        filtered = self.schedule(
            recurrence="none",
            lead_ids=False,
            audience_type="filter",
            audience_domain=domain,
        )
        with self.assertRaisesRegex(UserError, "lead_ids"):
            picked.lead_ids = False
        self.make_lead(phone(7))
        self.run_at(NINE)
        self.assertEqual(len(picked.recipient_ids), 2)
        self.assertEqual(
            set(filtered.recipient_ids.mapped("phone")),
            {phone(0), phone(1), phone(7)},
        )
