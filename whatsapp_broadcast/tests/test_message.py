import json
from datetime import datetime
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .. import engine
from ..models.channel import Channel
from ..models.whatsapp_broadcast_lane import Housekeeping
from ..providers import Error, ErrorClass, StatusEvent
from ..tools.transactions import engine_transaction
from .common import BroadcastCommon, phone

NOON = datetime(2026, 1, 1, 12)
#: One pixel.
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9aw"
    "AAAABJRU5ErkJggg=="
)


class MessageCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user.partner_id.write(
            {"phone": "(212) 555-0100", "country_id": cls.env.ref("base.us").id}
        )
        cls.broadcast = cls.make_broadcast(cls.make_leads(3))
        cls.messages = cls.env["whatsapp.broadcast.message"]

    def send_test(self, phones=None, broadcast=None):
        """Send a test and return its messages."""
        before = self.messages.search([])
        (broadcast or self.broadcast).action_send_test(phones)
        return self.messages.search([]) - before

    def assert_no_test(self, words, phones=None, broadcast=None):
        with self.assertRaisesRegex(UserError, words):
            self.send_test(phones, broadcast)


@tagged("post_install", "-at_install")
class TestSendTest(MessageCommon):
    """Who may send a test, to whom, and what it says."""

    def test_it_goes_to_ones_own_phone(self):
        message = self.send_test()
        self.assertEqual(message.phone, "+12125550100")
        self.assertEqual(message.partner_id, self.user.partner_id)
        self.assertEqual(message.user_id, self.user)
        self.assertEqual(message.state, "queued")
        self.assertEqual(self.broadcast.test_count, 1)
        action = self.broadcast.action_open_tests()
        self.assertEqual(self.messages.search(action["domain"]), message)

    def test_it_wakes_the_engine(self):
        with patch.object(
            type(self.env["whatsapp.broadcast.lane"]), "_wake_at"
        ) as wake:
            self.send_test()
        wake.assert_called_once_with(0)

    def test_it_goes_to_given_numbers_once_each(self):
        messages = self.send_test([" +1 212 555 0101", "2125550102", "+12125550101"])
        self.assertEqual(
            sorted(messages.mapped("phone")), ["+12125550101", "+12125550102"]
        )
        self.assertFalse(messages.partner_id)

    def test_numbers_that_are_none(self):
        self.assert_no_test("no valid phone number", ["+12125550101", "123"])
        self.assert_no_test("no valid phone number", [" "])
        self.assert_no_test("as a list of texts", "+12125550101")
        self.assert_no_test("as a list of texts", [12125550101])
        self.assert_no_test("5 numbers at most", [phone(n) for n in range(6)])
        self.user.partner_id.phone = False
        self.assert_no_test("no phone number yet")

    def test_what_cannot_be_sent_is_refused(self):
        self.template._write_protected({"state": "paused"})
        self.assert_no_test("not approved")
        self.template._write_protected({"state": "approved"})
        self.number.state = "banned"
        self.assert_no_test("cannot send")
        self.number.state = "connected"
        self.account._write_protected({"state": "error"})
        self.assert_no_test("not connected")

    def test_nothing_of_the_broadcast_changes(self):
        for state in ("draft", "sending", "paused", "done"):
            self.broadcast._write_protected({"state": state})
            before = self.broadcast.read()
            self.assertTrue(self.send_test())
            ignored = {"test_count"}
            changed = [
                name
                for name, value in self.broadcast.read()[0].items()
                if value != before[0][name] and name not in ignored
            ]
            self.assertEqual(changed, [])

    def test_another_users_broadcast_is_out_of_reach(self):
        with self.assertRaises(AccessError):
            self.broadcast.with_user(self.other_user).action_send_test()

    def test_values_are_the_first_persons_and_examples_where_there_are_none(self):
        template = self.make_template(self.account, "two", "{{1}} {{2}}")
        self.make_variable(template, value_type="recipient_name", sample="Ann")
        self.make_variable(template, "2", value_type="text", text="Fixed", sample="x")
        lead = self.make_lead(phone(7), contact_name="Zoe")
        broadcast = self.make_broadcast(lead, template_id=template.id)
        self.assertEqual(
            self.send_test(broadcast=broadcast).variables,
            {"body": [["1", "Zoe"], ["2", "Fixed"]]},
        )
        lead.contact_name = False
        self.assertEqual(
            self.send_test(broadcast=broadcast).variables,
            {"body": [["1", "Ann"], ["2", "Fixed"]]},
        )

    def test_no_value_of_a_lead_that_one_may_not_read(self):
        template = self.make_template(self.account, "name", "{{1}}")
        self.make_variable(template, value_type="recipient_name", sample="Ann")
        lead = self.make_lead(phone(7), contact_name="Zoe", user_id=False)
        broadcast = self.make_broadcast(lead, template_id=template.id)
        lead.company_id = self.make_company()
        self.assertEqual(
            self.send_test(broadcast=broadcast).variables, {"body": [["1", "Ann"]]}
        )

    def test_a_file_is_uploaded_and_the_draft_keeps_no_id(self):
        broadcast = self.make_broadcast(
            self.make_leads(1),
            message_type="media",
            media_kind="image",
            media_file=PNG,
            media_filename="a.png",
        )
        requests = self.answer((200, {"id": "77"}))
        message = self.send_test(broadcast=broadcast)
        self.assertEqual(len(requests), 1)
        self.assertEqual((message.media_kind, message.media_id), ("image", "77"))
        self.assertFalse(broadcast.media_id)

    def test_a_message_is_sent_as_it_was_when_it_was_asked_for(self):
        text = {"message_type": "text", "body": "Hello"}
        broadcast = self.make_broadcast(self.make_leads(1), **text)
        message = self.send_test(broadcast=broadcast)
        broadcast.body = "Changed"
        broadcast.unlink()
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT *, 'message' AS table, 'token' AS token"
            " FROM whatsapp_broadcast_message WHERE id = %s",
            [message.id],
        )
        [row] = self.env.cr.dictfetchall()
        channel = Channel(self.account._provider(), "700300", 80)
        body = json.loads(channel.prepare(row).body)
        self.assertEqual(body["text"]["body"], "Hello")
        self.assertEqual(body["to"].lstrip("+"), "12125550100")


