import re
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.sql_db import Cursor
from odoo.tests import tagged

from ..providers import TransportError
from ..providers.transport import Transport
from .common import BroadcastCommon
from .test_upload import PNG

TOKEN = {
    "is_valid": True,
    "app_id": "900",
    "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"],
    "expires_at": 0,
}
NUMBER = {
    "id": "number-Shop",
    "display_phone_number": "+1 555-010-0001",
    "verified_name": "Garden Shop",
    "status": "CONNECTED",
    "quality_rating": "GREEN",
    "platform_type": "CLOUD_API",
}
TEMPLATE = {
    "id": "id-offer",
    "name": "offer",
    "language": "en_US",
    "category": "MARKETING",
    "status": "APPROVED",
    "parameter_format": "POSITIONAL",
    "components": [
        {
            "type": "BODY",
            "text": "Hi {{1}}",
            "example": {"body_text": [["Ann"]]},
        }
    ],
}


#: Statements that take a row in hand until the end of the transaction.
WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE)|FOR (NO KEY )?UPDATE", re.IGNORECASE)


def ok(**data):
    return 200, data


def refusal(code, message="No"):
    return 400, {"error": {"code": code, "message": message}}


@tagged("post_install", "-at_install")
class TestConnect(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.write({"access_token": "EAAtoken", "app_secret": "secret"})
        cls.account._write_protected({"state": "draft"})
        cls.as_administrator = cls.account.with_user(cls.administrator)

    def answers(
        self, token=None, numbers=(NUMBER,), templates=(TEMPLATE,), **callbacks
    ):
        subscribed = {"whatsapp_business_api_data": {"id": "900"}}
        return self.answer(
            ok(data=token or TOKEN),
            ok(id="waba-Garden", name="Garden"),
            ok(data=list(numbers)),
            ok(success=True),
            ok(data=[subscribed]),
            ok(data=list(templates)),
            *(ok(webhook_configuration=callbacks) for _number in numbers),
        )

    def test_connects(self):
        second = {**NUMBER, "id": "2", "display_phone_number": "+1 555-010-0002"}
        requests = self.answers(numbers=(NUMBER, second))
        self.as_administrator.action_connect()
        self.assertEqual(self.account.state, "deaf", "no webhook came yet")
        self.assertEqual(len(self.account.number_ids), 2)
        self.assertEqual(self.number.name, "Garden Shop")
        self.assertEqual(self.number.quality, "green")
        offer = self.account.template_ids.filtered(lambda t: t.name == "offer")
        self.assertEqual(offer.state, "approved")
        self.assertEqual(offer.variable_ids.mapped("display_name"), ["body.1"])
        self.assertIn("/subscribed_apps", requests[3].url)
        self.assertEqual(requests[3].headers["Authorization"], "Bearer EAAtoken")

    def test_an_overridden_callback_is_found(self):
        self.answers(application="https://odoo.example/")
        self.as_administrator.action_connect()
        self.assertFalse(self.account.has_override)
        self.answers(phone_number="https://elsewhere.example/")
        self.as_administrator.action_connect()
        self.assertTrue(self.account.has_override)
        checklist = self.as_administrator.checklist
        self.assertIn("A callback URL is overridden", checklist)

    def test_who_was_stopped_hears_that_it_is_over(self):
        self.account._write_protected({"state": "error"})
        self.answers()
        self.as_administrator.action_connect()
        notice = self.account.notice_ids.filtered(lambda n: n.kind == "account_state")
        self.assertIn("connected again", notice.display_name)

    def assert_reads_before_it_writes(self, answers, action):
        """Assert that no call to the provider is made with anything written."""
        statements = []
        execute = Cursor.execute

        def spy(cr, query, *args, **kwargs):
            statements.append(getattr(query, "code", query))
            return execute(cr, query, *args, **kwargs)

        requests = self.answer(*answers)
        call = Transport.__call__

        def watch(transport, request):
            self.env.flush_all()
            writes = [text for text in statements if WRITES.search(text)]
            self.assertFalse(writes, f"before {request}")
            return call(transport, request)

        self.env.flush_all()
        with (
            patch.object(Cursor, "execute", spy),
            patch.object(Transport, "__call__", watch),
        ):
            action()
            self.env.flush_all()
        self.assertEqual(len(requests), len(answers))
        self.assertTrue(any(map(WRITES.search, statements)), "the spy is blind")

    def test_nothing_is_locked_while_the_provider_is_called(self):
        draft = self.env["whatsapp.broadcast.template"].create(
            {"account_id": self.account.id, "name": "draft", "body": "Hi"}
        )
        second = draft.copy()
        other = self.make_template(self.account, "other", "Hello")
        changed = ok(**TEMPLATE | {"name": "news", "status": "PAUSED"})
        number = self.number.with_user(self.administrator)
        banned = ok(data=[{**NUMBER, "status": "BANNED"}])
        self.account._write_protected({"state": "connected"})
        broadcast = self.make_broadcast(
            self.make_leads(1),
            message_type="media",
            template_id=False,
            media_kind="image",
            media_file=PNG,
        )
        for answers, action in (
            ([banned], number.action_refresh),
            (
                [ok(success=True), ok(data=[NUMBER])],
                lambda: number.action_register("123456"),
            ),
            ([changed, changed], (self.template + other).action_sync),
            ([ok(data=[TEMPLATE])], self.account.action_sync_templates),
            ([ok(id="1"), ok(id="2")], (draft + second).action_submit),
            ([ok(id="7")], lambda: broadcast.action_send_test(["+12125550100"])),
        ):
            with self.subTest(action=action):
                self.assert_reads_before_it_writes(answers, action)

    def test_nothing_is_locked_while_an_account_is_connected(self):
        subscribed = {"whatsapp_business_api_data": {"id": "900"}}
        answers = [
            ok(data=TOKEN | {"expires_at": 2_000_000_000}),
            ok(id="waba-Garden", name="Garden"),
            ok(data=[NUMBER]),
            ok(success=True),
            ok(data=[subscribed]),
            ok(data=[TEMPLATE]),
            ok(webhook_configuration={}),
        ]
        action = self.as_administrator.action_connect
        self.assert_reads_before_it_writes(answers, action)

    def test_again_keeps_what_people_chose(self):
        self.number.messages_per_second = 20
        self.answers()
        self.as_administrator.action_connect()
        offer = self.account.template_ids.filtered(lambda t: t.name == "offer")
        offer.variable_ids.write({"value_type": "recipient_name", "fallback": "you"})
        self.answers()
        self.as_administrator.action_connect()
        self.assertEqual(offer.variable_ids.value_type, "recipient_name")
        self.assertEqual(offer.variable_ids.fallback, "you")
        self.assertEqual(len(self.account.number_ids), 1)

    def test_numbers_of_other_companies_are_known(self):
        self.number.company_ids = self.make_company()
        self.env.flush_all()
        self.answers()
        self.as_administrator.action_connect()
        self.env.invalidate_all()
        self.assertEqual(self.account.number_ids, self.number)
        self.assertEqual(self.number.name, "Garden Shop")

    def assert_not_connected(self, text):
        with self.assertRaisesRegex(UserError, text) as raised:
            self.as_administrator.action_connect()
        self.assertNotIn("EAAtoken", str(raised.exception))
        self.assertEqual(self.account.state, "draft")

    def test_wrong_tokens(self):
        for token, text in (
            ({"is_valid": False}, "not valid"),
            ({**TOKEN, "app_id": "1"}, "belongs to app 1"),
            ({**TOKEN, "scopes": ["email"]}, "lacks these permissions: whatsapp"),
        ):
            with self.subTest(text=text):
                self.answers(token)
                self.assert_not_connected(text)

    def test_wrong_business_account(self):
        self.answer(ok(data=TOKEN), refusal(100, "Object does not exist"))
        self.assert_not_connected("the provider refused .100.: Object does not exist")

    def test_the_token_is_not_in_an_error(self):
        self.answer(refusal(190, "Token EAAtoken is malformed"))
        self.assert_not_connected("refused .190.")

    def test_no_network(self):
        error = TransportError("timed out", written=False)
        self.startPatcher(patch.object(Transport, "__call__", side_effect=error))
        self.assert_not_connected("no answer from https://graph.example")

    def test_app_not_among_the_subscribed(self):
        self.answer(
            ok(data=TOKEN), ok(name="x"), ok(data=[]), ok(success=True), ok(data=[])
        )
        self.assert_not_connected("does not list app 900")

    def test_missing_settings_are_named(self):
        self.account.write({"app_id": False, "app_secret": False})
        self.assert_not_connected("Fill in first: App ID, App Secret")

    def test_rights(self):
        for user in (self.user, self.manager):
            with self.assertRaises(AccessError):
                self.account.with_user(user).action_connect()
        with self.assertRaises(AccessError):
            self.account.with_user(self.user).action_sync_templates()

    def test_a_manager_syncs_templates(self):
        self.answer(ok(data=[TEMPLATE]))
        self.account.with_user(self.manager).action_sync_templates()
        self.assertIn("offer", self.account.template_ids.mapped("name"))

    def test_register(self):
        number = self.number.with_user(self.administrator)
        for pin in ("12345", "abcdef", "", "1234567", "12 456", 123456):
            with self.subTest(pin=pin), self.assertRaisesRegex(UserError, "six digits"):
                number.action_register(pin)
        requests = self.answer(ok(success=True), ok(data=[NUMBER]))
        number.action_register("123456")
        self.assertIn("/number-Shop/register", requests[0].url)
        self.assertFalse(self.number.needs_registration)

    def test_refresh_clears_our_stop(self):
        self.number.write({"state": "error", "error_message": "x"})
        self.answer(ok(data=[NUMBER]))
        self.number.with_user(self.administrator).action_refresh()
        self.assertEqual(self.number.state, "connected")
        self.assertFalse(self.number.error_message)
