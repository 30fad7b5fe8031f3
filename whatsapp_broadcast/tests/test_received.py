import hashlib
import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..providers import InboundEvent, InboundMedia, Response
from ..providers.transport import Transport
from .common import BroadcastCommon, phone

PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@tagged("post_install", "-at_install")
class TestReceived(BroadcastCommon):
    """What comes in is kept, linked to what it answers, and told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = fields.Datetime.now()
        cls.number.company_ids = cls.company
        accounts = type(cls.env["whatsapp.broadcast.account"])
        cls.startClassPatcher(
            patch.object(accounts, "_check_accounts", lambda _accounts: None)
        )
        cls.count = 0

    def receive(self, text="Hello", minutes=0, sender=0, **values):
        """Merge a message of the ``sender``-th person and return its row."""
        type(self).count += 1
        message_id = values.setdefault("message_id", f"wamid.in{self.count}")
        self.merge(
            InboundEvent(
                **{
                    "number_id": self.number.external_id,
                    "at": self.now + timedelta(minutes=minutes),
                    "message_type": "text",
                    "text": text,
                    "phone": phone(sender),
                    **values,
                }
            )
        )
        return self.messages([("provider_message_id", "=", message_id)])

    def messages(self, domain=()):
        return self.env["whatsapp.broadcast.message"].search(list(domain))

    def attend(self):
        with self.enter_registry_test_mode():
            self.env.ref("whatsapp_broadcast.ir_cron_attend").method_direct_trigger()
        self.env.invalidate_all()

    def reached(self, count=1, **values):
        """Return the row of a person whom a broadcast reached."""
        broadcast = self.make_prepared(count, **values)
        for row in broadcast.recipient_ids:
            self.settle(
                row,
                "read",
                provider_message_id=f"wamid.{row.id}",
                accepted_at=self.now - timedelta(hours=1),
            )
        return broadcast.recipient_ids

    # === WHAT IT ANSWERS === #

    def test_an_answer_by_context(self):
        first, second = self.reached(), self.reached()
        message = self.receive(context_id=first.provider_message_id)
        self.assertEqual(message.recipient_id, first)
        self.assertEqual(message.broadcast_id, first.broadcast_id)
        self.assertEqual(message.lead_id, first.lead_id)
        self.assertEqual(message.company_id, self.company)
        self.assertTrue(first.replied_at)
        self.assertFalse(second.replied_at)
        self.assertEqual(first.broadcast_id.get_stats()["replied_count"], 1)

    def test_without_context_it_answers_the_newest_message_to_that_person(self):
        old, new = self.reached(), self.reached()
        self.settle(new, "read", accepted_at=self.now)
        self.assertEqual(self.receive().recipient_id, new)
        self.assertFalse(old.replied_at)

    def test_an_unknown_context_is_as_none(self):
        row = self.reached()
        self.assertEqual(self.receive(context_id="wamid.lost").recipient_id, row)

    def test_a_reaction_is_no_reply(self):
        row = self.reached()
        message = self.receive(
            "👍", message_type="reaction", context_id=row.provider_message_id
        )
        self.assertEqual(message.recipient_id, row)
        self.assertFalse(row.replied_at)

    def test_another_account_answers_nothing_of_ours(self):
        row = self.reached()
        other = self.make_account("Other", app_secret="another")
        number = self.make_number(other, "other", [self.company])
        self.merge(
            InboundEvent(
                number_id=number.external_id,
                at=self.now,
                message_id="wamid.x",
                phone=row.phone,
                context_id=row.provider_message_id,
                message_type="text",
                text="Hello",
            ),
            account=other,
        )
        self.assertFalse(self.messages().recipient_id)
        self.assertFalse(row.replied_at)

    def test_twice_is_once(self):
        for _time in range(2):
            self.receive(message_id="wamid.same")
        self.assertEqual(len(self.messages()), 1)

    def test_history_is_kept_and_nobody_told(self):
        row = self.reached()
        message = self.receive(minutes=-600, details={"history": {"status": "READ"}})
        self.assertFalse(message.needs_attention or message.recipient_id)
        self.assertFalse(row.replied_at)

    def test_a_note_of_ours_is_no_word(self):
        self.receive("STOP", message_type="location")
        self.assertFalse(self.env["whatsapp.broadcast.choice"].search([]))

    def test_a_type_that_we_do_not_know_is_kept(self):
        message = self.receive("", message_type="hologram", details={"a": [1]})
        self.assertEqual(message.message_type, "other")
        self.assertEqual(message.details, {"a": [1]})

    def test_what_the_business_writes_on_its_phone_goes_out(self):
        message = self.receive("On my way", is_echo=True)
        self.assertEqual((message.direction, message.state), ("out", "sent"))
        self.assertFalse(message.contact_id.last_inbound_at)
        self.receive("On my way", is_echo=True, message_id=message.provider_message_id)
        self.assertEqual(len(self.messages()), 1)

    # === WHO IS TOLD === #

    def notified(self):
        return self.env["mail.notification"].search(
            [("mail_message_id.body", "ilike", "WhatsApp ·")]
        )

    def test_the_salesperson_is_told_whoever_launched(self):
        row = self.reached(user=self.other_user)
        self.receive("I want one <b>now</b>")
        self.attend()
        self.assertEqual(self.notified().res_partner_id, self.user.partner_id)
        note = row.lead_id.message_ids[0]
        self.assertIn("I want one &lt;b&gt;now", note.body)
        self.assertFalse(self.messages().needs_attention)
        self.attend()
        self.assertEqual(len(self.notified()), 1)

    def test_what_breaks_for_one_person_holds_up_nobody_else(self):
        broken, other = self.reached(2)
        self.receive(sender=0)
        self.receive(sender=1)
        leads = type(self.env["crm.lead"])
        post = leads.message_post

        def refuse(lead, **values):
            if lead == broken.lead_id:
                raise ValueError("a rule of another addon")
            return post(lead, **values)

        logger = "odoo.addons.whatsapp_broadcast.models.whatsapp_broadcast_attend"
        with (
            patch.object(leads, "message_post", refuse),
            self.assertLogs(logger, "ERROR"),
        ):
            self.attend()
        self.assertEqual(self.notified().mail_message_id.res_id, other.lead_id.id)
        self.assertFalse(self.messages().filtered("needs_attention"))

    def test_who_left_is_skipped(self):
        row = self.reached(user=self.other_user)
        row.lead_id.user_id = self.user
        self.user.active = False
        self.receive()
        self.attend()
        self.assertEqual(self.notified().res_partner_id, self.other_user.partner_id)

    def test_as_an_activity_there_is_one(self):
        self.company.whatsapp_notification = "activity"
        row = self.reached()
        for minutes in range(2):
            self.receive(f"Hello {minutes}", minutes)
            self.attend()
        activity = row.lead_id.activity_ids
        self.assertEqual(activity.user_id, self.user)
        self.assertIn("Hello 1", activity.note)
        self.assertFalse(self.notified())

    def test_a_stranger_goes_to_the_numbers_responsible(self):
        self.number.user_id = self.manager
        self.receive(sender=7)
        self.attend()
        self.assertEqual(self.notified().res_partner_id, self.manager.partner_id)
        self.assertFalse(self.messages().lead_id)

    def test_a_phone_that_a_lead_has_is_no_stranger(self):
        lead = self.make_lead(phone(7))
        self.receive(sender=7)
        self.attend()
        self.assertEqual(self.messages().lead_id, lead)
        self.assertEqual(self.messages().contact_id.lead_id, lead)

    def test_a_rule_makes_leads_of_strangers(self):
        self.company.whatsapp_create_leads = True
        self.receive("How much?", sender=7, profile_name="Ann")
        self.attend()
        lead = self.messages().lead_id
        self.assertEqual((lead.contact_name, lead.phone), ("Ann", phone(7)))
        self.assertEqual(lead.medium_id.name, "WhatsApp")
        self.receive("Hello?", 1, sender=7)
        self.attend()
        self.assertEqual(self.messages().lead_id, lead)

    # === WHAT IS WISHED === #

    def test_an_opt_out_is_confirmed_once_where_wanted(self):
        self.reached()
        self.receive("STOP")
        self.attend()
        self.assertFalse(self.messages([("direction", "=", "out")]))
        self.company.whatsapp_stop_confirmation = "Done."
        for minutes in (1, 2):
            self.receive("STOP", minutes)
            self.attend()
        answer = self.messages([("direction", "=", "out")])
        self.assertEqual((answer.body, answer.is_confirmation), ("Done.", True))
        self.assertEqual(answer.address, phone(0))

    def test_the_blacklist_follows_and_keeps_entries_of_others(self):
        self.company.whatsapp_stop_scope = "blacklist"
        blacklist = self.env["phone.blacklist"]
        blacklist.create({"number": phone(1)})
        for sender in (0, 1):
            self.receive("STOP", sender=sender)
        self.attend()
        self.assertEqual(
            set(blacklist.search([]).mapped("number")), {phone(0), phone(1)}
        )
        for sender in (0, 1):
            self.receive("START", 5, sender=sender)
        self.attend()
        self.assertEqual(blacklist.search([]).mapped("number"), [phone(1)])

    # === FILES === #

    def picture(self, **values):
        media = {
            "media_id": "77",
            "mimetype": "image/png",
            "sha256": hashlib.sha256(PICTURE).hexdigest(),
            **values,
        }
        return self.receive("", message_type="image", media=InboundMedia(**media))

    def attend_with(self, *answers):
        remaining = list(answers)

        def call(_transport, _request):
            status, body = remaining.pop(0)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            return Response(status, body)

        with patch.object(Transport, "__call__", call):
            self.attend()
        self.assertFalse(remaining)

    def place(self, **values):
        return 200, {
            "url": "https://lookaside.fbsbx.com/x",
            "mime_type": "image/png",
            "file_size": len(PICTURE),
            **values,
        }

    def test_a_picture_is_fetched_and_kept_with_the_lead(self):
        self.account.access_token = "a token"
        row = self.reached()
        message = self.picture()
        self.attend_with(self.place(), (200, PICTURE))
        self.assertEqual(message.media_state, "stored")
        attachment = message.attachment_id
        self.assertEqual(attachment.raw, PICTURE)
        self.assertEqual(
            (attachment.res_model, attachment.res_id), ("crm.lead", row.lead_id.id)
        )
        self.assertFalse(message.needs_attention)

    def test_a_page_is_kept_as_text(self):
        self.account.access_token = "a token"
        page = b"<html><script>alert(1)</script></html>"
        message = self.picture(sha256="", mimetype="text/html")
        self.attend_with(
            self.place(mime_type="text/html", file_size=len(page)), (200, page)
        )
        self.assertEqual(message.attachment_id.mimetype, "text/plain")

    def test_another_file_than_was_sent_is_not_kept(self):
        self.account.access_token = "a token"
        message = self.picture(sha256="0" * 64)
        self.attend_with(self.place(), (200, PICTURE))
        self.assertEqual(message.media_state, "gone")
        self.assertFalse(message.attachment_id)

    def test_a_file_is_tried_again_later_and_not_for_ever(self):
        self.account.access_token = "a token"
        message = self.picture()
        self.attend_with((503, {}))
        self.assertEqual(message.media_state, "pending")
        self.assertTrue(message.attend_at)
        self.attend()  # not yet
        message.sudo().write({"media_attempt_count": 6, "attend_at": False})
        self.attend_with((503, {}))
        self.assertEqual(message.media_state, "gone")

    def test_no_transaction_is_open_while_a_file_or_a_receipt_is_on_its_way(self):
        self.account.access_token = "a token"
        message = self.picture()
        message.sudo().seen_at = self.now
        course, answers = [], [self.place(), (200, PICTURE), (200, {"success": True})]

        def follow(model, name, word):
            method = getattr(type(self.env[model]), name)

            def spy(records, *args, **kwargs):
                course.append(word)
                return method(records, *args, **kwargs)

            self.patch(type(self.env[model]), name, spy)

        def call(_transport, _request):
            course.append("call")
            status, body = answers.pop(0)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
            return Response(status, body)

        follow("ir.cron", "_commit_progress", "commit")
        follow("whatsapp.broadcast.account", "_provider", "read")
        self.startPatcher(patch.object(Transport, "__call__", call))
        self.attend()
        self.assertTrue(message.attachment_id and message.seen_is_told)
        self.assertRegex(
            " ".join(course), "read commit call call commit .*read commit call"
        )

    # === WHAT IT BROUGHT === #

    def test_won_leads_count_for_the_broadcast_before(self):
        row = self.reached()
        broadcast = row.broadcast_id
        row.lead_id.action_set_won()
        broadcast.invalidate_recordset()
        self.assertEqual(broadcast.get_stats()["won_count"], 1)
        row.lead_id.stage_id = self.env["crm.stage"].search([("is_won", "=", False)])[0]
        broadcast.invalidate_recordset()
        self.assertEqual(broadcast.get_stats()["won_count"], 0)
