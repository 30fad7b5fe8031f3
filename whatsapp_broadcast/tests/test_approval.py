from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import BroadcastCommon, BroadcastHttpCommon

ACTIVITY = "whatsapp_broadcast.mail_activity_approval"


class ApprovalCommon(BroadcastCommon):
    """A company that lets two people be written to unasked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "whatsapp_approval_people": 2,
                "currency_id": cls.env.ref("base.USD").id,
            }
        )

    def make_waiting(self, count=3, **values):
        broadcast = self.make_broadcast(self.make_leads(count), **values)
        if broadcast.scheduled_at:
            broadcast.action_schedule()
        else:
            broadcast.action_launch()
        self.assertEqual(broadcast.state, "to_approve")
        return broadcast

    def activities(self, broadcast):
        return self.env["mail.activity"].search(
            [
                ("res_model", "=", broadcast._name),
                ("res_id", "=", broadcast.id),
                ("activity_type_id", "=", self.env.ref(ACTIVITY).id),
            ]
        )


@tagged("post_install", "-at_install")
class TestApproval(ApprovalCommon):
    # === WHEN === #

    def test_up_to_the_limit_nobody_is_asked(self):
        broadcast = self.make_broadcast(self.make_leads(2) + self.make_lead("bad"))
        broadcast.action_launch()
        self.assertEqual(broadcast.state, "preparing")
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")

    def test_without_a_limit_nobody_is_asked(self):
        self.company.whatsapp_approval_people = 0
        broadcast = self.make_broadcast(self.make_leads(5))
        broadcast.action_launch()
        self.assertEqual(broadcast.state, "preparing")

    def test_above_the_limit_managers_are_asked(self):
        broadcast = self.make_waiting()
        self.assertEqual(broadcast.launcher_id, self.user)
        self.assertEqual(broadcast.approval_people, 3)
        asked = self.activities(broadcast).user_id
        self.assertIn(self.manager, asked)
        self.assertNotIn(self.user, asked)
        self.run_prepare()
        self.assertEqual(broadcast.state, "to_approve")

    def test_above_a_cost(self):
        self.company.write({"whatsapp_approval_people": 0, "whatsapp_approval_cost": 5})
        market = self.env.ref("whatsapp_broadcast.market_north_america")
        rate = self.env["whatsapp.broadcast.rate"].create(
            {
                "market_id": market.id,
                "category": "utility",
                "price": 2,
                "valid_from": fields.Date.today(),
            }
        )
        self.make_waiting(3)
        two = self.make_broadcast(self.make_leads(2))
        two.action_launch()
        self.assertEqual(two.state, "preparing")
        rate.market_id.country_ids = False
        self.env["whatsapp.broadcast.rate"].search([]).active = False
        unknown = self.make_broadcast(self.make_leads(1))
        unknown.action_launch()
        self.assertEqual(unknown.state, "to_approve", "no price is not cheap")

    def test_a_manager_waits_for_nobody(self):
        broadcast = self.make_broadcast(self.make_leads(3), user=self.manager)
        broadcast.action_launch()
        self.assertEqual(broadcast.state, "preparing")

    def test_where_two_are_needed_a_manager_asks_another(self):
        self.company.whatsapp_approval_by_two = True
        broadcast = self.make_broadcast(self.make_leads(3), user=self.manager)
        broadcast.action_launch()
        self.assertEqual(broadcast.state, "to_approve")
        self.assertNotIn(self.manager, self.activities(broadcast).user_id)
        with self.assertRaisesRegex(AccessError, "launched it yourself"):
            broadcast.action_approve()
        second = self.make_user("second", "manager")
        broadcast.with_user(second).action_approve()
        self.assertEqual(broadcast.state, "preparing")

    # === APPROVE === #

    def test_approved_it_is_sent_with_the_launchers_rights(self):
        broadcast = self.make_waiting()
        broadcast.with_user(self.manager).action_approve()
        self.assertEqual(broadcast.state, "preparing")
        self.assertEqual(broadcast.approver_id, self.manager)
        self.assertEqual(broadcast.launcher_id, self.user)
        self.assertFalse(self.activities(broadcast))
        told = broadcast.message_ids[0]
        self.assertIn("Approved by", told.body)
        self.assertIn(self.user.partner_id, told.notified_partner_ids)
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")

    def test_a_user_cannot_approve(self):
        broadcast = self.make_waiting()
        for action, arguments in (("action_approve", ()), ("action_refuse", ("No",))):
            with self.assertRaisesRegex(AccessError, "Only a manager"):
                getattr(broadcast, action)(*arguments)
        self.assertFalse(broadcast.may_approve)
        self.assertTrue(broadcast.with_user(self.manager).may_approve)

    def test_approved_before_its_time_it_waits_for_it(self):
        at = fields.Datetime.now() + timedelta(days=1)
        broadcast = self.make_waiting(scheduled_at=at)
        broadcast.with_user(self.manager).action_approve()
        self.assertEqual(broadcast.state, "scheduled")

    def test_approved_after_its_time_it_starts_at_once(self):
        at = fields.Datetime.now() + timedelta(days=1)
        broadcast = self.make_waiting(scheduled_at=at)
        broadcast._write_protected({"scheduled_at": at - timedelta(days=2)})
        self.assertTrue(broadcast.is_late)
        broadcast.with_user(self.manager).action_approve()
        self.assertEqual(broadcast.state, "preparing")

    def test_what_cannot_be_sent_any_more_is_not_approved(self):
        broadcast = self.make_waiting()
        self.template._write_protected({"state": "paused"})
        with self.assertRaisesRegex(UserError, "not approved"):
            broadcast.with_user(self.manager).action_approve()
        self.template._write_protected({"state": "approved"})
        self.user.active = False
        with self.assertRaisesRegex(AccessError, "archived"):
            broadcast.with_user(self.manager).action_approve()

    # === REFUSE, CANCEL, CHANGE === #

    def test_refused_it_is_a_draft_again_with_the_reason(self):
        broadcast = self.make_waiting()
        with self.assertRaisesRegex(UserError, "Say why"):
            broadcast.with_user(self.manager).action_refuse(" ")
        broadcast.with_user(self.manager).action_refuse("Too many")
        self.assertEqual(broadcast.state, "draft")
        self.assertFalse(broadcast.launcher_id or broadcast.approval_people)
        self.assertFalse(self.activities(broadcast))
        told = broadcast.message_ids.filtered(lambda m: "Too many" in (m.body or ""))
        self.assertIn(self.user.partner_id, told.notified_partner_ids)

    def test_nothing_is_changed_while_it_waits(self):
        broadcast = self.make_waiting()
        for values in (
            {"lead_ids": [Command.clear()]},
            {"messages_per_minute": 5},
            {"send_window": "always"},
            {"user_id": self.other_user.id},
            {"active": False},
        ):
            with self.assertRaises(UserError):
                broadcast.write(values)
        broadcast.description = "Please"

    def test_cancelled_nobody_is_asked_any_more(self):
        broadcast = self.make_waiting()
        broadcast.action_cancel()
        self.assertEqual(broadcast.state, "cancelled")
        self.assertFalse(self.activities(broadcast))

    # === GROWTH === #

    def make_growing(self, more):
        """Approve a filter over three leads that finds ``more`` at the freeze."""
        self.make_leads(3, city="Rome")
        broadcast = self.make_broadcast(
            audience_type="filter", audience_domain="[('city', '=', 'Rome')]"
        )
        broadcast.action_launch()
        broadcast.with_user(self.manager).action_approve()
        for number in range(more):
            self.make_lead(f"+1 212 555 01{number:02d}", city="Rome")
        self.run_prepare()
        return broadcast

    def test_what_grew_is_asked_for_again(self):
        broadcast = self.make_growing(1)
        self.assertEqual(broadcast.state, "to_approve")
        self.assertEqual(broadcast.approval_people, 4)
        self.assertIn("grew", self.activities(broadcast)[0].note)
        broadcast.with_user(self.manager).action_approve()
        self.assertEqual(broadcast.state, "sending")
        self.assertEqual(broadcast.queued_count, 4)

    def test_what_did_not_grow_is_sent(self):
        self.assertEqual(self.make_growing(0).state, "sending")

    def test_what_grew_above_the_limit_unasked_is_asked_for(self):
        self.make_leads(1, city="Rome")
        broadcast = self.make_broadcast(
            audience_type="filter", audience_domain="[('city', '=', 'Rome')]"
        )
        broadcast.action_launch()
        for number in range(2):
            self.make_lead(f"+1 212 555 01{number:02d}", city="Rome")
        self.run_prepare()
        self.assertEqual(broadcast.state, "to_approve")

    def test_what_grew_can_be_refused(self):
        broadcast = self.make_growing(1)
        broadcast.with_user(self.manager).action_refuse("No")
        self.assertEqual(broadcast.state, "draft")
        self.assertFalse(broadcast.recipient_ids)

    def test_a_series_is_approved_once(self):
        at = fields.Datetime.now() + timedelta(days=1)
        broadcast = self.make_waiting(scheduled_at=at, recurrence="daily")
        broadcast.with_user(self.manager).action_approve()
        broadcast._write_protected({"scheduled_at": at - timedelta(days=2)})
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")
        self.assertEqual(broadcast.next_run_id.approved_people, 3)


@tagged("post_install", "-at_install")
class TestApprovalOverJson2(ApprovalCommon, BroadcastHttpCommon):
    def test_only_a_manager_approves(self):
        broadcast = self.make_waiting()
        self.env.flush_all()
        model, ids = "whatsapp.broadcast", broadcast.ids
        for user in (self.user, self.other_user):
            self.assert_refused(user, model, "action_approve", ids, error="AccessError")
            self.assert_refused(
                user, model, "action_refuse", ids, reason="x", error="AccessError"
            )
        for values in ({"state": "preparing"}, {"approver_id": self.user.id}):
            self.assert_refused(self.user, model, "write", ids, vals=values)
        self.call(self.manager, model, "action_approve", ids)
        self.assertEqual(broadcast.state, "preparing")
