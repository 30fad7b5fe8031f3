from datetime import timedelta

from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import phone
from .test_sources import AudienceCommon


@tagged("post_install", "-at_install")
class TestLeftOut(AudienceCommon):
    """Rules by which people are left out when the audience is frozen."""

    def ago(self, **units):
        return self.env.cr.now() - timedelta(**units)

    # === LISTS THAT ARE LEFT OUT === #

    def test_excluded_by_lead_phone_or_filter(self):
        leads = self.make_leads(5)
        leads[3].city = "Out"
        lists = (
            self.make_list(leads[0], phones=[phone(1)]),
            self.make_list(self.make_partner(phone(2))),
            self.make_filter("[('city', '=', 'Out')]"),
        )
        ids = [one.id for one in lists]
        found = self.reviewed(leads, exclude_list_ids=[Command.set(ids)])
        self.assertEqual(
            found,
            {phone(n): "excluded" for n in range(4)} | {phone(4): "queued"},
        )

    def test_excluded_although_the_launcher_may_not_read_them(self):
        leads = self.make_leads(2)
        hidden = self.make_partner(phone(0), company_id=self.make_company().id)
        members = self.make_list(hidden)
        found = self.reviewed(leads, exclude_list_ids=[Command.set(members.ids)])
        self.assertEqual(found, {phone(0): "excluded", phone(1): "queued"})

    # === OF LATE === #

    def test_frequency_cap(self):
        leads = self.make_leads(3)
        self.sent_before(leads[0])
        self.sent_before(leads[1], accepted_at=self.ago(hours=25))
        spring = {"template_id": self.make_marketing().id}
        capped = {phone(0): "frequency_cap", phone(1): "queued", phone(2): "queued"}
        self.assertEqual(self.reviewed(leads, **spring), capped)
        self.assertEqual(set(self.reviewed(leads).values()), {"queued"}, "utility")
        self.company.whatsapp_cap_days = 2
        capped[phone(1)] = "frequency_cap"
        self.assertEqual(self.reviewed(leads, **spring), capped)
        self.company.whatsapp_cap_count = 2
        self.assertEqual(set(self.reviewed(leads, **spring).values()), {"queued"})
        self.sent_before(leads[0], "delivered")
        self.assertEqual(
            self.reviewed(leads, **spring)[phone(0)], "frequency_cap", "two in all"
        )
        self.company.whatsapp_cap_count = 0
        self.assertEqual(set(self.reviewed(leads, **spring).values()), {"queued"})

    def test_what_surely_did_not_go_out_counts_for_no_cap(self):
        leads = self.make_leads(4)
        states = ("failed", "cancelled", "skipped", "unknown")
        for lead, state in zip(leads, states, strict=True):
            self.sent_before(lead, state, accepted_at=None)
        found = self.reviewed(leads, template_id=self.make_marketing().id)
        self.assertEqual(
            [found[phone(n)] for n in range(4)],
            ["queued", "queued", "queued", "frequency_cap"],
        )

    def test_another_companys_messages_count_for_no_cap(self):
        lead = self.make_lead(phone(0))
        earlier = self.sent_before(lead)
        rows_sudo = earlier.recipient_ids.sudo()
        self.settle(rows_sudo, "read", company_id=self.make_company().id)
        found = self.reviewed(lead, template_id=self.make_marketing().id)
        self.assertEqual(found, {phone(0): "queued"})

    def test_impossible_caps(self):
        for values in ({"whatsapp_cap_count": -1}, {"whatsapp_cap_days": 0}):
            with (
                self.subTest(values=values),
                self.assertRaises(CheckViolation),
                mute_logger("odoo.sql_db"),
                self.env.cr.savepoint(),
            ):
                self.company.write(values)

    def test_messaged_in_the_last_days(self):
        leads = self.make_leads(3)
        self.sent_before(leads[0], accepted_at=self.ago(days=2))
        self.sent_before(leads[1], accepted_at=self.ago(days=4))
        self.assertEqual(
            self.reviewed(leads, exclude_days=3),
            {phone(0): "recently_messaged", phone(1): "queued", phone(2): "queued"},
        )
        self.assertEqual(set(self.reviewed(leads).values()), {"queued"})

    def test_whom_whatsapp_gave_no_marketing(self):
        leads = self.make_leads(2)
        refused = {"error_code": "131049", "accepted_at": None}
        self.sent_before(leads[0], "failed", failed_at=self.ago(hours=23), **refused)
        self.sent_before(leads[1], "failed", failed_at=self.ago(hours=25), **refused)
        spring = {"template_id": self.make_marketing().id}
        self.assertEqual(
            self.reviewed(leads, **spring),
            {phone(0): "marketing_limit", phone(1): "queued"},
        )
        self.assertEqual(set(self.reviewed(leads).values()), {"queued"}, "utility")

    # === COUNTRIES === #

    def test_marketing_goes_not_to_the_united_states(self):
        restrictions = self.env["whatsapp.broadcast.restriction"]
        restrictions.search([]).unlink()
        restriction = restrictions.create({"country_id": self.env.ref("base.us").id})
        phones = {
            "+12125550100": "country",  # New York
            "+14165550100": "queued",  # Toronto
            "+18765550100": "queued",  # Jamaica
            "+17875550100": "queued",  # Puerto Rico
            "+34612345678": "queued",
        }
        leads = self.env["crm.lead"].union(*map(self.make_lead, phones))
        spring = {"template_id": self.make_marketing().id}
        self.assertEqual(self.reviewed(leads, **spring), phones)
        self.assertEqual(set(self.reviewed(leads).values()), {"queued"}, "utility")
        restriction.scope = "all"
        self.assertEqual(self.reviewed(leads), phones)
        restriction.valid_from = fields.Date.add(fields.Date.today(), days=2)
        self.assertEqual(set(self.reviewed(leads).values()), {"queued"}, "not yet")
        restriction.write(
            {
                "valid_from": fields.Date.subtract(fields.Date.today(), days=9),
                "valid_until": fields.Date.subtract(fields.Date.today(), days=2),
            }
        )
        self.assertEqual(set(self.reviewed(leads).values()), {"queued"}, "no more")

    def test_guessed_countries_by_choice(self):
        leads = self.make_lead("+12125550100")
        leads += self.make_lead("2125550101", country_id=False)
        leads += self.make_lead("2125550102")
        found = self.reviewed(leads, skip_country_guessed=True)
        self.assertEqual(
            found,
            {
                "+12125550100": "queued",
                "+12125550101": "country_guessed",
                "+12125550102": "queued",
            },
        )
