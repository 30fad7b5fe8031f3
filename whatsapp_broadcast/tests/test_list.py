from psycopg2.errors import UniqueViolation

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import mute_logger

from ..wizard import whatsapp_broadcast_list_add
from .common import GROUPS, BroadcastCommon, BroadcastHttpCommon, phone

LIST = "whatsapp.broadcast.list"
MEMBER = "whatsapp.broadcast.list.member"


class ListCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.list = cls.make_list("News")
        cls.seller = cls.make_seller()

    @classmethod
    def make_list(cls, name, **values):
        values = {"name": name, "company_id": cls.company.id, **values}
        return cls.env[LIST].create(values)

    @classmethod
    def make_seller(cls):
        """Make a plain user who reads his own leads only."""
        groups = ("base.group_user", "sales_team.group_sale_salesman", GROUPS["user"])
        return new_test_user(
            cls.env,
            "wb_seller",
            groups=",".join(groups),
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def make_member(self, **values):
        return self.env[MEMBER].create({"list_id": self.list.id, **values})

    def add(self, records, user=None, list_=None, **values):
        """Add records to a list by the wizard, and return what it says."""
        records = records.with_user(user or self.user)
        action = records.action_whatsapp_add_to_list()
        wizard = records.env[action["res_model"]].browse(action["res_id"])
        wizard.write({"list_id": (list_ or self.list).id, **values})
        return wizard.action_add()["params"]["message"]

    def members(self, list_=None):
        return self.env[MEMBER].search([("list_id", "=", (list_ or self.list).id)])

    def by_state(self):
        """Return {lead, contact or number: state} of the list."""
        return {
            member.lead_id or member.partner_id or member.phone_sanitized: member.state
            for member in self.members()
        }


@tagged("post_install", "-at_install")
class TestList(ListCommon):
    # === LISTS === #

    def test_counts_follow_the_members(self):
        member = self.make_member(phone=phone(0))
        self.make_member(phone=phone(1))
        self.assertEqual(self.list.subscriber_count, 2)
        member.action_unsubscribe()
        self.assertEqual(self.list.subscriber_count, 1)
        self.assertEqual(self.list.unsubscribed_count, 1)
        named = self.list.with_context(whatsapp_show_subscribers=True)
        self.assertEqual(named.display_name, "News (1)")

    def test_counts_are_what_the_user_may_read(self):
        own = self.make_lead(phone(0), user_id=self.seller.id)
        for lead in own + self.make_lead(phone(1)):
            self.make_member(lead_id=lead.id)
        self.make_member(phone=phone(2))
        self.assertEqual(self.list.with_user(self.seller).subscriber_count, 2)
        self.assertEqual(self.list.with_user(self.manager).subscriber_count, 3)

    def test_a_broken_filter_is_refused(self):
        for domain in (
            "nonsense",
            "[('no_such_field', '=', 1)]",
            "[('city', 'no_operator', 1)]",
            "[('city', '=', uid)]",
            "[" * 200,
            "7",
        ):
            with self.subTest(domain=domain[:30]), self.assertRaises(ValidationError):
                self.make_list("Filter", list_type="filter", domain=domain)

    def test_a_filter_opens_what_it_finds(self):
        list_ = self.make_list(
            "Rome", list_type="filter", domain="[('city', '=', 'Rome')]"
        )
        lead = self.make_lead(phone(0), city="Rome")
        self.make_lead(phone(1))
        action = list_.with_user(self.user).action_open_members()
        found = self.env[action["res_model"]].search(action["domain"])
        self.assertEqual(found, lead)
        with self.assertRaisesRegex(ValidationError, "saved filter"):
            self.env[MEMBER].create({"list_id": list_.id, "phone": phone(2)})

    def test_new_broadcast_to_it(self):
        action = self.list.with_user(self.user).action_new_broadcast()
        broadcasts = self.env["whatsapp.broadcast"].with_user(self.user)
        form = Form(broadcasts.with_context(**action["context"]))
        form.template_id = self.template
        broadcast = form.save()
        self.assertEqual(broadcast.audience_type, "list")
        self.assertEqual(broadcast.list_ids, self.list)
        self.assertEqual(self.list.broadcast_count, 1)
        action = self.list.action_open_broadcasts()
        self.assertEqual(broadcasts.search(action["domain"]), broadcast)

    # === MEMBERS === #

    def test_phones_are_checked(self):
        member = self.make_member(phone="(212) 555-0100", name="Ann")
        self.assertEqual(member.phone_sanitized, "+12125550100")
        self.assertTrue(member.country_guessed)
        self.assertEqual(member.display_name, "Ann")
        with self.assertRaisesRegex(ValidationError, "no valid phone"):
            self.make_member(phone="12")
        with self.assertRaises(ValidationError):
            member.phone = "nobody"

    def test_the_number_is_for_who_may_read_the_lead(self):
        member = self.make_member(lead_id=self.make_lead(phone(0)).id)
        bare = self.make_member(phone=phone(1))
        self.assertEqual((member + bare).mapped("number"), [phone(0), phone(1)])
        self.seller.group_ids += self.env.ref(GROUPS["manager"])
        seen = (member + bare).with_user(self.seller)
        self.assertEqual(seen.mapped("number"), [False, phone(1)])

    def test_once_on_a_list(self):
        lead = self.make_lead(phone(0))
        for values in ({"lead_id": lead.id}, {"phone": phone(1)}):
            self.make_member(**values)
            with mute_logger("odoo.sql_db"), self.assertRaises(UniqueViolation):
                with self.cr.savepoint():
                    self.make_member(**values)

    def test_who_left_comes_back_by_a_person_only(self):
        member = self.make_member(phone=phone(0))
        member.with_user(self.user).action_unsubscribe()
        self.assertEqual(member.state_user_id, self.user)
        with self.assertRaisesRegex(UserError, "person's word"):
            member.with_user(self.manager).write({"state": "subscribed"})
        with self.assertRaisesRegex(UserError, "Only a person"):
            member.with_user(self.env.ref("base.user_root")).action_subscribe()
        member.with_user(self.user).action_subscribe()
        self.assertEqual(member.state, "subscribed")

    def test_an_import_subscribes_nobody_again(self):
        member = self.make_member(phone=phone(0))
        member.action_unsubscribe()
        members = self.env[MEMBER].with_user(self.manager)
        with mute_logger("odoo.sql_db"):
            result = members.with_context(import_file=True).load(
                ["list_id", "phone", "name"],
                [
                    ["News", phone(1), "Ann"],
                    ["News", "212 200 0002", "Bob"],
                ],
            )
            again = members.load(["list_id", "phone"], [["News", phone(0)]])
            wrong = members.load(["list_id", "phone"], [["News", "12"]])
            back = members.load([".id", "state"], [[str(member.id), "Subscribed"]])
        self.assertFalse(result["messages"])
        self.assertEqual(set(self.members().mapped("source")), {"By hand", "Import"})
        self.assertIn("has this phone", again["messages"][0]["message"])
        self.assertIn("no valid phone", wrong["messages"][0]["message"])
        self.assertIn("person's word", back["messages"][0]["message"])
        self.assertEqual(member.state, "unsubscribed")

    # === ADDING === #

    def test_added_from_a_selection(self):
        leads = self.make_leads(3)
        self.assertEqual(self.add(leads[:2]), "2 added, 0 already there.")
        self.members()[0].action_unsubscribe()
        self.assertEqual(
            self.add(leads),
            "1 added, 2 already there. 1 of them had unsubscribed, and stay so.",
        )
        states = [self.by_state()[lead] for lead in leads]
        self.assertEqual(states, ["unsubscribed", "subscribed", "subscribed"])
        self.assertEqual(self.members()[2].state_user_id, self.user)
        self.assertTrue(self.members()[2].state_at)

    def test_only_what_the_user_may_read(self):
        own = self.make_lead(phone(0), user_id=self.seller.id)
        other = self.make_lead(phone(1))
        message = self.add(own + other, user=self.seller)
        self.assertEqual(message, "1 added, 0 already there.")
        self.assertEqual(self.members().lead_id, own)

    def test_contacts(self):
        partner = self.env["res.partner"].create({"name": "Ann", "phone": phone(0)})
        self.assertEqual(self.add(partner), "1 added, 0 already there.")
        self.assertEqual(self.members().partner_id, partner)

    def test_a_large_selection_goes_by_its_filter(self):
        self.patch(whatsapp_broadcast_list_add, "SELECTION_LIMIT", 2)
        leads = self.make_leads(3, city="Rome")
        self.make_lead(phone(7))
        selected = leads[:2].with_context(active_domain=[("city", "=", "Rome")])
        self.assertEqual(self.add(selected), "3 added, 0 already there.")
        self.assertEqual(self.members().lead_id, leads)

    def test_recipients(self):
        leads = self.make_leads(2)
        partner = self.env["res.partner"].create({"name": "Ann", "phone": phone(5)})
        broadcast = self.make_broadcast(leads)
        broadcast.action_review()
        rows = broadcast.recipient_ids
        bare, known = rows
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_recipient SET lead_id = NULL WHERE id = %s;"
            "UPDATE whatsapp_broadcast_recipient SET lead_id = NULL, partner_id = %s"
            " WHERE id = %s",
            [bare.id, partner.id, known.id],
        )
        rows.invalidate_recordset()
        other = self.make_broadcast(leads[:1])
        other.action_review()
        message = self.add(rows + other.recipient_ids)
        self.assertEqual(message, "3 added, 0 already there.")
        self.assertEqual(set(self.by_state()), {leads[0], partner, bare.address})

    def test_a_new_list(self):
        lead = self.make_lead(phone(0))
        self.add(lead, user=self.manager, target="new", name="Fair")
        list_ = self.env[LIST].search([("name", "=", "Fair")])
        self.assertEqual(self.members(list_).lead_id, lead)
        with self.assertRaises(AccessError):
            self.add(lead, target="new", name="Mine")

    def test_a_filter_takes_nobody(self):
        list_ = self.make_list("Rome", list_type="filter")
        with self.assertRaisesRegex(UserError, "saved filter"):
            self.add(self.make_lead(phone(0)), list_=list_)

    # === MERGES AND CONVERSIONS === #

    def test_merged_leads_are_one_member(self):
        kept, gone, third = leads = self.make_leads(3, type="opportunity")
        other = self.make_list("Other")
        for lead in leads[:2]:
            self.make_member(lead_id=lead.id)
        for lead in leads[1:]:
            self.env[MEMBER].create({"list_id": other.id, "lead_id": lead.id})
        self.members()[1].action_unsubscribe()
        survivor = leads.merge_opportunity()
        self.env.invalidate_all()
        self.assertEqual(self.by_state(), {survivor: "unsubscribed"})
        self.assertEqual(self.members(other).lead_id, survivor)
        self.assertEqual(len(self.members(other)), 1)

    def test_merged_contacts_are_one_member(self):
        partners = self.env["res.partner"].create(
            [{"name": name, "email": "ann@example.com"} for name in ("A", "B", "C")]
        )
        kept, gone, third = partners
        other = self.make_list("Other")
        for partner in kept + gone:
            self.make_member(partner_id=partner.id)
        for partner in gone + third:
            self.env[MEMBER].create({"list_id": other.id, "partner_id": partner.id})
        self.members()[1].action_unsubscribe()
        wizard = self.env["base.partner.merge.automatic.wizard"]
        wizard._merge(partners.ids, kept)
        self.env.invalidate_all()
        self.assertEqual(self.by_state(), {kept: "unsubscribed"})
        self.assertEqual(self.members(other).partner_id, kept)

    def test_a_converted_lead_is_one_member(self):
        lead, alone = self.make_leads(2)
        partner = self.env["res.partner"].create({"name": "Ann", "phone": phone(0)})
        for values in (
            {"lead_id": lead.id},
            {"partner_id": partner.id},
            {"lead_id": alone.id},
        ):
            self.make_member(**values)
        self.members()[0].action_unsubscribe()
        lead._handle_partner_assignment(force_partner_id=partner.id)
        alone._handle_partner_assignment(create_missing=True)
        self.env.invalidate_all()
        self.assertEqual(
            self.by_state(), {partner: "unsubscribed", alone: "subscribed"}
        )


