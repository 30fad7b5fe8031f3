from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .common import BroadcastCommon, phone


@tagged("post_install", "-at_install")
class TestCompanies(BroadcastCommon):
    """Two companies on one account, one business account and one app."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.make_company("Second")
        cls.number.company_ids = cls.company
        cls.second_number = cls.make_number(
            cls.account, "Second", [cls.second], phone="+15550100002"
        )
        cls.shared_number = cls.make_number(cls.account, "Shared", phone="+15550100003")
        cls.first_admin = cls.make_user("admin1", "administrator")
        cls.second_admin = cls.make_user("admin2", "administrator", cls.second)
        cls.first = cls.make_rows(cls.company, cls.first_admin, cls.number)
        cls.other = cls.make_rows(cls.second, cls.second_admin, cls.second_number)
        cls.env.flush_all()

    @classmethod
    def make_rows(cls, company, user, number):
        """Make one row of each model that belongs to a company."""
        lead = cls.make_lead(phone(company.id), company_id=company.id, user_id=user.id)
        broadcast = cls.make_broadcast(
            lead, user, number_id=number.id, company_id=company.id
        )
        broadcast.action_review()
        return {
            "whatsapp.broadcast.number": number,
            "whatsapp.broadcast": broadcast,
            "whatsapp.broadcast.recipient": broadcast.recipient_ids,
            "whatsapp.broadcast.attempt": cls.env["whatsapp.broadcast.attempt"].create(
                {"recipient_id": broadcast.recipient_ids.id}
            ),
            "whatsapp.broadcast.contact": cls.env["whatsapp.broadcast.contact"].create(
                {
                    "account_id": cls.account.id,
                    "number_id": number.id,
                    "phone": phone(0),
                }
            ),
            "whatsapp.broadcast.message": cls.env["whatsapp.broadcast.message"].create(
                {
                    "account_id": cls.account.id,
                    "number_id": number.id,
                    "direction": "in",
                    "message_type": "text",
                }
            ),
        }

    def test_neither_sees_the_others_rows(self):
        for user, own, foreign in (
            (self.first_admin, self.first, self.other),
            (self.second_admin, self.other, self.first),
        ):
            for model in own:
                with self.subTest(model=model, user=user.login):
                    found = self.env[model].with_user(user).search([])
                    self.assertIn(own[model].id, found.ids)
                    self.assertNotIn(foreign[model].id, found.ids)
                    with self.assertRaises(AccessError):
                        foreign[model].with_user(user).read(["id", "display_name"])

    def test_neither_counts_the_others_rows(self):
        for model in self.first:
            groups = (
                self.env[model]
                .with_user(self.first_admin)
                ._read_group([], [], ["__count"])
            )
            everything = self.env[model].search_count([])
            self.assertLess(groups[0][0], everything, model)

    def test_both_see_what_is_shared(self):
        for user in (self.first_admin, self.second_admin):
            records = (self.account, self.template, self.shared_number)
            for record in records:
                with self.subTest(user=user.login, record=record):
                    self.assertIn(record, record.with_user(user).search([]))

    def test_shared_deliveries_are_for_the_system_only(self):
        events = self.env["whatsapp.broadcast.event"]
        shared = events.create({"account_id": self.account.id})
        self.assertFalse(events.with_user(self.first_admin).search([]))
        with self.assertRaises(AccessError):
            shared.with_user(self.first_admin).read()
        system = self.first_admin
        system.group_ids += self.env.ref("base.group_system")
        self.assertEqual(events.with_user(system).search([]), shared)

    def test_deliveries_to_a_companys_account(self):
        self.second_number.company_ids = False
        self.number.company_ids = self.second
        own = self.make_account("Own", company_id=self.second.id)
        event = self.env["whatsapp.broadcast.event"].create({"account_id": own.id})
        events = self.env["whatsapp.broadcast.event"]
        self.assertEqual(events.with_user(self.second_admin).search([]), event)
        self.assertFalse(events.with_user(self.first_admin).search([]))

    def test_an_account_of_one_company(self):
        own = self.make_account("Own", company_id=self.second.id)
        number = self.make_number(own, "Own")
        template = self.make_template(own, "own", "x")
        for record in (own, number, template):
            with self.subTest(record=record):
                record.with_user(self.second_admin).read(["name"])
                with self.assertRaises(AccessError):
                    record.with_user(self.first_admin).read(["name"])
        with self.assertRaises(ValidationError):
            self.make_broadcast(number_id=number.id, template_id=template.id)

    def test_a_foreign_number_cannot_be_used(self):
        with self.assertRaises(ValidationError):
            self.make_broadcast(number_id=self.second_number.id)
        self.make_broadcast(number_id=self.shared_number.id)

    def test_the_other_companys_broadcast_cannot_be_steered(self):
        foreign = self.other["whatsapp.broadcast"].with_user(self.first_admin)
        for action in ("action_launch", "action_review", "get_stats", "action_cancel"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(foreign, action)()
        with self.assertRaises(AccessError):
            foreign.recipient_ids.read()

    def test_a_broadcast_moved_to_a_foreign_company_is_out_of_reach(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.write(
            {"company_id": self.second.id, "number_id": self.second_number.id}
        )
        self.env.flush_all()
        with self.assertRaises(AccessError):
            broadcast.action_launch()

    def test_the_default_number_is_ones_own(self):
        self.shared_number.active = False
        for user, number in (
            (self.first_admin, self.number),
            (self.second_admin, self.second_number),
        ):
            broadcasts = self.env["whatsapp.broadcast"].with_user(user)
            self.assertEqual(
                broadcasts.default_get(["number_id"])["number_id"], number.id
            )

    def test_a_user_of_both_sees_both(self):
        self.first_admin.company_ids = [Command.link(self.second.id)]
        both = (self.company + self.second).ids
        broadcasts = self.env["whatsapp.broadcast"].with_user(self.first_admin)
        found = broadcasts.with_context(allowed_company_ids=both).search([])
        for rows in (self.first, self.other):
            self.assertIn(rows["whatsapp.broadcast"], found)
        one = broadcasts.with_context(allowed_company_ids=self.company.ids).search([])
        self.assertNotIn(self.other["whatsapp.broadcast"], one)