@tagged("post_install", "-at_install")
class TestMessageFate(MessageCommon):
    """What becomes of a message, and who is told."""

    def setUp(self):
        super().setUp()
        self.message = self.send_test()
        self.message.write(
            {
                "state": "accepted",
                "due_at": False,
                "provider_message_id": "wamid.9",
                "token": f"m{self.message.id}-{'a' * 32}",
            }
        )

    def merge(self, status, **values):
        event = StatusEvent(
            number_id=self.number.external_id, at=NOON, status=status, **values
        )
        with self.enter_registry_test_mode():
            self.env["whatsapp.broadcast.event"]._receive(self.account.id, b"{}")
            self.env.flush_all()
            engine.merge(
                engine_transaction(self.env.registry), lambda *_arguments: [event]
            )
        self.env.invalidate_all()

    def told(self):
        """Return what users are told of now."""
        self.env.flush_all()
        with patch.object(type(self.env["res.users"]), "_bus_send") as send:
            self.messages._tell_failures()
        return [call.args[1] for call in send.call_args_list]

    def test_statuses_find_a_message_by_token_and_by_id(self):
        self.merge("sent", token=self.message.token, message_id="other")
        self.assertEqual(self.message.state, "sent")
        self.merge("read", message_id="wamid.9")
        self.assertEqual(self.message.state, "read")
        self.merge("delivered", message_id="wamid.9")
        self.assertEqual(self.message.state, "read")
        events = self.env["whatsapp.broadcast.event"].search([])
        self.assertEqual(set(events.mapped("state")), {"processed"})

    def test_doubt_is_settled_by_the_token(self):
        self.message.write({"state": "unknown", "provider_message_id": False})
        self.assertTrue(self.message.advice)
        self.merge("delivered", token=self.message.token, message_id="wamid.10")
        self.assertEqual(self.message.state, "delivered")
        self.assertEqual(self.message.provider_message_id, "wamid.10")

    def test_a_recipient_of_the_same_id_is_another_row(self):
        self.broadcast.action_review()
        recipient = self.broadcast.recipient_ids[0].sudo()
        recipient.write({"state": "accepted", "token": f"r{recipient.id}-{'b' * 32}"})
        self.merge("read", token=recipient.token, message_id="wamid.1")
        self.assertEqual(recipient.state, "read")
        self.assertEqual(self.message.state, "accepted")

    def test_a_held_message_is_no_probe_of_its_broadcast(self):
        self.broadcast._write_protected({"held_since": NOON, "state": "sending"})
        self.message.state = "held"
        self.merge("sent", token=self.message.token, message_id="wamid.9")
        self.assertEqual(self.message.state, "sent")
        self.assertTrue(self.broadcast.held_since)

    def test_a_template_that_fails_by_webhook_stops_its_broadcasts(self):
        self.broadcast._write_protected({"state": "sending"})
        error = Error("132015", "Template is paused", ErrorClass.TEMPLATE)
        self.merge("failed", token=self.message.token, message_id="x", error=error)
        self.assertEqual(self.message.state, "failed")
        self.assertEqual(self.broadcast.state_reason, "template")

    def test_an_unknown_token_is_kept_for_later(self):
        self.merge("sent", token=f"m{self.message.id}-{'c' * 32}", message_id="x")
        self.assertEqual(self.message.state, "accepted")
        self.assertEqual(self.env["whatsapp.broadcast.event"].search([]).state, "new")

    def test_who_failed_by_webhook_gives_the_place_back(self):
        reach = self.env["whatsapp.broadcast.reach"].create(
            {
                "portfolio": self.account.id,
                "number_id": self.number.id,
                "address": self.message.address,
                "at": NOON,
                "message_id": self.message.id,
            }
        )
        self.merge("failed", token=self.message.token, message_id="wamid.9")
        self.assertFalse(reach.exists())

    def test_delivery_dates_the_place(self):
        reach = self.env["whatsapp.broadcast.reach"].create(
            {
                "portfolio": self.account.id,
                "number_id": self.number.id,
                "address": self.message.address,
                "at": "2025-12-31",
                "message_id": self.message.id,
            }
        )
        self.merge("delivered", token=self.message.token, message_id="wamid.9")
        self.assertEqual(reach.at, NOON)

    def test_a_failure_is_told_once_with_its_reason(self):
        self.assertEqual(self.told(), [])
        self.message.write(
            {
                "state": "failed",
                "failed_at": NOON,
                "error_class": "credentials",
                "error_message": "Session expired",
            }
        )
        [notification] = self.told()
        self.assertIn("+12125550100", notification["title"])
        self.assertEqual(
            notification["message"], "Session expired\nEnter a new access token."
        )
        self.assertEqual(self.told(), [])

    def test_who_was_left_out_is_told_too(self):
        self.message.write(
            {"state": "skipped", "skip_reason": "opted_out", "failed_at": NOON}
        )
        [notification] = self.told()
        self.assertEqual(notification["message"], "Opted out")

    def test_housekeeping_tells(self):
        self.message.write({"state": "failed", "failed_at": NOON})
        with self.enter_registry_test_mode():
            self.env.flush_all()
            Housekeeping(self.env).run()
        self.env.invalidate_all()
        self.assertTrue(self.message.is_told)

    def test_without_a_channel_it_fails(self):
        message = self.send_test()
        self.env.flush_all()
        other = self.send_test()
        other.write({"account_id": self.make_account("Other").id})
        error = UserError("No key")
        account = type(self.account)
        lanes = self.env["whatsapp.broadcast.lane"]
        self.env.flush_all()
        with (
            self.enter_registry_test_mode(),
            mute_logger("odoo.sql_db"),
            patch.object(account, "_provider", side_effect=error),
        ):
            self.assertIsNone(lanes._open_channel(self.number.id))
        self.env.invalidate_all()
        self.assertEqual(message.state, "failed")
        self.assertEqual(message.error_message, "No key")
        self.assertEqual(other.state, "queued")

    def test_a_copy_sends_no_message(self):
        message = self.send_test()
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("whatsapp_broadcast.origin", "elsewhere")
        self.env.flush_all()
        engine.guard(self.env.cr)
        self.env.invalidate_all()
        self.assertEqual(message.error_class, "restored")
        self.assertFalse(message.due_at)
        self.assertEqual(self.message.state, "accepted")

    def test_every_reason_of_ours_has_an_advice(self):
        for error_class in ("account", "number", "template", "daily_limit", "restored"):
            self.message.write({"state": "failed", "error_class": error_class})
            self.assertTrue(self.message.advice, error_class)
