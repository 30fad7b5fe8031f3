import json
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..models import whatsapp_broadcast_preview as preview
from .common import phone
from .test_preview import PreviewCommon


@tagged("post_install", "-at_install")
class TestPreviewOfChanges(PreviewCommon):
    """What is not saved yet is shown, and nothing is saved."""

    def test_overrides(self):
        draft = self.draft()
        for override, expected in (
            ("x", "x"),
            ({"field": "phone"}, phone(0)),
            ({"user": "name"}, self.user.name),
            ({"user": "email"}, self.user.email),
            ({"user": "phone", "fallback": "none"}, "none"),
            # A lead has no columns: it is as the template says.
            ({"column": "city", "fallback": "town"}, "Rome"),
        ):
            with self.subTest(override=override):
                changes = {"template_params": {"body.2": override}}
                self.assertEqual(
                    self.values(draft, changes=changes, limit=1), [["Ann", expected]]
                )
        self.assertFalse(draft.template_params)

    def test_audience(self):
        draft = self.draft(self.leads[0])
        changes = {"lead_ids": [Command.link(self.leads[3].id)]}
        self.assertEqual(
            self.values(draft, changes=changes), [["Ann", "Rome"], ["Dan", "Paris"]]
        )
        changes = {
            "audience_type": "filter",
            "audience_domain": f"[('id', '=', {self.leads[3].id})]",
        }
        self.assertEqual(self.values(draft, changes=changes), [["Dan", "Paris"]])
        self.assertEqual(draft.lead_ids, self.leads[0])

    def test_values_that_the_orm_reads(self):
        changes = {"template_params": {"body.2": {"field": "user_id.name"}}}
        self.assertEqual(
            self.values(self.draft(), changes=changes, limit=1),
            [["Ann", self.user.name]],
        )

    def test_changes_after_a_review(self):
        draft = self.draft()
        draft.action_review()
        changes = {"template_params": {"body.2": "x"}}
        self.assertEqual({v[1] for v in self.values(draft, changes=changes)}, {"x"})

    def test_a_broadcast_that_is_not_saved(self):
        changes = {
            "number_id": self.number.id,
            "message_type": "template",
            "template_id": self.greeting.id,
            "user_id": self.user.id,
            "company_id": self.company.id,
            "audience_type": "leads",
            "audience_model": "crm.lead",
            "lead_ids": [Command.set(self.leads.ids)],
        }
        none = self.env["whatsapp.broadcast"].with_user(self.user)
        found = none.get_message_previews(changes=changes)
        self.assertEqual(found["count"], 4)
        self.assertEqual(found["people"][0]["variables"]["body.2"], "Rome")

    def test_changes_after_the_launch_are_nothing(self):
        broadcast = self.make_prepared(2, template_id=self.greeting.id)
        before = self.people(broadcast)
        changes = {"template_params": {"body.1": "x"}, "lead_ids": []}
        self.assertEqual(self.people(broadcast, changes=changes), before)

    def test_bad_changes(self):
        draft = self.draft()
        for changes in (
            [],
            "x",
            {"audience_model": "res.users"},
            {"message_type": "nothing"},
            {"template_params": {"body.1": {"user": "password"}}},
            {"template_params": ["x"]},
            {"template_params": {"body.1": {"field": "nothing"}}},
            {"audience_type": "filter", "audience_domain": "[('nothing', '=', 1)]"},
            {"audience_type": "filter", "audience_domain": "import os"},
            {"template_id": "x"},
            {"lead_ids": [["x"]]},
            {"lead_ids": 5},
            {"body": "x" * (preview.CHANGES_LIMIT + 1)},
        ):
            with self.subTest(changes=repr(changes)[:60]), self.assertRaises(UserError):
                draft.get_message_previews(changes=changes)

    def test_bad_positions(self):
        draft = self.draft()
        for offset, limit in (
            (-1, 1),
            (preview.PREVIEW_OFFSET, 1),
            ("0", 1),
            (True, 1),
            (0, 0),
            (0, preview.PREVIEW_LIMIT + 1),
            (0, None),
            (0.5, 1),
        ):
            with self.subTest(offset=offset, limit=limit), self.assertRaises(UserError):
                draft.get_message_previews(offset=offset, limit=limit)


