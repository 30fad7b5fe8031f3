import io
import json
from datetime import timedelta

from freezegun import freeze_time
from openpyxl import load_workbook

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.http import Request
from odoo.tests import HttpCase, tagged
from odoo.tools.mimetypes import guess_mimetype

from .common import BroadcastCommon

REPORT = "whatsapp.broadcast.report"
DAILY = "whatsapp.broadcast.daily"
COUNTERS = "accepted delivered read replied clicked failed".split()


class ReportCommon(BroadcastCommon):
    """A broadcast of 10: 3 read (1 replied), 2 delivered, 1 accepted, 2 failed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "America/New_York"
        # Two in the morning of the second, and the evening of the first over there.
        cls.sent_at = fields.Datetime.now().replace(
            hour=2, minute=0, second=0, microsecond=0
        ) - timedelta(days=1)

    def make_settled(self, sent_at=None, **values):
        broadcast = self.make_prepared(10, state="done", **values)
        rows = broadcast.recipient_ids
        sent = {"accepted_at": sent_at or self.sent_at}
        self.settle(rows[:2], "read", **sent)
        self.settle(rows[2], "read", **sent, replied_at=self.sent_at)
        self.settle(rows[3:5], "delivered", **sent)
        self.settle(rows[5], "accepted", **sent)
        failed = {"failed_at": sent_at or self.sent_at}
        self.settle(rows[6], "failed", **failed, error_class="undeliverable")
        self.settle(rows[7], "failed", **failed, error_class="retry", error_code="1")
        self.settle(rows[8], "unknown")
        self.settle(rows[9], "skipped", skip_reason="opted_out")
        return broadcast

    def totals(self, *domain, user=None):
        """Return {measure: figure} of the analysis."""
        names = [f"{name}_count" for name in ("recipient", "written", *COUNTERS)]
        rates = [f"{name}_rate" for name in COUNTERS]
        report = self.env[REPORT].with_user(user or self.manager)
        [values] = report._read_group(
            domain,
            [],
            [*(f"{name}:sum" for name in names), *(f"{name}:avg" for name in rates)],
        )
        return dict(zip([*names, *rates], values, strict=True))


@tagged("post_install", "-at_install")
class TestReport(ReportCommon):
    def test_sums_equal_the_counters(self):
        broadcast = self.make_settled()
        totals = self.totals(("broadcast_id", "=", broadcast.id))
        stats = broadcast.get_stats()
        for name in ("recipient", *COUNTERS):
            self.assertEqual(totals[f"{name}_count"], stats[f"{name}_count"], name)
        self.assertEqual(totals["written_count"], 8)
        self.assertEqual(totals["recipient_count"], 10)

    def test_rates_are_shares_of_those_written_to(self):
        broadcast = self.make_settled()
        totals = self.totals(("broadcast_id", "=", broadcast.id))
        for name in COUNTERS:
            share = 100 * totals[f"{name}_count"] / totals["written_count"]
            self.assertAlmostEqual(totals[f"{name}_rate"], share, msg=name)

    def test_groups(self):
        broadcast = self.make_settled()
        report = self.env[REPORT].with_user(self.user).with_context(tz="Asia/Tokyo")
        domain = [("broadcast_id", "=", broadcast.id), ("state", "=", "read")]

        def only(field_name):
            [(value, count)] = report._read_group(domain, [field_name], ["__count"])
            self.assertEqual(count, 3)
            return value

        self.assertEqual(only("user_id"), self.user)
        self.assertEqual(only("number_id"), self.number)
        self.assertEqual(only("template_id"), self.template)
        self.assertEqual(only("category"), "utility")
        self.assertEqual(only("country_id"), self.env.ref("base.us"))
        # Two o'clock in Greenwich is eleven in Tokyo, on the same day.
        self.assertEqual(only("hour"), "11")
        self.assertEqual(only("weekday"), str(self.sent_at.isoweekday()))

    def test_reasons(self):
        broadcast = self.make_settled()
        report, domain = self.env[REPORT], [("broadcast_id", "=", broadcast.id)]
        by_class = dict(report._read_group(domain, ["error_class"], ["__count"]))
        self.assertEqual(by_class, {False: 8, "undeliverable": 1, "retry": 1})
        by_reason = dict(report._read_group(domain, ["skip_reason"], ["__count"]))
        self.assertEqual(by_reason, {False: 9, "opted_out": 1})

    def test_a_review_is_no_result(self):
        draft = self.make_broadcast(self.make_leads(2))
        draft.action_review()
        self.assertFalse(self.totals(("broadcast_id", "=", draft.id))["written_count"])
        self.assertFalse(self.env[REPORT].search([("broadcast_id", "=", draft.id)]))

    def test_rights(self):
        broadcast = self.make_settled()
        domain = [("broadcast_id", "=", broadcast.id)]
        for user, seen in ((self.user, 10), (self.other_user, 0), (self.manager, 10)):
            report = self.env[REPORT].with_user(user)
            self.assertEqual(report.search_count(domain), seen, user.login)
        elsewhere = self.make_user("elsewhere", "manager", company=self.make_company())
        self.assertFalse(self.env[REPORT].with_user(elsewhere).search_count(domain))
        with self.assertRaises(AccessError):
            self.env[REPORT].with_user(self.make_user("nobody")).search_count(domain)

    def test_a_row_opens_its_recipient(self):
        broadcast = self.make_settled()
        row = (
            self.env[REPORT].with_user(self.user).browse(broadcast.recipient_ids[0].id)
        )
        action = row.action_open_recipient()
        self.assertEqual(action["res_model"], "whatsapp.broadcast.recipient")
        self.assertEqual(action["res_id"], broadcast.recipient_ids[0].id)


@tagged("post_install", "-at_install")
class TestDashboard(ReportCommon):
    def dashboard(self, user=None, **filters):
        report = self.env[REPORT].with_user(user or self.manager)
        return report.get_dashboard(**filters)

    def test_figures(self):
        broadcast = self.make_settled()
        found = self.dashboard(days=7, number_id=self.number.id)
        self.assertEqual(found["totals"]["written_count"], 8)
        self.assertEqual(found["totals"]["read_count"], 3)
        self.assertEqual(len(found["days"]), 7)
        by_day = {day["date"]: day["written_count"] for day in found["days"]}
        self.assertEqual(by_day[self.sent_at.date().isoformat()], 8)
        [hour] = found["hours"]
        self.assertEqual(hour["hour"], "02")
        self.assertEqual(hour["weekday"], str(self.sent_at.isoweekday()))
        self.assertEqual(
            {group["error_class"] for group in found["failures"]},
            {"undeliverable", "retry"},
        )
        self.assertTrue(all(group["advice"] for group in found["failures"]))
        [top] = found["broadcasts"]
        self.assertEqual((top["id"], top["read_count"]), (broadcast.id, 3))
        self.assertIn(self.number.id, dict(found["choices"]["number_id"]))

    def test_days_are_those_of_the_user(self):
        self.make_settled()
        self.manager.tz = "America/New_York"
        found = self.dashboard(days=7, number_id=self.number.id)
        by_day = {day["date"]: day["written_count"] for day in found["days"]}
        day_before = (self.sent_at - timedelta(days=1)).date().isoformat()
        self.assertEqual(by_day[day_before], 8)

    def test_filters(self):
        campaign = self.env["utm.campaign"].create({"name": "Spring"})
        self.make_settled(campaign_id=campaign.id)
        other = self.make_number(self.account, "Other")
        written = {
            name: self.dashboard(**filters)["totals"]["written_count"]
            for name, filters in {
                "campaign": {"campaign_id": campaign.id},
                "number": {"number_id": other.id},
                "company": {"company_id": self.company.id},
                "old": {"days": 1},
            }.items()
        }
        self.assertEqual(written, {"campaign": 8, "number": 0, "company": 8, "old": 0})

    def test_a_user_sees_own_only(self):
        self.make_settled()
        self.assertFalse(self.dashboard(self.other_user)["totals"]["written_count"])
        self.assertEqual(self.dashboard(self.user)["totals"]["written_count"], 8)

    def test_nothing_yet(self):
        found = self.dashboard(number_id=self.make_number(self.account, "New").id)
        self.assertEqual(set(found["totals"].values()), {0})
        self.assertEqual(found["broadcasts"], [])

    def test_days_have_a_range(self):
        for days in (0, 367, "7", 1.5):
            with self.subTest(days=days), self.assertRaises(UserError):
                self.dashboard(days=days)


@tagged("post_install", "-at_install")
class TestDaily(ReportCommon):
    def refresh(self):
        self.env[DAILY]._cron_refresh()
        return self.env[DAILY].search([("number_id", "=", self.number.id)])

    def test_a_day_is_counted_on_the_clock_of_its_company(self):
        broadcast = self.make_settled()
        day = self.refresh()
        self.assertEqual(day.date, (self.sent_at - timedelta(days=1)).date())
        self.assertEqual(day.company_id, self.company)
        self.assertEqual(day.category, "utility")
        stats = broadcast.get_stats()
        for name in COUNTERS:
            self.assertEqual(day[f"{name}_count"], stats[f"{name}_count"], name)
        self.assertEqual(day.written_count, 8)
        self.assertAlmostEqual(day.read_rate, 100 * 3 / 8)

    def test_twice_is_once(self):
        self.make_settled()
        before = self.refresh().read(load=None)
        self.assertEqual(self.refresh().read(load=None), before)

    def test_late_statuses_change_their_day(self):
        broadcast = self.make_settled()
        day = self.refresh()
        self.settle(broadcast.recipient_ids[3:5], "read")
        self.assertEqual(self.refresh(), day)
        self.assertEqual(day.read_count, 5)

    def test_a_message_sent_again_moves_to_its_new_day(self):
        broadcast = self.make_settled()
        before = self.refresh()
        today = fields.Datetime.now()
        self.settle(broadcast.recipient_ids, "read", accepted_at=today, failed_at=None)
        after = self.refresh()
        self.assertFalse(before.exists())
        self.assertEqual(after.read_count, 10)

    def test_old_days_survive_their_details(self):
        broadcast = self.make_settled()
        day = self.refresh()
        old = self.sent_at - timedelta(days=40)
        day.date = old.date()
        self.env.flush_all()
        broadcast.active = False
        broadcast._clear_recipients()
        kept = self.refresh()
        self.assertEqual(kept, day)
        self.assertEqual(kept.written_count, 8)

    def test_opt_outs(self):
        message = self.env["whatsapp.broadcast.message"].create(
            {
                "direction": "in",
                "state": "received",
                "message_type": "text",
                "account_id": self.account.id,
                "number_id": self.number.id,
                "company_id": self.company.id,
                "provider_message_id": "wamid.stop",
                "phone": "+12125550100",
            }
        )
        self.env["whatsapp.broadcast.consent"].create(
            {
                "address": "+12125550100",
                "kind": "opt_out",
                "purpose": "all",
                "channel": "keyword",
                "at": self.sent_at,
                "evidence": message.provider_message_id,
            }
        )
        self.env.flush_all()
        day = self.refresh()
        self.assertEqual(day.opt_out_count, 1)
        self.assertEqual(day.company_id, self.company)
        self.assertFalse(day.written_count)
        found = self.env[REPORT].with_user(self.user).get_dashboard(days=30)
        self.assertEqual(found["totals"]["opt_out_count"], 1)

    def test_rights(self):
        self.make_settled()
        days = self.refresh()
        for user in (self.user, self.other_user, self.manager):
            self.assertEqual(
                days.with_user(user).search([("id", "in", days.ids)]), days
            )
        elsewhere = self.make_user("elsewhere", "manager", company=self.make_company())
        self.assertFalse(days.with_user(elsewhere).search([("id", "in", days.ids)]))


@tagged("post_install", "-at_install")
class TestFailures(ReportCommon):
    def test_groups_are_those_of_the_counters(self):
        broadcast = self.make_settled().with_user(self.user)
        groups = {g["error_class"]: g for g in broadcast.failure_groups}
        self.assertEqual(groups["retry"]["count"], 1)
        self.assertTrue(groups["retry"]["is_retryable"])
        self.assertEqual(groups["undeliverable"]["label"], "Undeliverable")
        self.assertFalse(groups["undeliverable"]["is_retryable"])
        self.assertTrue(all(group["advice"] for group in groups.values()))
        self.settle(broadcast.recipient_ids[6:8], "read")
        self.assertFalse(broadcast.failure_groups)

    def test_codes(self):
        broadcast = self.make_settled()
        self.settle(
            broadcast.recipient_ids[:3],
            "failed",
            error_class="recipient",
            error_code="130497",
            error_message="Not allowed",
        )
        first, *_others = broadcast.with_user(self.user).get_failures()
        self.assertEqual(first["count"], 3)
        self.assertEqual(first["error_code"], "130497")
        self.assertEqual(first["error_message"], "Not allowed")
        self.assertIn("country", first["advice"])
        with self.assertRaises(AccessError):
            broadcast.with_user(self.other_user).get_failures()

    def test_each_class_has_a_name_and_advice(self):
        recipients = self.env["whatsapp.broadcast.recipient"]
        named = dict(recipients._fields["error_class"].selection)
        self.assertEqual(set(recipients._advice_by_class()) - set(named), set())


@tagged("post_install", "-at_install")
class TestUnreached(ReportCommon):
    def test_a_draft_for_those_who_got_nothing(self):
        broadcast = self.make_settled()
        self.settle(broadcast.recipient_ids[9], "cancelled")
        self.assertEqual(broadcast.unreached_count, 2, "cancelled, and one to retry")
        action = broadcast.with_user(self.user).action_duplicate_for_unreached()
        copy = self.env["whatsapp.broadcast"].browse(action["res_id"])
        self.assertEqual(copy.state, "draft")
        self.assertEqual(copy.audience_type, "broadcast")
        self.assertEqual(copy.earlier_broadcast_ids, broadcast)
        self.assertEqual(copy.earlier_result, "not_reached")
        self.assertEqual(copy.template_id, broadcast.template_id)
        self.assertFalse(copy.lead_ids)

    def test_nobody_is_left(self):
        broadcast = self.make_settled()
        self.settle(broadcast.recipient_ids[7], "unknown")
        self.assertFalse(broadcast.unreached_count)
        with self.assertRaisesRegex(UserError, "Unknown"):
            broadcast.action_duplicate_for_unreached()

    def test_only_after_the_end(self):
        broadcast = self.make_settled()
        broadcast._write_protected({"state": "paused"})
        with self.assertRaisesRegex(UserError, "Paused"):
            broadcast.action_duplicate_for_unreached()


@tagged("post_install", "-at_install")
class TestExpectedEnd(BroadcastCommon):
    def setUp(self):
        super().setUp()
        self.follow_frozen_time()
        self.number.write({"messages_per_second": 10, "reserve": 0})

    def expected(self, broadcast):
        return broadcast.with_user(self.user).get_expected_end()

    def test_by_the_pace(self):
        broadcast = self.make_prepared(10, messages_per_minute=5)
        with freeze_time("2035-01-01 12:00:00"):
            found = self.expected(broadcast)
        self.assertEqual(found["messages_per_minute"], 5)
        self.assertEqual(str(found["ends_at"]), "2035-01-01 12:02:00")

    def test_a_number_is_shared(self):
        broadcast = self.make_prepared(1)
        self.assertEqual(self.expected(broadcast)["messages_per_minute"], 600)
        self.make_broadcast()._write_protected({"state": "sending"})
        self.assertEqual(self.expected(broadcast)["messages_per_minute"], 300)

    def test_by_the_limit_of_a_day(self):
        self.number.daily_limit = 4
        self.account.reach_margin = 0
        broadcast = self.make_prepared(10)
        with freeze_time("2035-01-01 12:00:00"):
            ends_at = self.expected(broadcast)["ends_at"]
        self.assertEqual(ends_at.date().isoformat(), "2035-01-03")

    def test_only_while_it_is_sent(self):
        broadcast = self.make_prepared(1, state="paused")
        self.assertFalse(self.expected(broadcast)["ends_at"])


@tagged("post_install", "-at_install")
class TestCalendar(BroadcastCommon):
    def test_where_it_stands(self):
        tomorrow = fields.Datetime.now().replace(microsecond=0) + timedelta(days=1)
        broadcast = self.make_broadcast(self.make_leads(1), scheduled_at=tomorrow)
        self.assertEqual(broadcast.begins_at, tomorrow)
        broadcast.scheduled_at = False
        self.assertFalse(broadcast.begins_at)
        broadcast.action_launch()
        self.assertEqual(broadcast.begins_at, broadcast.started_at)


@tagged("post_install", "-at_install")
class TestExport(ReportCommon, HttpCase):
    """Whoever may export takes the list of recipients along."""

    FIELDS = {
        "display_name": "Name",
        "phone": "Phone",
        "state": "State",
        "skip_reason": "Why Left Out",
        "error_class": "Why Failed",
        "error_message": "Error Message",
        "advice": "What to Do",
        "accepted_at": "Accepted At",
        "delivered_at": "Delivered At",
        "read_at": "Read At",
    }

    def export(self, broadcast):
        self.authenticate(self.user.login, self.user.login)
        data = {
            "model": "whatsapp.broadcast.recipient",
            "fields": [
                {"name": name, "label": label, "type": "char"}
                for name, label in self.FIELDS.items()
            ],
            "ids": False,
            "domain": [["broadcast_id", "=", broadcast.id]],
            "groupby": [],
            "context": {},
            "import_compat": False,
        }
        return self.url_open(
            "/web/export/xlsx",
            data={
                "data": json.dumps(data),
                "csrf_token": Request.csrf_token(self),
            },
        )

    def test_recipients(self):
        self.user.group_ids += self.env.ref("base.group_allow_export")
        broadcast = self.make_settled()
        answer = self.export(broadcast)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("sheet", guess_mimetype(answer.content))
        [header, *rows] = _read_sheet(answer.content)
        self.assertEqual(header, list(self.FIELDS.values()))
        self.assertEqual(len(rows), 10)
        failed = dict(zip(header, rows[6], strict=True))
        self.assertEqual(failed["State"], "Failed")
        self.assertEqual(failed["Why Failed"], "Undeliverable")
        self.assertEqual(failed["Phone"], broadcast.recipient_ids[6].phone)
        self.assertEqual(failed["Name"], broadcast.recipient_ids[6].display_name)
        self.assertIn("Check the number", failed["What to Do"])
        left_out = dict(zip(header, rows[9], strict=True))
        self.assertEqual(left_out["Why Left Out"], "Opted out")


@tagged("post_install", "-at_install")
class TestReportTours(ReportCommon, HttpCase):
    def look(self, user):
        broadcast = self.make_settled(name="Spring Offer")
        self.settle(broadcast.recipient_ids[7], "failed", error_code="131057")
        self.start_tour(
            f"/odoo/whatsapp-broadcasts/{broadcast.id}",
            "whatsapp_broadcast_report",
            login=user.login,
        )

    def test_as_a_plain_user(self):
        self.look(self.user)

    def test_as_a_manager(self):
        self.look(self.manager)

    def test_nothing_yet(self):
        self.start_tour(
            "/odoo/whatsapp-dashboard",
            "whatsapp_broadcast_report_empty",
            login=self.other_user.login,
        )


def _read_sheet(content):
    """Return the rows of a workbook's first sheet as lists of values."""
    return [list(row) for row in load_workbook(io.BytesIO(content)).active.values]