@tagged("post_install", "-at_install")
class TestListRights(ListCommon, BroadcastHttpCommon):
    """What a plain user may do with lists, over JSON-2."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.own = cls.make_lead(phone(0), user_id=cls.seller.id)
        cls.other = cls.make_lead(phone(1))
        cls.others_lead = cls.make_lead(phone(2))
        cls.hidden = cls.env[MEMBER].create(
            {"list_id": cls.list.id, "lead_id": cls.other.id}
        )
        cls.elsewhere = cls.make_list("Elsewhere", company_id=cls.make_company().id)
        cls.env.flush_all()

    def test_lists_are_read_and_kept_by_managers(self):
        found = self.call(self.seller, LIST, "search", domain=[])
        self.assertIn(self.list.id, found)
        self.assertNotIn(self.elsewhere.id, found)
        ids = self.list.ids
        for method, arguments in (
            ("write", {"vals": {"name": "x"}}),
            ("unlink", {}),
        ):
            self.assert_refused(
                self.seller, LIST, method, ids, error="AccessError", **arguments
            )
        self.assert_refused(
            self.seller, LIST, "create", vals_list=[{"name": "x"}], error="AccessError"
        )
        self.call(self.manager, LIST, "write", ids, vals={"name": "x"})

    def test_members_that_a_user_may_not_read(self):
        self.assertEqual(self.call(self.seller, MEMBER, "search", domain=[]), [])
        for method, arguments in (
            ("read", {}),
            ("action_unsubscribe", {}),
            ("action_subscribe", {}),
            ("unlink", {}),
        ):
            with self.subTest(method=method):
                self.assert_refused(
                    self.seller,
                    MEMBER,
                    method,
                    self.hidden.ids,
                    error="AccessError",
                    **arguments,
                )

    def test_a_user_adds_and_takes_off_whom_he_may_read(self):
        values = {"list_id": self.list.id, "lead_id": self.own.id}
        ids = self.call(self.seller, MEMBER, "create", vals_list=[values])
        self.call(self.seller, MEMBER, "action_unsubscribe", ids)
        self.call(self.seller, MEMBER, "action_subscribe", ids)
        self.assert_refused(self.seller, MEMBER, "write", ids, vals={"name": "x"})
        self.assert_refused(self.seller, MEMBER, "unlink", ids, error="AccessError")
        for wrong in (
            {"list_id": self.list.id, "lead_id": self.others_lead.id},
            {"list_id": self.elsewhere.id, "lead_id": self.own.id},
        ):
            with self.subTest(wrong=wrong):
                self.assert_refused(
                    self.seller,
                    MEMBER,
                    "create",
                    vals_list=[wrong],
                    error="AccessError",
                )

    def test_what_is_kept_cannot_be_written(self):
        for vals in (
            {"phone_sanitized": "+1"},
            {"state_at": "2020-01-01"},
            {"state_user_id": self.user.id},
        ):
            self.assert_refused(
                self.manager, MEMBER, "write", self.hidden.ids, vals=vals
            )
            self.assert_refused(
                self.manager,
                MEMBER,
                "create",
                vals_list=[{"list_id": self.list.id, "phone": phone(9), **vals}],
            )

    def test_adding_over_the_wizard(self):
        action = self.call(
            self.seller, "crm.lead", "action_whatsapp_add_to_list", self.own.ids
        )
        wizard = "whatsapp.broadcast.list.add"
        ids = [action["res_id"]]
        self.call(
            self.seller,
            wizard,
            "write",
            ids,
            vals={"list_id": self.list.id, "record_ids": (self.own + self.other).ids},
        )
        self.assert_refused(self.user, wizard, "action_add", ids, error="AccessError")
        self.call(self.seller, wizard, "action_add", ids)
        self.assertIn(self.own, self.members().lead_id)
        self.call(
            self.seller, wizard, "write", ids, vals={"list_id": self.elsewhere.id}
        )
        self.assert_refused(self.seller, wizard, "action_add", ids, error="AccessError")
