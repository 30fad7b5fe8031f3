from datetime import datetime, timedelta

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, freeze_time, tagged
from odoo.tools import SQL

from ..engine import queries, windows
from ..models.whatsapp_broadcast_schedule import WEEKDAYS
from .common import BroadcastCommon

#: A Monday to come: 7:00 in New York, 13:00 in Berlin.
MONDAY_NOON = "2035-01-01 12:00:00"
NINE_IN_NEW_YORK = datetime(2035, 1, 1, 14)
NEW_YORK, BERLIN = "+12125550100", "+4930901820"


@tagged("post_install", "-at_install")
class TestWindow(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketing = cls.make_template(
            cls.account, "offer", "Offer", category="marketing"
        )
        cls.company.partner_id.tz = "Europe/Berlin"

    def setUp(self):
        super().setUp()
        self.follow_frozen_time()

    def freeze(self, leads, **values):
        broadcast = self.make_broadcast(leads, **values)
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending", broadcast.state_detail)
        return broadcast

    def due(self, broadcast):
        return {row.phone: row.due_at for row in broadcast.recipient_ids}

    # === FORM === #

    def test_marketing_keeps_hours_by_default(self):
        for template, expected in (
            (self.template, "always"),
            (self.marketing, "recipient"),
        ):
            broadcast = self.make_broadcast(template_id=template.id)
            self.assertEqual(broadcast.send_window, expected)
            self.assertEqual(broadcast.send_window_start, 9)
            self.assertEqual(broadcast.send_window_end, 20)
            self.assertEqual(broadcast._send_window_days(), list(range(7)))
        broadcast.template_id = self.template
        self.assertEqual(broadcast.send_window, "always")
        broadcast = self.make_broadcast(
            template_id=self.marketing.id, send_window="company"
        )
        self.assertEqual(broadcast.send_window, "company")

    def test_the_form(self):
        broadcasts = self.env["whatsapp.broadcast"].with_user(self.user)
        with Form(broadcasts) as form:
            form.template_id = self.marketing
            self.assertEqual(form.send_window, "recipient")
            form.send_window = "company"
            form.send_window_start = 10.5
            self.assertTrue(form.skip_closed_leads)
            form.skip_closed_leads = False
        self.assertEqual(form.record.send_window_start, 10.5)
        self.assertFalse(form.record.skip_closed_leads)

    def test_a_window_that_never_opens(self):
        for values in (
            {"send_window_start": 20, "send_window_end": 9},
            {"send_window_start": 9, "send_window_end": 9},
            {"send_window_start": -1},
            {"send_window_end": 24.5},
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(ValidationError, "never opens"),
            ):
                self.make_broadcast(send_window="company", **values)
        with self.assertRaisesRegex(ValidationError, "at least one weekday"):
            self.make_broadcast(send_window="company", **dict.fromkeys(WEEKDAYS, False))
        broadcast = self.make_broadcast(send_window="always", send_window_end=0)
        with self.assertRaisesRegex(ValidationError, "never opens"):
            broadcast.send_window = "recipient"

    def test_only_what_is_not_under_way_changes_its_window(self):
        broadcast = self.make_prepared()
        for values in ({"send_window": "company"}, {"mon": False}):
            with self.assertRaisesRegex(UserError, "pause it to change"):
                broadcast.write(values)
        broadcast.action_pause()
        broadcast.write({"send_window": "company", "mon": False})
        self.assertEqual(broadcast._send_window_days(), list(range(1, 7)))

    # === ZONES === #

    @freeze_time(MONDAY_NOON)
    def test_each_recipients_own_zone(self):
        partner = self.env["res.partner"].create({"name": "A", "tz": "Asia/Tokyo"})
        leads = self.make_lead(NEW_YORK) + self.make_lead(BERLIN)
        leads += self.make_lead("+1 212 555 0101", partner_id=partner.id)
        leads[2].phone = "+1 212 555 0101"
        leads += self.make_lead("+61412345678")
        broadcast = self.freeze(leads, template_id=self.marketing.id)
        zones = {row.phone: row.timezones for row in broadcast.recipient_ids}
        self.assertEqual(zones[NEW_YORK], "America/New_York")
        self.assertEqual(zones[BERLIN], "Europe/Berlin")
        self.assertEqual(zones["+12125550101"], "Asia/Tokyo")
        self.assertIn("Australia/Perth", zones["+61412345678"].split(","))
        self.assertEqual(broadcast.recipient_timezones, sorted(zones.values()))

    @freeze_time(MONDAY_NOON)
    def test_whose_window_is_closed_is_due_at_its_opening(self):
        leads = self.make_lead(NEW_YORK) + self.make_lead(BERLIN)
        broadcast = self.freeze(leads, template_id=self.marketing.id)
        due = self.due(broadcast)
        self.assertEqual(due[NEW_YORK], NINE_IN_NEW_YORK)
        self.assertLess(due[BERLIN], datetime(2035, 1, 1, 12, 1))

    def test_a_broadcast_whose_rows_all_wait_says_until_when(self):
        broadcast = self.make_prepared(2)
        self.assertFalse(broadcast.next_message_at)
        now = fields.Datetime.now()
        early, late = now + timedelta(hours=2), now + timedelta(hours=5)
        for row, due_at in zip(broadcast.recipient_ids, (late, early), strict=True):
            row.sudo().due_at = due_at
        broadcast.invalidate_recordset()
        self.assertEqual(broadcast.next_message_at, early)
        broadcast.recipient_ids[0].sudo().due_at = now
        broadcast.invalidate_recordset()
        self.assertFalse(broadcast.next_message_at)

    @freeze_time(MONDAY_NOON)
    def test_no_zone_is_kept_that_nobody_asks_for(self):
        for window in ("always", "company"):
            broadcast = self.freeze(
                self.make_lead(NEW_YORK),
                template_id=self.marketing.id,
                send_window=window,
            )
            self.assertFalse(broadcast.recipient_ids.timezones)
            self.assertFalse(broadcast.recipient_timezones)
            self.assertLess(broadcast.recipient_ids.due_at, NINE_IN_NEW_YORK)

    @freeze_time(MONDAY_NOON)
    def test_an_unknown_zone_follows_the_company(self):
        lead = self.make_lead("+1 212 555 0100")
        lead.flush_recordset()
        self.env.cr.execute(
            "UPDATE crm_lead SET phone_sanitized = '+88212345678' WHERE id = %s",
            lead.ids,
        )
        self.env.invalidate_all()
        self.company.partner_id.tz = "America/Chicago"
        broadcast = self.freeze(lead, template_id=self.marketing.id)
        self.assertFalse(broadcast.recipient_ids.timezones)
        self.assertEqual(broadcast.recipient_timezones, [""])
        self.assertEqual(broadcast.recipient_ids.due_at, datetime(2035, 1, 1, 15))

    @freeze_time(MONDAY_NOON)
    def test_variables_do_not_undo_the_window(self):
        template = self.make_template(
            self.account, "greet", "Hello {{1}}", category="marketing"
        )
        self.make_variable(template, value_type="text", text="x")
        broadcast = self.freeze(self.make_lead(NEW_YORK), template_id=template.id)
        self.assertEqual(broadcast.recipient_ids.due_at, NINE_IN_NEW_YORK)
        self.assertTrue(broadcast.recipient_ids.variables)

    @freeze_time(MONDAY_NOON)
    def test_a_review_makes_nothing_due(self):
        broadcast = self.make_broadcast(
            self.make_lead(NEW_YORK), template_id=self.marketing.id
        )
        broadcast.action_review()
        self.assertFalse(broadcast.recipient_ids.due_at)

    def test_the_companys_zone(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        self.assertEqual(broadcast.company_tz, "Europe/Berlin")
        self.company.partner_id.tz = False
        self.assertEqual(broadcast.company_tz, "UTC")
        self.user.tz = "Asia/Tokyo"
        broadcast.action_launch()
        self.assertEqual(broadcast.company_tz, "Asia/Tokyo")

    # === CHANGES WHILE IT WAITS === #

    @freeze_time(MONDAY_NOON)
    def test_a_window_that_is_lifted_frees_its_rows(self):
        leads = self.make_lead(NEW_YORK) + self.make_lead(BERLIN)
        broadcast = self.freeze(leads, template_id=self.marketing.id)
        waiting = broadcast.recipient_ids.filtered(lambda r: r.phone == NEW_YORK)
        broadcast.action_pause()
        broadcast._write_protected(
            {"resting_until": NINE_IN_NEW_YORK, "rest_reason": "window"}
        )
        broadcast.send_window = "always"
        self.assertLess(waiting.due_at, NINE_IN_NEW_YORK)
        self.assertFalse(waiting.timezones)
        self.assertFalse(broadcast.recipient_timezones)
        self.assertFalse(broadcast.resting_until or broadcast.rest_reason)

    @freeze_time(MONDAY_NOON)
    def test_a_window_that_is_set_later_knows_the_zones(self):
        leads = self.make_lead(NEW_YORK) + self.make_lead(BERLIN)
        broadcast = self.freeze(leads)
        done = broadcast.recipient_ids.filtered(lambda r: r.phone == BERLIN)
        self.settle(done, "read")
        broadcast.action_pause()
        broadcast.send_window = "recipient"
        self.assertEqual(broadcast.recipient_timezones, ["America/New_York"])
        self.assertFalse(done.timezones or done.due_at)

    def test_a_changed_window_keeps_the_delay_of_what_failed(self):
        broadcast = self.make_prepared(state="paused")
        later = fields.Datetime.now() + timedelta(hours=3)
        self.settle(
            broadcast.recipient_ids, "queued", due_at=later, error_class="later"
        )
        broadcast.send_window = "company"
        self.assertEqual(broadcast.recipient_ids.due_at, later.replace(microsecond=0))

    def test_another_company_zone_ends_the_rest(self):
        broadcast = self.make_prepared(send_window="company")
        later = fields.Datetime.now() + timedelta(hours=3)
        for reason, expected in (("window", False), ("daily_limit", later)):
            broadcast._write_protected({"resting_until": later, "rest_reason": reason})
            self.assertTrue(broadcast.is_resting)
            partner = self.company.partner_id.with_user(self.other_user)
            partner.sudo().tz = "Asia/Tokyo" if expected else "Asia/Tashkent"
            self.env.flush_all()
            self.assertEqual(broadcast.resting_until, expected)

    # === WHAT THE ENGINE READS === #

    def test_the_engine_reads_the_same_window(self):
        broadcast = self.make_broadcast(
            send_window="recipient", send_window_end=18.5, tue=False, sun=False
        )
        broadcast._write_protected({"recipient_timezones": ["", "Asia/Tokyo"]})
        broadcast.flush_recordset()
        self.env.cr.execute(
            f"SELECT {queries.WINDOW_COLUMNS} FROM whatsapp_broadcast b WHERE id = %s",
            broadcast.ids,
        )
        self.assertEqual(
            windows.Window.of(self.env.cr.dictfetchone()),
            broadcast._window(["", "Asia/Tokyo"]),
        )

    def test_what_is_closed_waits_for_its_opening(self):
        broadcast = self.make_prepared(4, template_id=self.template.id)
        rows = broadcast.recipient_ids
        past = fields.Datetime.now() - timedelta(hours=1)
        for row, zone in zip(rows, ("A/B", "A/B", None, "C/D"), strict=True):
            self.settle(row, "queued", due_at=past, timezones=zone)
        self.settle(rows[1], "read", timezones="A/B")
        past = rows[3].due_at
        opening = datetime(2036, 1, 1, 9)
        company_opening = datetime(2036, 1, 1, 8)
        values = {
            "broadcast_id": broadcast.id,
            "timezones": ["A/B", ""],
            "openings": [opening, company_opening],
            "limit": 10,
        }
        self.env.cr.execute(SQL(queries.WAIT_FOR_OPENING, **values))
        self.assertEqual(self.env.cr.rowcount, 2)
        rows.invalidate_recordset()
        self.assertEqual(rows.mapped("due_at"), [opening, False, company_opening, past])
