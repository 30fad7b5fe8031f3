from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..models import whatsapp_broadcast_audience as audience
from .common import BroadcastCommon, phone


@tagged("post_install", "-at_install")
class TestVariables(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.greeting = cls.make_template(cls.account, "greeting", "Hi {{1}}")
        cls.variable = cls.make_variable(cls.greeting, value_type="recipient_name")

    def resolved(self, leads, **values):
        """Return {lead: value of body.1, or the skip reason}."""
        broadcast = self.make_broadcast(leads, template_id=self.greeting.id, **values)
        broadcast.action_review()
        return {
            row.lead_id or row.partner_id: row.skip_reason
            or row.variables["body"][0][1]
            for row in broadcast.recipient_ids
        }

    def test_recipient_name(self):
        leads = self.make_leads(4)
        leads[0].contact_name = "Ann"
        leads[1].partner_name = "Garden Ltd"
        leads[2].partner_id = self.env["res.partner"].create({"name": "Bob"})
        leads[2].write({"contact_name": False, "phone": phone(2)})
        self.assertEqual(
            self.resolved(leads),
            dict(
                zip(
                    leads,
                    ["Ann", "Garden Ltd", "Bob", "variable_missing"],
                    strict=True,
                )
            ),
        )

    def test_missing_rows_cannot_be_claimed(self):
        lead = self.make_lead(phone(0))
        other = self.make_lead(phone(1), contact_name="Ann")
        broadcast = self.make_broadcast(lead + other, template_id=self.greeting.id)
        broadcast.action_launch()
        self.run_prepare()
        missing = broadcast.recipient_ids.filtered(lambda r: r.lead_id == lead)
        self.assertEqual(missing.state, "skipped")
        self.assertFalse(missing.due_at)
        self.assertFalse(missing.address)
        self.assertEqual(missing.phone, phone(0))
        self.assertEqual(broadcast.skipped_count, 1)
        self.assertEqual(broadcast.queued_count, 1)

    def test_all_missing_ends(self):
        broadcast = self.make_broadcast(
            self.make_leads(2), template_id=self.greeting.id
        )
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.state, "failed")
        self.assertEqual(broadcast.state_reason, "nobody")

    def test_fallback(self):
        self.variable.fallback = "friend"
        lead = self.make_lead(phone(0))
        self.assertEqual(self.resolved(lead), {lead: "friend"})

    def test_fields_by_model(self):
        self.variable.write(
            {"value_type": "field", "lead_path": "city", "partner_path": "street"}
        )
        lead = self.make_lead(phone(0), city="Rome")
        partner = self.env["res.partner"].create(
            {"name": "A", "phone": phone(1), "street": "High Street"}
        )
        self.assertEqual(self.resolved(lead), {lead: "Rome"})
        self.assertEqual(
            self.resolved(
                None, audience_type="contacts", partner_ids=[(6, 0, partner.ids)]
            ),
            {partner: "High Street"},
        )

    def test_fixed_text_and_sender(self):
        lead = self.make_lead(phone(0))
        self.variable.write({"value_type": "text", "text": "May 5"})
        self.assertEqual(self.resolved(lead), {lead: "May 5"})
        self.variable.value_type = "user_name"
        self.assertEqual(self.resolved(lead), {lead: self.user.name})

    def test_overrides(self):
        leads = self.make_leads(2)
        leads[0].city = "Rome"
        for override, expected in (
            ("Text", ["Text", "Text"]),
            ({"text": "Text"}, ["Text", "Text"]),
            ({"field": "city"}, ["Rome", "variable_missing"]),
            ({"field": "city", "fallback": "town"}, ["Rome", "town"]),
            ({"field": "company_id.name"}, ["Garden", "Garden"]),
        ):
            with self.subTest(override=override):
                found = self.resolved(leads, template_params={"body.1": override})
                self.assertEqual([found[lead] for lead in leads], expected)

    def test_override_of_another_variable_changes_nothing(self):
        lead = self.make_lead(phone(0), contact_name="Ann")
        self.assertEqual(
            self.resolved(lead, template_params={"body.2": "x"}), {lead: "Ann"}
        )

    def test_unset_variables_are_named(self):
        self.variable.value_type = "none"
        self.make_variable(self.greeting, "2", value_type="text")
        self.make_variable(self.greeting, "3", value_type="text", text="x")
        broadcast = self.make_broadcast(
            self.make_leads(1), template_id=self.greeting.id
        )
        for action in (broadcast.action_review, broadcast.action_launch):
            with self.assertRaises(UserError) as raised:
                action()
            self.assertIn("body.1, body.2", str(raised.exception))
            self.assertNotIn("body.3", str(raised.exception))
        broadcast.template_params = {"body.1": "a", "body.2": {"text": "b"}}
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.state, "queued")

    def test_paths_are_checked(self):
        for path in ("nothing", "city.nothing", "partner_id.nothing"):
            with self.subTest(path=path), self.assertRaises(ValidationError):
                self.variable.lead_path = path

    def test_a_bad_path_in_the_broadcast(self):
        with self.assertRaisesRegex(ValidationError, "no field nothing"):
            self.make_broadcast(
                self.make_leads(1),
                template_id=self.greeting.id,
                template_params={"body.1": {"field": "nothing"}},
            )

    def test_launchers_rights(self):
        field = self.env["crm.lead"]._fields["city"]
        lead = self.make_lead(phone(0), city="Rome")
        self.variable.write({"value_type": "field", "lead_path": "city"})
        self.assertEqual(self.resolved(lead), {lead: "Rome"})
        with patch.object(field, "groups", "base.group_system"):
            self.assertEqual(self.resolved(lead), {lead: "variable_missing"})
            broadcast = self.make_broadcast(lead, template_id=self.greeting.id)
            broadcast.action_launch()
            self.run_prepare()
            self.assertEqual(broadcast.recipient_ids.skip_reason, "variable_missing")
            self.assertNotIn("Rome", repr(broadcast.recipient_ids.read()))

    def test_unreadable_relation(self):
        lead = self.make_lead(phone(0))
        self.variable.write(
            {"value_type": "field", "lead_path": "company_id.partner_id.vat"}
        )
        self.company.partner_id.vat = "BE0477472701"
        self.assertEqual(self.resolved(lead), {lead: "BE0477472701"})
        self.env["ir.rule"].create(
            {
                "name": "hidden",
                "model_id": self.env["ir.model"]._get("res.partner").id,
                "domain_force": f"[('id', '!=', {self.company.partner_id.id})]",
            }
        )
        self.assertTrue(self.company.partner_id.vat, "others may have read it before")
        self.assertEqual(self.resolved(lead), {lead: "variable_missing"})

    def test_all_components(self):
        self.make_variable(
            self.greeting, "1", component="header", value_type="text", text="Head"
        )
        self.make_variable(
            self.greeting,
            "1",
            component="button",
            button_index=2,
            value_type="text",
            text="suffix",
        )
        broadcast = self.make_broadcast(
            self.make_lead(phone(0), contact_name="Ann"), template_id=self.greeting.id
        )
        broadcast.action_review()
        self.assertEqual(
            broadcast.recipient_ids.variables,
            {
                "header": [["1", "Head"]],
                "body": [["1", "Ann"]],
                "button": [[2, "url", "suffix"]],
            },
        )

    def test_chunks(self):
        leads = self.make_leads(5)
        for position, lead in enumerate(leads):
            lead.contact_name = f"Name {position}"
        with patch.object(audience, "CHUNK_THROUGH_ORM", 2):
            found = self.resolved(leads)
        self.assertEqual(found, {lead: f"Name {n}" for n, lead in enumerate(leads)})

    def test_resolved_once(self):
        lead = self.make_lead(phone(0), contact_name="Ann")
        broadcast = self.make_broadcast(lead, template_id=self.greeting.id)
        broadcast.action_launch()
        self.run_prepare()
        lead.contact_name = "Somebody else"
        self.run_prepare()
        self.assertEqual(broadcast.recipient_ids.variables, {"body": [["1", "Ann"]]})

    def test_summary_before_launch(self):
        leads = self.make_lead("bad", name="Bad one") + self.make_lead(
            phone(0), name="Nameless"
        )
        leads += self.make_lead(phone(1), contact_name="Ann", name="Good")
        broadcast = self.make_broadcast(leads, template_id=self.greeting.id)
        action = broadcast.action_open_launch()
        wizard = (
            self.env[action["res_model"]]
            .with_user(self.user)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(wizard.reachable_count, 1)
        self.assertEqual(wizard.skipped_count, 2)
        found = {
            reason["label"]: (
                reason["count"],
                [person["name"] for person in reason["people"]],
            )
            for reason in wizard._skipped_by_reason()
        }
        self.assertEqual(
            found,
            {
                "Phone number not valid": (1, ["Bad one"]),
                "A variable has no value: body.1": (1, ["Nameless"]),
            },
        )
        self.assertIn("Nameless", wizard.skipped_summary)
        wizard.action_launch()
        self.assertEqual(broadcast.state, "preparing")

    def test_wizard_refuses_nobody(self):
        broadcast = self.make_broadcast(self.make_lead("bad"))
        context = broadcast.action_open_launch()["context"]
        wizard = (
            self.env["whatsapp.broadcast.launch"].with_context(**context).create({})
        )
        with self.assertRaisesRegex(UserError, "Nobody is left"):
            wizard.action_launch()
        self.assertEqual(broadcast.state, "draft")

    def test_a_draft_has_the_variables_that_its_texts_name(self):
        template = self.env["whatsapp.broadcast.template"].create(
            {
                "account_id": self.account.id,
                "name": "drafted",
                "body": "Hi {{1}}, until {{2}}. {{1}}!",
                "header_type": "text",
                "header_text": "News for {{1}}",
            }
        )
        self.assertEqual(
            sorted(template.variable_ids.mapped("display_name")),
            ["body.1", "body.2", "header.1"],
        )
        template.variable_ids.sample = "kept"
        template.body = "Until {{2}}, {{3}}."
        samples = {v.display_name: v.sample for v in template.variable_ids}
        self.assertEqual(samples, {"header.1": "kept", "body.2": "kept", "body.3": ""})

    def test_a_synchronised_template_keeps_the_variables_of_the_provider(self):
        self.variable.text = "kept"
        self.greeting._write_protected({"body": "Hi {{1}} and {{2}}"})
        self.assertEqual(self.greeting.variable_ids, self.variable)
