import hashlib
import hmac
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .. import engine
from ..engine import queries
from ..engine.merge import MAX_TRIES, SHORT_BATCH, SHORT_BATCH_BYTES
from ..models import whatsapp_broadcast_event
from ..providers import PreferenceEvent, StatusEvent
from ..tools import secrets
from ..tools.transactions import engine_transaction
from .common import BroadcastCommon, phone

MERGE = "odoo.addons.whatsapp_broadcast.engine.merge"


@tagged("post_install", "-at_install")
class TestEvents(BroadcastCommon):
    """What came in can be found, tried again, purged and forgotten."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.write({"app_secret": "one-secret", "company_id": cls.company.id})
        cls.events = cls.env["whatsapp.broadcast.event"]

    def receive(self, *payloads, account=None):
        account = account or self.account
        before = self.events.search([])
        for payload in payloads:
            self.events._receive(account.id, payload)
        return self.events.search([("id", "not in", before.ids)], order="id")

    def merge(self, parse, shortly=False):
        with self.enter_registry_test_mode():
            self.env.flush_all()
            taken = engine.merge(engine_transaction(self.env.registry), parse, shortly)
        self.env.invalidate_all()
        return taken

    def status(self, message="wamid.1", number=0, **values):
        return StatusEvent(
            number_id=self.number.external_id,
            message_id=message,
            phone=phone(number),
            status="sent",
            **values,
        )

    def found(self, text):
        events = self.events.with_company(self.company)
        return events.search([("names", "ilike", text)])

    # === SEARCH === #

    def test_a_phone_is_found_however_it_is_written(self):
        mine, other = self.receive(b"1", b"2")
        stories = {b"1": [self.status()], b"2": [self.status("wamid.2", 1)]}
        self.merge(lambda _account, payload: stories[payload])
        number = phone(0)
        national = number.removeprefix("+1")
        for text in (
            number,
            number.removeprefix("+"),
            f"00{number[1:]}",
            national,
            f"({national[:3]}) {national[3:6]}-{national[6:]}",
            f" {number[:2]} {number[2:5]} {number[5:]} ",
        ):
            self.assertEqual(self.found(text), mine, text)
        self.assertEqual(self.found("wamid.2"), other)
        self.assertFalse(self.found("wamid"))

    def test_a_phone_is_found_by_the_form_that_whatsapp_does_not_use(self):
        event = self.receive(b"x")
        short = StatusEvent(
            number_id=self.number.external_id,
            message_id="wamid.1",
            phone="+551187654321",
            status="sent",
        )
        self.merge(lambda *_arguments: [short])
        self.assertEqual(self.found("+55 11 98765-4321"), event)

    def test_a_delivery_is_found_by_each_that_it_names(self):
        token = f"r7-{'a' * 32}"
        wish = PreferenceEvent(number_id=self.number.external_id, user_ref="US.1")
        event = self.receive(b"x")
        self.merge(lambda *_arguments: [self.status(token=token), wish])
        for name in ("wamid.1", token, phone(0), "US.1"):
            self.assertEqual(self.found(name), event, name)
        self.assertEqual(event.error_message, "Its message is unknown")

    def test_what_waits_for_its_message_is_found(self):
        event = self.receive(b"x")
        self.merge(lambda *_arguments: [self.status()])
        self.assertFalse(event.processed_at)
        self.assertEqual(self.found("wamid.1"), event)

    def test_a_row_leads_an_administrator_to_its_events(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.action_review()
        row = broadcast.recipient_ids
        row.sudo().write({"provider_message_id": "wamid.1", "state": "sent"})
        event, _other = self.receive(b"1", b"2")
        stories = {b"1": [self.status()], b"2": [self.status("wamid.2")]}
        self.merge(lambda _account, payload: stories[payload])
        action = row.with_user(self.administrator).action_open_events()
        self.assertEqual(action["res_model"], self.events._name)
        self.assertEqual(self.events.search(action["domain"]), event)
        with self.assertRaises(AccessError):
            row.with_user(self.user).action_open_events()

    # === TRYING AGAIN === #

    def test_several_that_were_set_aside_are_read_again_together(self):
        events = self.receive(b"1", b"2", b"3")

        def broken(_account, payload):
            if payload == b"2":
                return []
            raise LookupError("nobody must see this")

        with mute_logger(MERGE):
            for _try in range(MAX_TRIES):
                self.merge(broken)
                events.write({"retry_at": False})
        aside = events.filtered(lambda event: event.state == "set_aside")
        self.assertEqual(aside, events[0] + events[2])
        self.assertEqual(aside.mapped("error_message"), ["LookupError"] * 2)
        aside.with_user(self.administrator).action_retry()
        self.assertEqual(set(aside.mapped("state")), {"new"})
        self.assertFalse(any(aside.mapped("error_message")))
        self.merge(lambda *_arguments: [])
        self.assertEqual(set(events.mapped("state")), {"processed"})

    def test_a_wish_without_a_time_breaks_nothing(self):
        event = self.receive(b"x")
        wish = PreferenceEvent(
            number_id=self.number.external_id, phone=phone(0), opted_out=True
        )
        self.merge(lambda *_arguments: [wish])
        self.assertEqual(event.state, "processed")

    def test_a_database_in_trouble_is_no_fault_of_an_event(self):
        event = self.receive(b"x")

        class Full(Exception):
            pgcode = "53100"

        def full(*_arguments):
            raise Full

        with self.assertRaises(Full):
            self.merge(full)
        self.assertEqual((event.state, event.attempt_count), ("new", 0))

    # === BATCHES === #

    def test_a_batch_ends_by_its_bytes(self):
        limit = SHORT_BATCH_BYTES
        small = b"x" * 10
        self.receive(small, b"x" * limit, small, b"x" * limit * 2)
        taken = [self.merge(lambda *_arguments: [], True) for _ in range(4)]
        self.assertEqual(taken, [2, 2, 0, 0])
        self.receive(*[small] * (SHORT_BATCH + 1))
        taken = [self.merge(lambda *_arguments: [], True) for _ in range(2)]
        self.assertEqual(taken, [SHORT_BATCH, 1])

    # === KEEPING AND FORGETTING === #

    def age(self, events, days):
        events.write({"received_at": fields.Datetime.now() - timedelta(days=days)})
        self.env.flush_all()

    def purge(self):
        while self.events._gc_events()[1]:
            pass
        self.env.invalidate_all()
        return self.events.search([]).mapped("payload")

    def test_what_nobody_can_use_any_more_is_kept_longer(self):
        events = self.receive(b"1", b"2", b"3", b"4", b"5")
        events.write({"processed_at": fields.Datetime.now(), "state": "processed"})
        events[1].state = "set_aside"
        events[2].state = "unrouted"
        events[4].write({"processed_at": False, "state": "new"})
        self.age(events, 31)
        self.age(events[3], 29)
        self.assertEqual(len(self.purge()), 4)
        self.age(events[1:3], 91)
        self.purge()
        self.assertEqual(events.exists(), events[3] + events[4])

    def test_the_days_are_a_setting(self):
        settings = self.env["res.config.settings"]
        self.assertEqual(settings.create({}).whatsapp_broadcast_event_days, 30)
        settings.create({"whatsapp_broadcast_event_days": 3}).execute()
        events = self.receive(b"1", b"2")
        events.write({"processed_at": fields.Datetime.now(), "state": "processed"})
        self.age(events, 2)
        self.age(events[0], 4)
        self.purge()
        self.assertEqual(events.exists(), events[1])
        with self.assertRaises(ValidationError):
            settings.create({"whatsapp_broadcast_event_days": 0})

    def test_people_are_forgotten_and_the_row_stays(self):
        events = self.receive(b"1", b"2")
        stories = {b"1": [self.status()], b"2": [self.status("wamid.2", 1)]}
        self.merge(lambda _account, payload: stories.get(payload, []))
        events.write({"processed_at": fields.Datetime.now()})
        self.assertEqual(self.events._erase([phone(0), "US.1"]), 1)
        self.assertEqual(events.mapped("payload"), [False, b"2"])
        self.assertFalse(self.found("wamid.1"))
        events[0].action_retry()
        self.merge(lambda _account, payload: stories.get(payload, []))
        self.assertEqual(events[0].state, "processed")

    def test_events_go_with_their_account(self):
        other = self.make_account("Other", app_secret="another")
        [kept], [gone] = self.receive(b"1"), self.receive(b"2", account=other)
        other_id = other.id
        other.unlink()
        self.assertEqual((kept + gone).exists(), kept)
        self.events._receive(other_id, b"3")  # by a process that did not know yet
        self.merge(lambda *_arguments: [self.status()])
        self.assertEqual(self.events.search([]), kept)

    # === THE DOOR === #

    def test_a_merge_that_cannot_be_woken_is_not_the_senders_concern(self):
        event = self.receive(b"x")
        whatsapp_broadcast_event._last_wakes.clear()
        broken = patch.object(queries, "ADD_PACE", "SELECT 1/0")
        logger = "odoo.addons.whatsapp_broadcast.models.whatsapp_broadcast_event"
        with self.enter_registry_test_mode(), broken, mute_logger("odoo.sql_db"):
            with self.assertLogs(logger, "WARNING"):
                self.events._wake_merge()
        self.assertTrue(event.exists())

    def test_any_of_several_secrets_opens_the_door(self):
        self.account.app_secret = "old\nnew"
        verifier = type(self.account._provider()).verifier
        token, body = self.account.sudo().webhook_token, b"{}"
        for secret, wanted in (("old", True), ("new", True), ("other", False)):
            signature = self.signature(secret, body)
            headers = {"X-Hub-Signature-256": signature}
            found = self.env["whatsapp.broadcast.account"]._verify_webhook(
                token, headers, body
            )
            self.assertEqual(found, self.account.id if wanted else None, secret)
            self.assertTrue(verifier(secret)(headers, body))

    def test_a_secret_that_is_replaced_opens_it_no_more(self):
        accounts = self.env["whatsapp.broadcast.account"]
        token, body = self.account.sudo().webhook_token, b"{}"
        headers = {"X-Hub-Signature-256": self.signature("one-secret", body)}
        self.assertTrue(accounts._verify_webhook(token, headers, body))
        self.account.app_secret = "another"
        self.assertIsNone(accounts._verify_webhook(token, headers, body))
        self.account.app_secret = False
        self.assertIsNone(accounts._verify_webhook(token, headers, body))

    def test_secrets_are_opened_once_and_made_up_addresses_cost_nothing(self):
        accounts = self.env["whatsapp.broadcast.account"]
        token, body = self.account.sudo().webhook_token, b"{}"
        headers = {"X-Hub-Signature-256": self.signature("one-secret", body)}
        accounts._verify_webhook(token, headers, body)
        with patch.object(secrets, "decrypt", side_effect=AssertionError):
            with self.assertQueryCount(0):
                self.assertTrue(accounts._verify_webhook(token, headers, body))
                for made_up in ("x", "\0", "é" * 5000):
                    self.assertIsNone(accounts._verify_webhook(made_up, headers, body))

    @staticmethod
    def signature(secret, body):
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return f"sha256={digest}"
