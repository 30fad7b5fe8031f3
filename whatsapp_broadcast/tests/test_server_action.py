from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import BroadcastCommon


@tagged("post_install", "-at_install")
class TestServerAction(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.action = cls.make_action("crm.lead")

    @classmethod
    def make_action(cls, model, **values):
        return cls.env["ir.actions.server"].create(
            {
                "name": "Welcome",
                "model_id": cls.env["ir.model"]._get_id(model),
                "state": "whatsapp_broadcast",
                "whatsapp_number_id": cls.number.id,
                "whatsapp_template_id": cls.template.id,
                **values,
            }
        )

    def run_action(self, records, user=None, action=None, **context):
        """Run as the web client does, and as another user; return the broadcast."""
        context = {
            "active_model": records._name,
            "active_ids": records.ids,
            "active_id": records[:1].id,
            **context,
        }
        action = (action or self.action).with_user(user or self.user)
        action.with_context(**context).run()
        return self.env["whatsapp.broadcast"].search([("name", "=", "Welcome")])

    def test_one_broadcast_for_all_records(self):
        leads = self.make_leads(3)
        broadcast = self.run_action(leads)
        self.assertEqual(len(broadcast), 1)
        self.assertEqual(broadcast.state, "preparing")
        self.assertEqual(broadcast.launcher_id, self.user)
        self.assertEqual(broadcast.user_id, self.user)
        self.assertEqual(broadcast.lead_ids, leads)
        self.assertEqual(broadcast.template_id, self.template)
        self.assertEqual(broadcast.send_window, "always")
        self.run_prepare()
        self.assertEqual(set(broadcast.recipient_ids.mapped("state")), {"queued"})

    def test_contacts(self):
        partner = self.env["res.partner"].create(
            {"name": "A", "phone": "+12125550100", "company_id": self.company.id}
        )
        action = self.make_action(
            "res.partner", whatsapp_send_window="company", whatsapp_window_start=8
        )
        broadcast = self.run_action(partner, action=action)
        self.assertEqual(broadcast.partner_ids, partner)
        self.assertEqual(broadcast.audience_model, "res.partner")
        self.assertEqual(broadcast.send_window, "company")
        self.assertEqual(broadcast.send_window_start, 8)

    def test_records_of_one_transaction_go_together(self):
        leads = self.make_leads(3)
        for lead in leads:
            broadcast = self.run_action(lead)
        self.assertEqual(broadcast.lead_ids, leads)
        self.env.cr.precommit.data.clear()  # as a commit would
        self.assertEqual(len(self.run_action(leads[0])), 2)

    def test_another_users_records_go_apart(self):
        leads = self.make_leads(2)
        self.run_action(leads[0])
        broadcasts = self.run_action(leads[1], user=self.manager)
        self.assertEqual(
            set(broadcasts.mapped("launcher_id")), {self.user, self.manager}
        )

    def test_what_was_rolled_back_is_not_added_to(self):
        leads = self.make_leads(2)
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.run_action(leads[0])
            raise ZeroDivisionError
        broadcast = self.run_action(leads[1])
        self.assertEqual(broadcast.lead_ids, leads[1])

    def test_defaults_meant_for_records_are_not_the_broadcasts(self):
        broadcast = self.run_action(
            self.make_leads(1), default_user_id=self.manager.id, default_body="x"
        )
        self.assertEqual(broadcast.user_id, self.user)
        self.assertFalse(broadcast.body)

    # === RIGHTS === #

    def test_who_may_not_send_is_told_so(self):
        outsider = self.make_user("outsider")
        with self.assertRaisesRegex(UserError, "outsider.* may not send WhatsApp"):
            self.run_action(self.make_leads(1), user=outsider)

    def test_what_the_user_may_not_read_is_not_written_to(self):
        self.user.group_ids -= self.env.ref("sales_team.group_sale_salesman_all_leads")
        self.user.group_ids += self.env.ref("sales_team.group_sale_salesman")
        leads = self.make_leads(2)
        leads[1].user_id = self.other_user
        # As in an automation rule, which runs with all rights.
        context = {"active_model": "crm.lead", "active_ids": leads.ids}
        with self.assertRaises(UserError):
            self.action.with_user(self.user).sudo().with_context(**context).run()
        self.assertFalse(self.env["whatsapp.broadcast"].search([]).recipient_ids)

    def test_the_scheduler_is_no_person(self):
        with self.assertRaisesRegex(UserError, "OdooBot is not a person"):
            self.run_action(self.make_leads(1), user=self.env.ref("base.user_root"))

    def test_errors_are_readable(self):
        self.number.state = "banned"
        with self.assertRaisesRegex(
            UserError, "Welcome: no WhatsApp was sent.*its state is Banned"
        ):
            self.run_action(self.make_leads(1))

    # === FORM === #

    def test_form(self):
        with Form(self.env["ir.actions.server"]) as form:
            form.model_id = self.env["ir.model"]._get("crm.lead")
            form.state = "whatsapp_broadcast"
            form.whatsapp_number_id = self.number
            form.whatsapp_template_id = self.template
        self.assertEqual(form.record.name, "Send WhatsApp")
        self.assertEqual(
            set(form.record.available_model_ids.mapped("model")),
            {"crm.lead", "res.partner"},
        )

    def test_what_cannot_send_is_refused(self):
        other = self.make_template(self.make_account("Other"), "x", "x")
        for text, values in (
            ("Choose the number", {"whatsapp_template_id": False}),
            ("Choose the number", {"whatsapp_number_id": False}),
            ("another account", {"whatsapp_template_id": other.id}),
            (
                "never open",
                {"whatsapp_send_window": "company", "whatsapp_window_end": 5},
            ),
        ):
            with self.assertRaisesRegex(ValidationError, text):
                self.make_action("crm.lead", **values)
        with self.assertRaisesRegex(ValidationError, "leads and contacts only"):
            self.make_action("res.users")
