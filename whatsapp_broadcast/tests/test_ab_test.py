from datetime import timedelta

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import whatsapp_broadcast_ab_test as ab_test
from .common import BroadcastCommon


@tagged("post_install", "-at_install")
class TestAbTest(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_template(cls.account, "other", "Hi {{1}} of {{2}}")
        cls.make_variable(cls.other, "1", value_type="recipient_name")
        cls.make_variable(cls.other, "2", value_type="text", text="Lima")

    def make_test(self, count=40, **values):
        leads = self.make_leads(count, contact_name="Ana")
        return self.make_broadcast(
            leads,
            variant_ids=[Command.create({"template_id": self.other.id})],
            **{"ab_share": 50, **values},
        )

    def launched(self, *args, **values):
        broadcast = self.make_test(*args, **values)
        broadcast.action_launch()
        self.run_prepare()
        return broadcast

    def rows(self, broadcast, variant):
        return broadcast.recipient_ids.filtered(lambda row: row.variant == variant)

    def test_a_share_gets_each_message_and_the_rest_waits(self):
        broadcast = self.launched()
        own, other = self.rows(broadcast, "A"), self.rows(broadcast, "B")
        rest = broadcast.recipient_ids - own - other
        for group in (own, other, rest):
            self.assertGreater(len(group), 3)
        self.assertEqual(own.template_id, self.template)
        self.assertEqual(other.template_id, self.other)
        self.assertEqual(other[0].variables, {"body": [["1", "Ana"], ["2", "Lima"]]})
        self.assertFalse(own[0].variables)
        self.assertEqual(set(rest.mapped("due_at")), {ab_test.WAITS_FOR_WINNER})
        self.assertNotIn(ab_test.WAITS_FOR_WINNER, (own + other).mapped("due_at"))
        self.assertEqual(broadcast.state, "sending")

    def test_a_review_draws_as_the_launch_does(self):
        broadcast = self.make_test()
        broadcast.action_review()
        drawn = {row.phone: row.variant for row in broadcast.recipient_ids}
        broadcast.action_launch()
        self.run_prepare()
        again = {row.phone: row.variant for row in broadcast.recipient_ids}
        self.assertEqual(again, drawn)

    def test_everybody_is_in_the_test(self):
        broadcast = self.launched(ab_share=100)
        self.assertNotIn(False, broadcast.recipient_ids.mapped("variant"))

    def test_the_best_message_goes_to_the_rest(self):
        broadcast = self.launched()
        now = self.env.cr.now()
        self.settle(self.rows(broadcast, "A"), "delivered", accepted_at=now)
        self.settle(self.rows(broadcast, "B"), "delivered", accepted_at=now)
        self.settle(self.rows(broadcast, "B")[:1], "read", accepted_at=now)
        rest = self.rows(broadcast, False)
        self.run_prepare()
        self.assertFalse(broadcast.ab_winner, "not before its time")
        broadcast._write_protected({"ab_decide_at": now - timedelta(minutes=1)})
        self.patch(ab_test, "CHUNK", 7)
        self.run_prepare()
        self.assertEqual(broadcast.ab_winner, "B")
        self.assertEqual(rest.template_id, self.other)
        self.assertEqual(set(rest.mapped("variant")), {"B"})
        self.assertEqual(rest[0].variables, {"body": [["1", "Ana"], ["2", "Lima"]]})
        self.assertLess(max(rest.mapped("due_at")), ab_test.WAITS_FOR_WINNER)
        self.run_prepare()
        self.assertEqual(broadcast.ab_winner, "B")

    def test_by_hand(self):
        broadcast = self.launched(ab_is_manual=True)
        broadcast._write_protected({"ab_decide_at": self.env.cr.now()})
        self.run_prepare()
        self.assertFalse(broadcast.ab_winner)
        with self.assertRaisesRegex(UserError, "no message D"):
            broadcast.action_choose_winner("D")
        rest = self.rows(broadcast, False)
        broadcast.action_choose_winner("A")
        self.run_prepare()
        self.assertEqual(rest.template_id, self.template)
        with self.assertRaisesRegex(UserError, "chosen already"):
            broadcast.action_choose_winner("B")

    def test_cancelled_before_it_is_decided(self):
        broadcast = self.launched()
        broadcast.action_cancel()
        with self.assertRaises(UserError):
            broadcast.action_choose_winner("A")

    def test_the_expected_end_is_after_the_decision(self):
        broadcast = self.launched()
        ends_at = broadcast.get_expected_end()["ends_at"]
        self.assertGreater(ends_at, broadcast.ab_decide_at)
        self.assertLess(ends_at, broadcast.ab_decide_at + timedelta(hours=1))
        broadcast.ab_is_manual = True
        self.assertFalse(broadcast.get_expected_end()["ends_at"])

    def test_figures(self):
        broadcast = self.launched()
        self.settle(self.rows(broadcast, "B"), "read")
        own, other = broadcast.get_variant_figures()
        self.assertEqual((own["name"], own["accepted"]), ("A", 0))
        self.assertEqual(other["read"], len(self.rows(broadcast, "B")))

    def test_what_cannot_be_compared(self):
        marketing = self.make_template(
            self.account, "spring", "Today", category="marketing"
        )
        elsewhere = self.make_template(self.make_account("Else"), "else", "Hi")
        for template in (marketing, elsewhere):
            broadcast = self.make_broadcast()
            with self.subTest(template.name), self.assertRaises(ValidationError):
                broadcast.variant_ids = [Command.create({"template_id": template.id})]
        with self.assertRaises(ValidationError):
            self.make_test(1, in_recipient_language=True)
        with self.assertRaises(ValidationError):
            self.make_test(1).variant_ids = [
                Command.create({"template_id": self.other.id}) for _n in range(2)
            ]

    def test_a_message_without_its_values(self):
        self.other.variable_ids[1].text = False
        with self.assertRaisesRegex(UserError, "have no value"):
            self.make_test(1).action_launch()

    def test_the_preview_shows_the_own_message(self):
        self.make_variable(self.template, "1", value_type="text", text="own")
        broadcast = self.make_test()
        broadcast.action_review()
        found = broadcast.get_message_previews(limit=50)["people"]
        self.assertGreater(len(found), 10)
        self.assertLess(len(found), 40)
        for person in found:
            self.assertEqual(person["variables"], {"body.1": "own"})

    def test_who_lacks_a_value_of_any_message_is_left_out(self):
        lead = self.make_lead("+12125550177")
        broadcast = self.make_broadcast(
            lead, variant_ids=[Command.create({"template_id": self.other.id})]
        )
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.skip_reason, "variable_missing")
        wizard = self.env["whatsapp.broadcast.launch"].with_user(self.user)
        self.assertTrue(wizard.create({"broadcast_id": broadcast.id}).skipped_summary)

    def test_a_launched_test_is_not_changed(self):
        broadcast = self.launched(4)
        with self.assertRaises(UserError):
            broadcast.variant_ids.template_params = {"body.1": "x"}
        with self.assertRaises(UserError):
            broadcast.variant_ids.unlink()
