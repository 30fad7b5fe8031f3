from datetime import timedelta
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import whatsapp_broadcast_audience as audience
from .common import BroadcastCommon, phone


@tagged("post_install", "-at_install")
class TestAudience(BroadcastCommon):
    # === PHONES === #

    def test_phones_are_e164(self):
        leads = self.make_lead("(212) 555-0100") + self.make_lead(
            "0171 3920012", country_id=self.env.ref("base.de").id
        )
        leads += self.make_lead("00 34 612 34 56 78")
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        rows = broadcast.recipient_ids
        expected = ["+12125550100", "+34612345678", "+491713920012"]
        self.assertEqual(sorted(rows.mapped("phone")), expected)
        self.assertEqual(sorted(rows.mapped("address")), expected)
        self.assertEqual(rows.mapped("lead_id"), leads)
        self.assertEqual(set(rows.mapped("state")), {"queued"})
        self.assertFalse(any(rows.mapped("due_at")), "a review sends nothing")

    def test_no_phone_and_bad_phone(self):
        leads = self.make_lead("12") + self.make_lead("ask Ann") + self.make_lead()
        leads += self.make_lead("  ") + self.make_lead("+1 212 555 0100")
        self.assertEqual(
            self.reviewed(leads),
            {
                "12": "bad_phone",
                "ask Ann": "bad_phone",
                "+12125550100": "queued",
                False: "no_phone",
                "  ": "no_phone",
            },
        )

    def test_country_guessed(self):
        guessed = self.make_lead("(212) 555-0100", country_id=False)
        leads = guessed + self.make_lead("+1 212 555 0101", country_id=False)
        leads += self.make_lead("(212) 555-0102")
        partner = self.env["res.partner"].create(
            {"name": "P", "country_id": self.env.ref("base.us").id}
        )
        leads += self.make_lead(
            "(212) 555-0103", country_id=False, partner_id=partner.id
        )
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        marked = broadcast.recipient_ids.filtered("country_guessed")
        self.assertEqual(marked.lead_id, guessed)
        self.assertEqual(broadcast.country_guessed_count, 1)
        self.assertEqual(broadcast.get_stats()["country_guessed_count"], 1)

    # === DUPLICATES === #

    def kept(self, leads, **values):
        broadcast = self.make_broadcast(leads, **values)
        broadcast.action_review()
        rows = broadcast.recipient_ids
        self.assertEqual(len(rows), len(leads))
        reasons = rows.filtered(lambda r: r.state == "skipped").mapped("skip_reason")
        self.assertEqual(reasons, ["duplicate"] * (len(leads) - 1))
        return rows.filtered(lambda r: r.state == "queued").lead_id

    def make_twins(self, count, **values):
        writings = ["+1 212 555 0100", "(212) 555-0100", "2125550100"]
        return self.env["crm.lead"].union(
            *(self.make_lead(writings[n % 3], **values) for n in range(count))
        )

    def set_activity(self, lead, write_date):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_lead SET write_date = %s WHERE id = %s", [write_date, lead.id]
        )
        self.env.invalidate_all()

    def test_duplicates_lowest_id_is_kept(self):
        leads = self.make_twins(4)
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_lead SET write_date = '2026-01-01'")
        self.assertEqual(self.kept(leads), leads[0])

    def test_duplicates_newest_activity_is_kept(self):
        leads = self.make_twins(3)
        for lead, day in zip(leads, ("01", "09", "05"), strict=True):
            self.set_activity(lead, f"2026-01-{day}")
        self.assertEqual(self.kept(leads), leads[1])

    def test_duplicates_open_before_closed(self):
        leads = self.make_twins(2)
        leads[1].action_set_lost()
        self.set_activity(leads[0], "2026-01-01")
        self.set_activity(leads[1], "2026-01-09")
        self.assertEqual(self.kept(leads, include_closed=True), leads[0])

    def test_a_closed_twin_does_not_push_out_the_open_one(self):
        leads = self.make_twins(2)
        leads[1].action_set_lost()
        self.set_activity(leads[0], "2026-01-01")
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        found = {r.lead_id: r.skip_reason for r in broadcast.recipient_ids}
        self.assertEqual(found, {leads[0]: False, leads[1]: "lead_closed"})

    def test_a_lead_and_its_partner_are_one(self):
        partner = self.env["res.partner"].create(
            {"name": "Ann", "phone": "+1 212 555 0100"}
        )
        leads = self.env["crm.lead"].create(
            {"name": "Ann", "partner_id": partner.id, "user_id": self.user.id}
        )
        leads += self.make_lead("(212) 555-0100", partner_id=partner.id)
        self.assertEqual(leads.mapped("phone_sanitized"), ["+12125550100"] * 2)
        self.kept(leads)

    # === WHO DOES NOT WANT TO, OR MAY NOT === #

    def opt_out(self, number, account=None):
        self.env["whatsapp.broadcast.contact"].create(
            {
                "account_id": (account or self.account).id,
                "number_id": self.number.id,
                "phone": number,
                "marketing_opt_out": True,
            }
        )

    def test_blacklist(self):
        self.env["phone.blacklist"].create({"number": "+12125550100"})
        removed = self.env["phone.blacklist"].create({"number": "+12125550101"})
        removed.active = False
        leads = self.make_lead("(212) 555-0100") + self.make_lead("(212) 555-0101")
        self.assertEqual(
            self.reviewed(leads),
            {"+12125550100": "opted_out", "+12125550101": "queued"},
        )

    def test_opt_out_is_for_marketing(self):
        self.opt_out("+12125550100")
        lead = self.make_lead("(212) 555-0100")
        marketing = self.make_template(
            self.account, "offer", "Buy", category="marketing"
        )
        self.assertEqual(
            self.reviewed(lead, template_id=marketing.id),
            {"+12125550100": "opted_out"},
        )
        self.assertEqual(self.reviewed(lead), {"+12125550100": "queued"})

    def test_opt_out_is_the_accounts(self):
        other = self.make_account("Other")
        self.opt_out("+12125550100", other)
        marketing = self.make_template(
            self.account, "offer", "Buy", category="marketing"
        )
        lead = self.make_lead("(212) 555-0100")
        self.assertEqual(
            self.reviewed(lead, template_id=marketing.id), {"+12125550100": "queued"}
        )

    def test_text_needs_an_open_window(self):
        now = fields.Datetime.now()
        ages = {"0100": 1, "0101": 23, "0102": 24, "0103": None}
        for ending, hours in ages.items():
            if hours is not None:
                self.env["whatsapp.broadcast.contact"].create(
                    {
                        "account_id": self.account.id,
                        "number_id": self.number.id,
                        "phone": f"+1212555{ending}",
                        "last_inbound_at": now - timedelta(hours=hours),
                    }
                )
        leads = self.env["crm.lead"].union(
            *(self.make_lead(f"+1212555{ending}") for ending in ages)
        )
        self.assertEqual(
            self.reviewed(leads, message_type="text", body="Hi", template_id=False),
            {
                "+12125550100": "queued",
                "+12125550101": "queued",
                "+12125550102": "outside_window",
                "+12125550103": "outside_window",
            },
        )
        other = self.make_number(self.account, "Second", phone="+15550100002")
        self.assertEqual(
            set(
                self.reviewed(
                    leads,
                    message_type="text",
                    body="Hi",
                    template_id=False,
                    number_id=other.id,
                ).values()
            ),
            {"outside_window"},
            "the window is the number's",
        )

    def test_closed_leads(self):
        open_lead, won, lost, archived = self.make_leads(4)
        won.action_set_won()
        lost.action_set_lost()
        archived.active = False
        leads = open_lead + won + lost + archived
        self.assertEqual(
            self.reviewed(leads),
            {
                phone(0): "queued",
                phone(1): "lead_closed",
                phone(2): "lead_closed",
                phone(3): "lead_closed",
            },
        )
        self.assertEqual(
            set(self.reviewed(leads, include_closed=True).values()), {"queued"}
        )

    def test_archived_partner(self):
        partners = self.env["res.partner"].create(
            [{"name": "A", "phone": phone(0)}, {"name": "B", "phone": phone(1)}]
        )
        partners[1].active = False
        values = {
            "audience_type": "contacts",
            "partner_ids": [Command.set(partners.ids)],
        }
        self.assertEqual(
            self.reviewed(**values), {phone(0): "queued", phone(1): "lead_closed"}
        )

    def test_unreadable_are_counted_not_named(self):
        leads = self.make_leads(3)
        broadcast = self.make_broadcast(leads)
        leads[1:].write({"user_id": False, "company_id": self.make_company().id})
        broadcast.action_review()
        hidden = broadcast.recipient_ids.filtered(
            lambda r: r.skip_reason == "no_access"
        )
        self.assertEqual(len(hidden), 2)
        for name in ("lead_id", "partner_id", "phone", "address", "user_ref"):
            self.assertFalse(any(hidden.mapped(name)), name)
        self.assertEqual((broadcast.recipient_ids - hidden).lead_id, leads[0])
        self.assertEqual(broadcast.skipped_count, 2)

    # === FILTER === #

    def test_filter(self):
        leads = self.make_leads(3)
        leads[:2].city = "Springfield"
        leads[1].active = False
        found = self.reviewed(
            audience_type="filter", audience_domain="[('city', '=', 'Springfield')]"
        )
        self.assertEqual(found, {phone(0): "queued"}, "a filter means active ones")

    def test_filter_on_contacts(self):
        self.env["res.partner"].create({"name": "A", "phone": phone(0), "city": "X"})
        found = self.reviewed(
            audience_type="filter",
            audience_model="res.partner",
            audience_domain="[('city', '=', 'X')]",
        )
        self.assertEqual(found, {phone(0): "queued"})

    def test_bad_filters(self):
        for domain in (
            "no list",
            "[('city', '=']",
            "[('no_field', '=', 1)]",
            "[('city', 'like a', 1)]",
            "['&']",
            "5",
            "__import__('os').getcwd()",
            "[('city', '=', uid)]",
        ):
            broadcast = self.make_broadcast(
                audience_type="filter", audience_domain=domain
            )
            for action in (broadcast.action_review, broadcast.action_launch):
                with (
                    self.subTest(domain=domain),
                    self.assertRaises(UserError) as raised,
                ):
                    action()
                self.assertIn("filter cannot be read", str(raised.exception))
            self.assertEqual(broadcast.state, "draft")

    def test_empty_audience(self):
        for values in (
            {},
            {"audience_type": "contacts"},
            {"audience_type": "filter", "audience_domain": "[('city', '=', 'X')]"},
        ):
            broadcast = self.make_broadcast(**values)
            for action in (broadcast.action_review, broadcast.action_launch):
                with (
                    self.subTest(values=values),
                    self.assertRaisesRegex(UserError, "audience is empty"),
                ):
                    action()

    def test_too_many_to_review(self):
        broadcast = self.make_broadcast(self.make_leads(3))
        with (
            patch.object(audience, "REVIEW_LIMIT", 2),
            self.assertRaisesRegex(UserError, "More than 2 records"),
        ):
            broadcast.action_review()

    def test_too_many_to_review_are_launched_all_the_same(self):
        broadcast = self.make_broadcast(self.make_leads(3))
        with patch.object(audience, "REVIEW_LIMIT", 2):
            action = broadcast.action_open_launch()
            wizard = self.env[action["res_model"]].with_user(self.user)
            wizard = wizard.with_context(**action["context"]).create({})
            self.assertEqual(wizard.reachable_count, 3)
            self.assertFalse(wizard.is_reviewed)
            wizard.action_launch()
        self.assertEqual(broadcast.state, "preparing")

    # === SELECTION === #

    def test_selection_of_a_few(self):
        leads = self.make_leads(2).with_user(self.user)
        action = leads.with_context(active_ids=leads.ids).action_whatsapp_broadcast()
        broadcast = self.create_from(action)
        self.assertEqual(broadcast.lead_ids, leads)
        self.assertEqual(broadcast.audience_model, "crm.lead")
        self.assertEqual(len(self.reviewed_rows(broadcast)), 2)

    def test_selection_of_contacts(self):
        partner = self.env["res.partner"].create({"name": "A", "phone": phone(0)})
        broadcast = self.create_from(
            partner.with_user(self.user).action_whatsapp_broadcast()
        )
        self.assertEqual(broadcast.partner_ids, partner)
        self.assertEqual(broadcast.audience_type, "contacts")

    def test_selection_of_all_keeps_the_filter(self):
        leads = self.make_leads(5).with_user(self.user)
        leads.sudo().city = "All of them"
        domain = [("city", "=", "All of them")]
        with patch.object(audience, "SELECTION_LIMIT", 3):
            action = leads.with_context(
                active_ids=leads[:3].ids, active_domain=domain
            ).action_whatsapp_broadcast()
        broadcast = self.create_from(action)
        self.assertFalse(broadcast.lead_ids)
        self.assertEqual(self.reviewed_rows(broadcast).lead_id, leads)

    def test_empty_selection(self):
        with self.assertRaisesRegex(UserError, "at least one"):
            self.env["crm.lead"].with_user(self.user).action_whatsapp_broadcast()

    def test_selection_without_a_number_says_what_to_do(self):
        leads = self.make_leads(1).with_user(self.user)
        self.env["whatsapp.broadcast.number"].search([]).active = False
        with self.assertRaisesRegex(UserError, "No number"):
            leads.action_whatsapp_broadcast()

    def create_from(self, action):
        """Return the draft that ``action`` opens, with a template chosen."""
        broadcast = self.env["whatsapp.broadcast"].browse(action["res_id"])
        broadcast = broadcast.with_user(self.user)
        broadcast.template_id = self.template
        return broadcast

    def reviewed_rows(self, broadcast):
        broadcast.action_review()
        return broadcast.recipient_ids

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

        def count(broadcast, cursor, due_at):
            cursors.append(cursor)
            return prepare(broadcast, cursor, due_at)

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
        cursor = broadcast._begin_audience(None)
        self.make_lead(phone(5))
        self.env.flush_all()
        while cursor != audience.PREPARED:
            cursor = broadcast._prepare_chunk(cursor, None)
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
