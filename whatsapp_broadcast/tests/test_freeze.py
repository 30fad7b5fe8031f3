from datetime import timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import whatsapp_broadcast_audience as audience
from .common import BroadcastCommon, phone


@tagged("post_install", "-at_install")
class TestFreeze(BroadcastCommon):
    # === CHUNKS === #

    def outcome(self, broadcast):
        return sorted(
            (r.lead_id.id, r.phone or "", r.state, r.skip_reason or "")
            for r in broadcast.recipient_ids
        )

    def test_chunks_give_what_one_chunk_gives(self):
        leads = self.make_leads(7)
        for number in (0, 1, 2, 3, 2, 2, 6):
            leads += self.make_lead(phone(number))
        leads += self.make_lead("bad") + self.make_lead() + self.make_lead("worse")
        leads += self.make_lead() + self.make_lead("bad")
        leads[3].action_set_lost()
        whole, chunked = self.make_broadcast(leads), self.make_broadcast(leads)
        whole.action_review()
        prepare, cursors = type(chunked)._prepare_chunk, []

        def count(broadcast, cursor, is_due):
            cursors.append(cursor)
            return prepare(broadcast, cursor, is_due)

        self.startPatcher(patch.object(type(chunked), "_prepare_chunk", count))
        for size in (1, 2, 3):
            cursors.clear()
            with patch.object(audience, "CHUNK", size):
                chunked.action_review()
            self.assertEqual(self.outcome(chunked), self.outcome(whole))
            self.assertEqual(len(chunked.recipient_ids), len(leads))
            self.assertGreater(len(cursors), 7 / size)

    def test_cron_prepares_in_chunks(self):
        leads = self.make_leads(7) + self.make_lead("bad") + self.make_lead()
        whole = self.make_broadcast(leads)
        whole.action_review()
        broadcast = self.make_broadcast(leads)
        broadcast.action_launch()
        self.assertEqual(broadcast.state, "preparing")
        with patch.object(audience, "CHUNK", 3):
            self.run_prepare()
        self.assertEqual(broadcast.state, "sending")
        self.assertEqual(self.outcome(broadcast), self.outcome(whole))
        queued = broadcast.recipient_ids.filtered(lambda r: r.state == "queued")
        self.assertTrue(all(queued.mapped("due_at")))
        self.assertFalse(any((broadcast.recipient_ids - queued).mapped("due_at")))

    def test_leads_that_come_after_launch_are_not_written_to(self):
        leads = self.make_leads(2)
        domain = f"[('company_id', '=', {self.company.id})]"
        broadcast = self.make_broadcast(audience_type="filter", audience_domain=domain)
        broadcast._freeze_launcher()
        cursor = broadcast._begin_audience(is_due=False)
        self.make_lead(phone(5))
        self.env.flush_all()
        while cursor != audience.PREPARED:
            cursor = broadcast._prepare_chunk(cursor, is_due=False)
        broadcast.invalidate_recordset()
        self.assertEqual(broadcast.recipient_ids.lead_id, leads)

    # === LAUNCH FREEZES ANEW === #

    def test_data_changed_after_review(self):
        first, second, third = leads = self.make_leads(3)
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        first.phone = phone(10)
        self.env["phone.blacklist"].create({"number": phone(1)})
        third.action_set_won()
        broadcast.action_launch()
        self.run_prepare()
        found = {r.lead_id: (r.phone, r.skip_reason) for r in broadcast.recipient_ids}
        self.assertEqual(
            found,
            {
                first: (phone(10), False),
                second: (phone(1), "opted_out"),
                third: (phone(2), "lead_closed"),
            },
        )
        self.assertEqual(broadcast.recipient_count, 3)

    def test_nobody_left(self):
        broadcast = self.make_broadcast(self.make_lead("bad"))
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.state, "failed")
        self.assertEqual(broadcast.state_reason, "nobody")
        self.assertTrue(broadcast.completed_at)

    def test_review_again_replaces(self):
        leads = self.make_leads(2)
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        broadcast.lead_ids = leads[0]
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.lead_id, leads[0])
        self.assertEqual(broadcast.recipient_count, 1)

    # === IN THE LAUNCHER'S EYES === #

    def schedule(self, broadcast):
        broadcast.scheduled_at = fields.Datetime.now() + timedelta(hours=1)
        broadcast.action_schedule()
        broadcast._write_protected(
            {"scheduled_at": fields.Datetime.now() - timedelta(minutes=1)}
        )

    def test_scheduled_is_frozen_at_its_time(self):
        leads = self.make_leads(2)
        broadcast = self.make_broadcast(leads)
        self.schedule(broadcast)
        self.assertFalse(broadcast.recipient_ids)
        leads[0].phone = phone(7)
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")
        self.assertEqual(
            set(broadcast.recipient_ids.mapped("phone")), {phone(7), phone(1)}
        )

    def test_not_before_its_time(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.scheduled_at = fields.Datetime.now() + timedelta(hours=1)
        broadcast.action_schedule()
        self.run_prepare()
        self.assertEqual(broadcast.state, "scheduled")

    def assert_launcher_failed(self, broadcast):
        self.run_prepare()
        broadcast = self.env["whatsapp.broadcast"].browse(broadcast.id)
        self.assertEqual(broadcast.state, "failed")
        self.assertEqual(broadcast.state_reason, "launcher")
        self.assertTrue(broadcast.state_detail)
        queued = broadcast.recipient_ids.filtered(lambda r: r.due_at)
        self.assertFalse(queued)

    def test_archived_launcher(self):
        broadcast = self.make_broadcast(self.make_leads(2))
        self.schedule(broadcast)
        self.user.active = False
        self.assert_launcher_failed(broadcast)
        self.assertIn(self.user.name, broadcast.sudo().state_detail)

    def test_launcher_without_the_group(self):
        broadcast = self.make_broadcast(self.make_leads(2))
        self.schedule(broadcast)
        self.user.group_ids -= self.env.ref("whatsapp_broadcast.group_user")
        self.assert_launcher_failed(broadcast)

    def test_launcher_who_lost_the_company(self):
        second = self.make_company()
        self.user.company_ids += second
        broadcast = self.make_broadcast(self.make_leads(2))
        broadcast = broadcast.with_context(
            allowed_company_ids=(self.company + second).ids
        )
        self.schedule(broadcast)
        self.user.company_ids -= second
        self.assert_launcher_failed(broadcast)

    def test_launchers_rights_decide_not_the_crons(self):
        second = self.make_company()
        self.user.company_ids += second
        leads = self.make_leads(2)
        leads[1].company_id = second
        domain = f"[('id', 'in', {leads.ids})]"
        for companies, expected in (
            (self.company, leads[0]),
            (self.company + second, leads),
        ):
            broadcast = self.make_broadcast(
                audience_type="filter", audience_domain=domain
            )
            broadcast.with_context(allowed_company_ids=companies.ids).action_launch()
            self.run_prepare()
            self.assertEqual(broadcast.recipient_ids.lead_id, expected)

    def test_a_filter_means_active_ones_in_the_cron_too(self):
        leads = self.make_leads(2)
        leads[1].active = False
        broadcast = self.make_broadcast(
            audience_type="filter",
            audience_domain=f"[('id', 'in', {leads.ids})]",
            include_closed=True,
        )
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.recipient_ids.lead_id, leads[0])

    # === CLOCKS === #

    def test_the_hosts_clock_decides_nothing(self):
        for hours in (-1, 1):
            wrong = fields.Datetime.now() + timedelta(hours=hours)
            broadcast = self.make_broadcast(self.make_leads(1))
            broadcast.scheduled_at = fields.Datetime.now() + timedelta(minutes=30)
            with patch.object(fields.Datetime, "now", lambda wrong=wrong: wrong):
                broadcast.action_schedule()
                self.run_prepare()
                self.assertEqual(broadcast.state, "scheduled")
                due = self.env.cr.now() - timedelta(minutes=1)
                broadcast._write_protected({"scheduled_at": due})
                self.run_prepare()
            self.assertEqual(broadcast.state, "sending")
            self.env.cr.execute(
                "SELECT due_at - now() AT TIME ZONE 'UTC' < interval '10 minutes'"
                " AND due_at - now() AT TIME ZONE 'UTC' > interval '-10 minutes'"
                " FROM whatsapp_broadcast_recipient WHERE id = %s",
                broadcast.recipient_ids.ids,
            )
            self.assertTrue(self.env.cr.fetchone()[0])

    def test_own_leads_only(self):
        self.user.group_ids -= self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.user.group_ids += self.env.ref("sales_team.group_sale_salesman")
        leads = self.make_leads(2)
        leads[1].user_id = self.other_user
        broadcast = self.make_broadcast(
            audience_type="filter", audience_domain=f"[('id', 'in', {leads.ids})]"
        )
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.recipient_ids.lead_id, leads[0])

    # === WHAT IS GONE === #

    def test_deleted_leads_and_partners(self):
        leads = self.make_leads(2)
        partner = self.env["res.partner"].create({"name": "A"})
        leads[0].partner_id = partner
        leads[0].phone = phone(0)
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        rows = broadcast.recipient_ids
        self.assertEqual(rows[0].partner_id, partner)
        leads[0].partner_id = False
        leads.unlink()
        partner.unlink()
        self.env.invalidate_all()
        names = ["lead_id", "partner_id", "number_id"]
        specification = {name: {"fields": {"display_name": {}}} for name in names}
        specification["display_name"] = {}
        found = rows.with_user(self.user).web_search_read(
            [("id", "in", rows.ids)], specification
        )
        for record, number in zip(found["records"], (0, 1), strict=True):
            self.assertFalse(record["lead_id"] or record["partner_id"])
            self.assertEqual(record["display_name"], phone(number))
            self.assertEqual(record["number_id"]["id"], self.number.id)

    def test_a_deleted_draft_takes_its_review_along(self):
        kept, deleted = (self.make_broadcast(self.make_leads(2)) for _ in range(2))
        for broadcast in (kept, deleted):
            broadcast.action_review()
        with self.assertRaises(AccessError):
            deleted.with_user(self.other_user).unlink()
        self.assertEqual(deleted.recipient_count, 2)
        rows = kept.recipient_ids
        deleted.unlink()
        self.assertEqual(self.env["whatsapp.broadcast.recipient"].search([]), rows)
        self.assertEqual(
            self.env["whatsapp.broadcast.counter"].search([]).broadcast_id, kept
        )
        self.assertEqual(kept.recipient_count, 2)

    def test_what_rows_name_cannot_be_deleted(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.action_review()
        for record in (self.number, self.template, self.account):
            with self.subTest(record=record), self.assertRaises(UserError):
                record.unlink()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.company.unlink()

    def test_a_changed_draft_loses_its_review(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_count, 1)
        broadcast.write({"description": "x", "scheduled_at": "2030-01-01"})
        self.assertEqual(broadcast.recipient_count, 1)
        number = self.make_number(self.account, "Second", phone="+15550100002")
        broadcast.number_id = number
        self.assertEqual(broadcast.recipient_count, 0)
        self.assertFalse(broadcast.recipient_ids)

    def test_a_deleted_user_in_an_attempt(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.action_review()
        decider = self.make_user("decider", "manager")
        attempt = self.env["whatsapp.broadcast.attempt"].create(
            {"recipient_id": broadcast.recipient_ids.id, "by": decider.id}
        )
        decider.unlink()
        specification = {"by": {"fields": {"display_name": {}}}}
        self.assertFalse(attempt.web_read(specification)[0]["by"])

    def test_names_stay_readable(self):
        lead = self.make_lead(phone(0), name="Garden plan")
        broadcast = self.make_broadcast(lead)
        broadcast.action_review()
        lead.write({"user_id": False, "company_id": self.make_company().id})
        self.env.flush_all()
        self.env.invalidate_all()
        recipient = broadcast.recipient_ids.with_user(self.user)
        self.assertEqual(
            recipient.read(["display_name"])[0]["display_name"], "Garden plan"
        )
