from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import whatsapp_broadcast_audience as audience
from .common import BroadcastCommon, phone


class AudienceCommon(BroadcastCommon):
    """Lists, rows and earlier broadcasts to choose from."""

    def make_list(self, *records, phones=(), **values):
        """Make a list with leads, contacts and bare phones."""
        members = [
            {"lead_id" if r._name == "crm.lead" else "partner_id": r.id}
            for recordset in records
            for r in recordset
        ]
        members += [{"phone": p, "name": p} for p in phones]
        return self.env["whatsapp.broadcast.list"].create(
            {
                "name": "List",
                "company_id": self.company.id,
                "member_ids": [Command.create(member) for member in members],
                **values,
            }
        )

    def make_filter(self, domain, model="crm.lead"):
        return self.make_list(list_type="filter", model=model, domain=domain)

    def make_partner(self, phone=False, **values):
        return self.env["res.partner"].create(
            {"name": phone, "phone": phone, "country_id": self.env.ref("base.us").id}
            | values
        )

    def to_lists(self, *lists, **values):
        union = self.env["whatsapp.broadcast.list"].union(*lists)
        return self.make_broadcast(
            audience_type="list", list_ids=[Command.set(union.ids)], **values
        )

    def make_custom(self, *rows, **values):
        """Make a broadcast to (phone, values) rows."""
        broadcast = self.make_broadcast(audience_type="custom", **values)
        self.env["whatsapp.broadcast.custom.row"].create(
            [
                {
                    "broadcast_id": broadcast.id,
                    "phone": given,
                    "name": (columns or {}).get("name"),
                    "values": columns,
                }
                for given, columns in rows
            ]
        )
        return broadcast

    def make_marketing(self):
        position = self.env["whatsapp.broadcast.template"].search_count([])
        name = f"spring_{position}"
        return self.make_template(self.account, name, "Today", category="marketing")

    def sent_before(self, leads, state="read", **columns):
        """Make a marketing broadcast that went to leads."""
        template = self.make_marketing()
        broadcast = self.make_broadcast(leads, template_id=template.id)
        broadcast.action_launch()
        self.run_prepare()
        columns = {"accepted_at": self.env.cr.now(), "token": "r1-x"} | columns
        self.settle(broadcast.recipient_ids, state, **columns)
        return broadcast