@tagged("post_install", "-at_install")
class TestPreviewRights(PreviewCommon):
    """Nobody sees by a preview what he may not read."""

    def hide(self, model, records):
        self.env["ir.rule"].create(
            {
                "name": "hidden",
                "model_id": self.env["ir.model"]._get(model).id,
                "domain_force": f"[('id', 'not in', {records.ids})]",
            }
        )

    def test_another_users_broadcast(self):
        draft = self.draft(user=self.other_user)
        with self.assertRaises(AccessError):
            draft.with_user(self.user).get_message_previews()
        draft.action_review()
        with self.assertRaises(AccessError):
            draft.with_user(self.user).get_message_previews()

    def test_hidden_leads(self):
        self.hide("crm.lead", self.leads[0])
        draft = self.draft(self.leads[1])
        changes = {"lead_ids": [Command.set(self.leads.ids)]}
        found = draft.get_message_previews(limit=50, changes=changes)
        self.assertEqual(found["count"], 3)
        self.assertNotIn("Ann", json.dumps(found))

    def test_a_hidden_partner(self):
        hidden = self.env["res.partner"].create({"name": "Hidden", "city": "Secret"})
        self.leads[0].write({"partner_id": hidden.id, "contact_name": False})
        self.leads[0].write({"phone": phone(0), "city": False})
        draft = self.draft()
        self.hide("res.partner", hidden)
        for path in ("partner_id.city", "partner_id.contact_address"):
            changes = {"template_params": {"body.2": {"field": path}}}
            found = self.people(draft, changes=changes, limit=1)
            self.assertNotIn("Secret", json.dumps(found))
            self.assertNotIn("Hidden", json.dumps(found))

    def test_a_field_of_another_group(self):
        draft = self.draft()
        field = self.env["crm.lead"]._fields["city"]
        with patch.object(field, "groups", "base.group_system"):
            self.assertNotIn("Rome", json.dumps(self.people(draft)))
            changes = {"template_params": {"body.1": {"field": "city"}}}
            with self.assertRaisesRegex(ValidationError, "may not read City"):
                draft.get_message_previews(changes=changes)

    def test_a_field_of_another_group_is_refused_when_it_is_chosen(self):
        draft = self.draft()
        field = self.env["crm.lead"]._fields["city"]
        with patch.object(field, "groups", "base.group_system"):
            with self.assertRaisesRegex(ValidationError, "may not read City"):
                draft.template_params = {"body.1": {"field": "city"}}

    def test_a_template_of_others(self):
        account = self.make_account("Other")
        account.company_id = self.make_company()
        template = self.make_template(account, "other", "Secret {{1}}")
        with self.assertRaises(AccessError):
            self.draft().get_message_previews(changes={"template_id": template.id})


@tagged("post_install", "-at_install")
class TestVariablesOfDraft(PreviewCommon):
    """What a form says of variables and of a template that changes."""

    def test_onchange_takes_back_what_cannot_be_read(self):
        with Form(self.draft()) as form:
            with self.assertLogs("odoo.tests.form.onchange", "WARNING") as logs:
                form.template_params = {
                    "body.1": {"field": "nothing"},
                    "body.2": "x",
                }
            self.assertIn("no field nothing", logs.output[0])
            self.assertEqual(form.template_params, {"body.2": "x"})

    def test_fields_of_the_other_model_are_taken_back(self):
        draft = self.draft(template_params={"body.1": {"field": "contact_name"}})
        with Form(draft) as form:
            with self.assertLogs("odoo.tests.form.onchange", "WARNING"):
                form.audience_type = "contacts"
            self.assertFalse(form.template_params)

    def test_values_of_the_sender(self):
        self.name.value_type = "user_email"
        self.assertEqual(self.values(self.draft(), limit=1)[0][0], self.user.email)

    def test_changes_of_the_template_are_told(self):
        draft = self.draft(template_params={"body.2": "kept"})
        self.assertFalse(draft.template_changes)
        before = draft.template_version
        self.greeting._write_protected({"body": "New {{1}}", "category": "marketing"})
        self.greeting.variable_ids.filtered(lambda v: v.name == "2").unlink()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_template SET write_date = 'tomorrow'"
        )
        self.env.invalidate_all()
        self.assertEqual(
            draft.template_changes,
            "its category, now Marketing, its text, its variables",
        )
        self.assertEqual(draft.template_params, {"body.2": "kept"})
        self.assertNotEqual(draft.template_version, before)
        draft.action_accept_template()
        self.assertFalse(draft.template_changes)

    def test_another_template_is_no_change(self):
        draft = self.draft()
        draft.template_id = self.template
        self.assertFalse(draft.template_changes)
        self.template._write_protected({"state": "paused"})
        draft.invalidate_recordset()
        self.assertEqual(draft.template_changes, "its state, now Paused")

    def test_only_drafts_tell(self):
        broadcast = self.make_prepared(1, template_id=self.template.id)
        self.template._write_protected({"body": "New"})
        broadcast.invalidate_recordset()
        self.assertFalse(broadcast.template_changes)
        with self.assertRaises(UserError):
            broadcast.action_accept_template()

    def test_what_was_seen_is_not_written(self):
        with self.assertRaises(UserError):
            self.draft().template_seen = {}
