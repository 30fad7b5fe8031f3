from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged

from .common import BroadcastCommon, phone
from .test_connect import TEMPLATE, ok


@tagged("post_install", "-at_install")
class TestOnboarding(BroadcastCommon):
    """First steps are done when the data says so, each by who may do it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["whatsapp.broadcast.account"].search([]).active = False
        cls.account.active = True
        cls.env.flush_all()

    def onboarding(self, user, **arguments):
        broadcasts = self.env["whatsapp.broadcast"].with_user(user)
        return broadcasts.get_onboarding(**arguments)

    def steps(self, user):
        return {step["name"]: step for step in self.onboarding(user)["steps"]}

    def done(self, user=None):
        steps = self.steps(user or self.user).values()
        return [step["name"] for step in steps if step["is_done"]]

    def buttons(self, user, name):
        return [button["method"] for button in self.steps(user)[name]["buttons"]]

    def forget_account(self):
        self.account.active = False

    # === STATE === #

    def test_nothing_is_there(self):
        self.forget_account()
        self.assertEqual(self.done(), [])
        for name in ("sync", "first"):
            step = self.steps(self.administrator)[name]
            self.assertFalse(step["buttons"], name)
            self.assertIn("after the connection", step["text"])

    def test_each_step_follows_the_data(self):
        self.template._write_protected({"state": "pending"})
        self.assertEqual(self.done(), ["connect"])
        self.template._write_protected({"state": "approved"})
        self.assertEqual(self.done(), ["connect", "sync"])
        broadcast = self.make_prepared()
        self.assertEqual(self.done(), ["connect", "sync"], "it was launched only")
        self.settle(broadcast.recipient_ids, "accepted")
        self.assertEqual(self.onboarding(self.user), {"is_open": False})
        self.account._write_protected({"state": "error"})
        self.assertEqual(self.done(), ["first"])

    def test_a_deaf_account_is_not_connected(self):
        self.account._write_protected({"state": "deaf"})
        self.assertEqual(self.done(), ["sync"])
        text = self.steps(self.administrator)["connect"]["text"]
        self.assertIn("nothing comes in yet", text)
        self.assertTrue(self.buttons(self.user, "first"), "it sends all the same")

    def test_what_cannot_be_sent_is_not_usable(self):
        self.template._write_protected({"unsupported_reason": "Carousel"})
        self.assertEqual(self.done(), ["connect"])

    def test_another_company_has_its_own_steps(self):
        broadcast = self.make_prepared()
        self.settle(broadcast.recipient_ids, "accepted")
        other = self.make_company()
        user = self.make_user("elsewhere", "user", company=other)
        self.assertEqual(self.done(user), ["connect", "sync"])
        self.account.company_id = self.company
        self.assertEqual(self.done(user), [])

    # === WHO MAY === #

    def test_a_user_sees_whom_to_ask(self):
        self.forget_account()
        step = self.steps(self.user)["connect"]
        self.assertFalse(step["buttons"])
        self.assertIn(self.administrator.name, step["text"])
        self.assertNotIn(self.manager.name, step["text"])
        self.assertEqual(
            self.buttons(self.administrator, "connect"), ["action_connect_account"]
        )

    def test_a_manager_synchronises(self):
        self.template._write_protected({"state": "pending"})
        self.assertIn(self.manager.name, self.steps(self.user)["sync"]["text"])
        self.assertFalse(self.buttons(self.user, "sync"))
        self.assertEqual(
            self.buttons(self.manager, "sync"),
            ["action_sync_all_templates", "action_write_template"],
        )
        broadcasts = self.env["whatsapp.broadcast"]
        self.account.write({"access_token": "token", "app_secret": "secret"})
        self.answer(ok(data=[TEMPLATE]))
        broadcasts.with_user(self.manager).action_sync_all_templates()
        self.assertEqual(self.done(), ["connect", "sync"])
        for method in ("action_sync_all_templates", "action_write_template"):
            with self.assertRaises(AccessError):
                getattr(broadcasts.with_user(self.user), method)()

    def test_an_administrator_connects(self):
        broadcasts = self.env["whatsapp.broadcast"].with_user(self.administrator)
        self.assertEqual(broadcasts.action_connect_account()["res_id"], self.account.id)
        self.forget_account()
        self.assertFalse(broadcasts.action_connect_account()["res_id"])
        with self.assertRaises(AccessError):
            broadcasts.with_user(self.manager).action_connect_account()

    # === CLOSED === #

    def test_closed_for_the_company(self):
        manager = self.env["whatsapp.broadcast"].with_user(self.manager)
        manager.action_close_onboarding()
        self.assertEqual(self.onboarding(self.user), {"is_open": False})
        self.assertTrue(self.onboarding(self.user, is_asked=True)["steps"])
        other = self.make_user("elsewhere", "user", company=self.make_company())
        self.assertTrue(self.onboarding(other)["is_open"])
        self.assertTrue(manager.action_open_onboarding()["context"])
        self.assertTrue(self.onboarding(self.user)["is_open"])

    def test_a_user_does_not_close(self):
        self.assertFalse(self.onboarding(self.user)["may_close"])
        self.assertTrue(self.onboarding(self.manager)["may_close"])
        for method in ("action_close_onboarding", "action_open_onboarding"):
            with self.assertRaises(AccessError):
                getattr(self.env["whatsapp.broadcast"].with_user(self.user), method)()


@tagged("post_install", "-at_install")
class TestFirstMessage(BroadcastCommon):
    """The first message goes to whoever writes it."""

    def write_to_myself(self, user=None, **arguments):
        user = user or self.user
        broadcasts = self.env["whatsapp.broadcast"].with_user(user)
        action = broadcasts.action_write_to_myself(**arguments)
        return broadcasts.browse(action["res_id"])

    def test_a_draft_to_oneself(self):
        self.user.partner_id.phone = phone(7)
        draft = self.write_to_myself()
        self.assertEqual(draft.user_id, self.user)
        self.assertEqual(draft.partner_ids, self.user.partner_id)
        self.assertEqual(draft.template_id, self.template)
        draft.action_launch()
        self.run_prepare()
        self.assertEqual(self.reasons(draft), {phone(7): "queued"})

    def test_the_same_draft_again(self):
        self.user.partner_id.phone = phone(7)
        draft = self.write_to_myself()
        self.assertEqual(self.write_to_myself(), draft)
        draft.partner_ids += self.manager.partner_id
        self.assertNotEqual(self.write_to_myself(), draft)

    def test_the_easiest_template(self):
        self.user.partner_id.phone = phone(7)
        self.template._write_protected({"state": "paused"})
        harder = [
            self.make_template(self.account, name, **values)
            for name, values in (
                ("hello_world", {"body": "Welcome"}),
                ("utility", {"body": "Hi"}),
                ("marketing", {"body": "Buy", "category": "marketing"}),
                ("variable", {"body": "Hi {{1}}"}),
                ("picture", {"body": "Look", "header_type": "image"}),
            )
        ]
        for template in harder:
            draft = self.write_to_myself()
            self.assertEqual(draft.template_id, template)
            draft.unlink()
            template._write_protected({"state": "paused"})

    def test_a_phone_that_is_missing(self):
        steps = self.env["whatsapp.broadcast"].with_user(self.user).get_onboarding()
        self.assertTrue(steps["steps"][2]["needs_phone"])
        for given, words in (
            ({}, "Enter the number"),
            ({"phone": " "}, "Enter the number"),
            ({"phone": 5}, "Enter the number"),
            ({"phone": "12"}, "no valid phone number"),
        ):
            with self.subTest(given=given), self.assertRaisesRegex(UserError, words):
                self.write_to_myself(**given)
        self.assertFalse(self.user.partner_id.phone)
        self.write_to_myself(phone="(212) 200-0007")
        self.assertEqual(self.user.partner_id.phone, phone(7))

    def test_a_phone_that_is_there_stays(self):
        self.user.partner_id.phone = phone(7)
        self.write_to_myself(phone=phone(8))
        self.assertEqual(self.user.partner_id.phone, phone(7))

    def test_nothing_to_send(self):
        self.user.partner_id.phone = phone(7)
        self.template._write_protected({"state": "pending"})
        with self.assertRaisesRegex(UserError, "template approved first"):
            self.write_to_myself()

    def test_a_number_of_another_company(self):
        self.number.company_ids = self.make_company()
        self.user.partner_id.phone = phone(7)
        with self.assertRaisesRegex(UserError, "Connect a number"):
            self.write_to_myself()


@tagged("post_install", "-at_install")
class TestOnboardingTour(BroadcastCommon, HttpCase):
    """A salesperson in a new database writes to himself; a manager closes the steps."""

    def test_a_user_writes_to_himself(self):
        self.start_tour(
            "/odoo/whatsapp-broadcasts",
            "whatsapp_broadcast_onboarding",
            login=self.user.login,
        )
        self.assertEqual(self.user.partner_id.phone, phone(7))
        draft = self.env["whatsapp.broadcast"].search([("user_id", "=", self.user.id)])
        self.assertEqual(draft.partner_ids, self.user.partner_id)

    def test_a_manager_closes_and_reopens(self):
        self.start_tour(
            "/odoo/whatsapp-broadcasts",
            "whatsapp_broadcast_onboarding_close",
            login=self.manager.login,
        )
        self.assertFalse(self.company.whatsapp_onboarding_closed)