@tagged("post_install", "-at_install")
class TestSources(AudienceCommon):
    # === LISTS === #

    def test_a_list_of_leads_contacts_and_phones(self):
        lead, partner = self.make_lead(phone(0)), self.make_partner(phone(1))
        broadcast = self.to_lists(self.make_list(lead, partner, phones=[phone(2)]))
        broadcast.action_review()
        rows = {row.phone: row for row in broadcast.recipient_ids}
        self.assertEqual(rows[phone(0)].lead_id, lead)
        self.assertEqual(rows[phone(1)].partner_id, partner)
        self.assertEqual(rows[phone(2)].display_name, phone(2))
        self.assertEqual({row.state for row in rows.values()}, {"queued"})

    def test_who_unsubscribed_is_not_found(self):
        members = self.make_list(self.make_leads(2))
        members.member_ids[0].state = "unsubscribed"
        broadcast = self.to_lists(members)
        broadcast.action_review()
        self.assertEqual(self.reasons(broadcast), {phone(1): "queued"})

    def test_a_record_on_two_lists_is_found_once(self):
        leads = self.make_leads(3)
        leads.city = "Two lists"
        lists = (
            self.make_list(leads[:2]),
            self.make_list(leads[1:]),
            self.make_filter("[('city', '=', 'Two lists')]"),
        )
        broadcast = self.to_lists(*lists)
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.lead_id, leads)
        self.assertEqual(len(broadcast.recipient_ids), 3)
        self.assertEqual(broadcast.reachable_count, 3)

    def test_filters_of_both_kinds(self):
        leads = self.make_leads(2)
        leads.city = "Filter"
        partner = self.make_partner(phone(5), city="Filter")
        lists = (
            self.make_filter("[('city', '=', 'Filter')]"),
            self.make_filter("[('city', '=', 'Filter')]", "res.partner"),
        )
        broadcast = self.to_lists(*lists)
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.lead_id, leads)
        self.assertEqual(broadcast.recipient_ids.partner_id, partner)

    def test_one_phone_over_all_sources(self):
        lead, partner = self.make_lead(phone(0)), self.make_partner(phone(0))
        broadcast = self.to_lists(self.make_list(lead, partner, phones=[phone(0)]))
        broadcast.action_review()
        self.assertEqual(
            sorted(r.skip_reason or r.state for r in broadcast.recipient_ids),
            ["duplicate", "duplicate", "queued"],
        )

    def test_members_that_the_launcher_may_not_read_are_counted(self):
        leads = self.make_leads(3)
        broadcast = self.to_lists(self.make_list(leads))
        leads[1:].write({"user_id": False, "company_id": self.make_company().id})
        broadcast.action_review()
        hidden = broadcast.recipient_ids.filtered(
            lambda r: r.skip_reason == "no_access"
        )
        self.assertEqual(len(hidden), 2)
        self.assertFalse(hidden.lead_id)
        self.assertEqual(broadcast.recipient_ids.lead_id, leads[0])

    def test_a_broken_saved_filter_says_so(self):
        saved = self.make_filter("[]")
        broadcast = self.to_lists(saved)
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_list SET domain = %s WHERE id = %s",
            ["[('no_field', '=', 1)]", saved.id],
        )
        saved.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "filter cannot be read"):
            broadcast.action_review()

    def test_an_empty_list(self):
        broadcast = self.to_lists(self.make_list())
        with self.assertRaisesRegex(UserError, "audience is empty"):
            broadcast.action_launch()

    def test_lists_in_chunks(self):
        records = self.make_leads(4) + self.make_lead("bad") + self.make_lead()
        partners = self.make_partner(phone(1)) + self.make_partner("bad")
        members = self.make_list(records, partners, phones=[phone(2), phone(9)])
        whole, chunked = self.to_lists(members), self.to_lists(members)
        whole.action_review()
        self.patch(audience, "CHUNK", 2)
        chunked.action_review()
        self.assertEqual(self.outcome(chunked), self.outcome(whole))
        self.assertEqual(len(whole.recipient_ids), 10)

    def outcome(self, broadcast):
        return sorted(
            (r.lead_id.id, r.partner_id.id, r.phone or "", r.state, r.skip_reason or "")
            for r in broadcast.recipient_ids
        )

    # === VARIABLES OF SEVERAL KINDS === #

    def test_each_kind_has_its_own_fields(self):
        template = self.make_template(self.account, "greet", "Hi {{1}} in {{2}}")
        self.make_variable(template, "1", value_type="recipient_name")
        self.make_variable(
            template,
            "2",
            value_type="field",
            lead_path="city",
            partner_path="comment",
            fallback="town",
        )
        lead = self.make_lead(phone(0), contact_name="Ana", city="Lima")
        partner = self.make_partner(phone(1), name="Ben")
        members = self.make_list(lead, partner, phones=[phone(2)])
        broadcast = self.to_lists(
            members,
            template_id=template.id,
            template_params={"body.2": {"field": "city", "fallback": "home"}},
        )
        broadcast.action_review()
        texts = {
            row.phone: [text for _name, text in row.variables["body"]]
            for row in broadcast.recipient_ids
        }
        self.assertEqual(
            texts,
            {
                phone(0): ["Ana", "Lima"],
                phone(1): ["Ben", "home"],
                phone(2): [phone(2), "home"],
            },
        )

    # === PASTED ROWS === #

    def test_rows_and_their_columns(self):
        template = self.make_template(self.account, "greet", "Hi {{1}} in {{2}}")
        self.make_variable(template, "1", value_type="recipient_name")
        self.make_variable(template, "2")
        broadcast = self.make_custom(
            (phone(0), {"name": "Ana", "city": " Lima "}),
            (phone(1), {"name": "Ben"}),
            ("nonsense", {"name": "Cid"}),
            (phone(0), {"name": "Ana again"}),
            template_id=template.id,
            template_params={"body.2": {"column": "city"}},
        )
        broadcast.action_review()
        rows = {row.display_name: row for row in broadcast.recipient_ids}
        self.assertEqual(rows["Ana"].variables["body"], [["1", "Ana"], ["2", "Lima"]])
        self.assertEqual(rows["Ben"].skip_reason, "variable_missing")
        self.assertEqual(rows["Cid"].skip_reason, "bad_phone")
        self.assertEqual(rows["Ana again"].skip_reason, "duplicate")

    def test_a_field_says_nothing_about_rows(self):
        template = self.make_template(self.account, "greet", "Hi {{1}}")
        self.make_variable(template, "1", value_type="field", lead_path="city")
        broadcast = self.make_custom((phone(0), {}), template_id=template.id)
        with self.assertRaisesRegex(UserError, "have no value"):
            broadcast.action_launch()

    # === EARLIER BROADCASTS === #

    def test_recipients_by_result(self):
        leads = self.make_leads(8)
        earlier = self.make_broadcast(leads)
        earlier.action_launch()
        self.run_prepare()
        rows = earlier.recipient_ids.sorted("id")
        now = self.env.cr.now()
        outcomes = [
            ("sent", {}),
            ("delivered", {}),
            ("read", {}),
            ("read", {"replied_at": now}),
            ("failed", {"error_class": "later"}),
            ("failed", {"error_class": "recipient"}),
            ("unknown", {}),
            ("cancelled", {}),
        ]
        for row, (state, columns) in zip(rows, outcomes, strict=True):
            self.settle(row, state, **columns)
        expected = {
            "not_delivered": {0, 4, 5},
            "not_read": {1},
            "not_replied": {2},
            "replied": {3},
            "failed_retryable": {4},
            "not_reached": {4, 7},
        }
        for result, positions in expected.items():
            broadcast = self.make_broadcast(
                audience_type="broadcast",
                earlier_broadcast_ids=[Command.set(earlier.ids)],
                earlier_result=result,
            )
            broadcast.action_review()
            self.assertEqual(
                set(broadcast.recipient_ids.mapped("phone")),
                {phone(position) for position in positions},
                result,
            )

    def test_bare_phones_of_an_earlier_broadcast(self):
        earlier = self.make_custom((phone(0), {"name": "Ana"}))
        earlier.action_launch()
        self.run_prepare()
        self.settle(earlier.recipient_ids, "delivered")
        broadcast = self.make_broadcast(
            audience_type="broadcast",
            earlier_broadcast_ids=[Command.set(earlier.ids)],
            earlier_result="not_read",
        )
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.display_name, "Ana")

    def test_others_broadcasts_are_no_audience(self):
        earlier = self.make_broadcast(self.make_leads(1), user=self.other_user)
        with self.assertRaises(AccessError):
            self.make_broadcast(
                audience_type="broadcast",
                earlier_broadcast_ids=[Command.set(earlier.ids)],
            )
