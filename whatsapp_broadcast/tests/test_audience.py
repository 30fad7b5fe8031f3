from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import whatsapp_broadcast_audience as audience
from ..models import whatsapp_broadcast_sources as sources
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
        self.make_choice("+12125550100")
        lead = self.make_lead("(212) 555-0100")
        marketing = self.make_template(
            self.account, "offer", "Buy", category="marketing"
        )
        self.assertEqual(
            self.reviewed(lead, template_id=marketing.id),
            {"+12125550100": "opted_out"},
        )
        self.assertEqual(self.reviewed(lead), {"+12125550100": "queued"})

    def test_opt_out_is_the_companys(self):
        self.make_choice("+12125550100", company_id=self.make_company().id)
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
        with patch.object(sources, "SELECTION_LIMIT", 3):
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
