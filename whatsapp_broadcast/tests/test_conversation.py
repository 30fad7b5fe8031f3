import json
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..models.channel import Channel
from .common import BroadcastCommon, phone

PHONE = phone(0)


class ConversationCommon(BroadcastCommon):
    """A lead of ``user``, whom a broadcast of the manager's was sent to."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.ref("base.lang_en").date_format = "%m/%d/%Y"
        cls.partner = cls.env["res.partner"].create({"name": "Ann", "phone": PHONE})
        cls.lead = cls.make_lead(PHONE, name="Roses", partner_id=cls.partner.id)
        cls.messages = cls.env["whatsapp.broadcast.message"]
        cls.template = cls.make_template(
            cls.account, "offer", "Dear {{1}}, *{{2}}* only", footer="Reply STOP"
        )
        cls.make_variable(cls.template, "1", value_type="recipient_name")
        cls.make_variable(cls.template, "2", value_type="none")
        cls.mine = cls.lead.with_user(cls.user)

    @classmethod
    def make_sent(cls, lead, at=None, **values):
        """Return a recipient who got the manager's broadcast an hour ago."""
        broadcast = cls.make_broadcast(
            lead, user=cls.manager, template_params={"body.2": "May 5"}
        )
        broadcast.action_review()
        row = broadcast.recipient_ids
        row.sudo().write(
            {
                "state": "delivered",
                "due_at": False,
                "accepted_at": at or cls.ago(1),
                "provider_message_id": f"wamid.out.{row.id}",
                **values,
            }
        )
        return row

    @classmethod
    def make_message(cls, lead=None, hours=0.5, **values):
        """Return what came in ``hours`` ago; the window is as open as that makes it."""
        contact = cls.make_contact(values.get("phone", PHONE), hours)
        return cls.messages.create(
            {
                "direction": "in",
                "state": "received",
                "account_id": cls.account.id,
                "number_id": cls.number.id,
                "company_id": cls.company.id,
                "contact_id": contact.id,
                "lead_id": lead.id if lead else False,
                "phone": PHONE,
                "message_type": "text",
                "received_at": cls.ago(hours),
                "provider_message_id": f"wamid.in.{cls.messages.search_count([])}",
                **values,
            }
        )

    @classmethod
    def make_contact(cls, address, hours):
        contacts = cls.env["whatsapp.broadcast.contact"]
        contact = contacts.search([("phone", "=", address)]) or contacts.create(
            {
                "account_id": cls.account.id,
                "number_id": cls.number.id,
                "phone": address,
            }
        )
        contact.last_inbound_at = max(
            contact.last_inbound_at or cls.ago(1000), cls.ago(hours)
        )
        return contact

    @staticmethod
    def ago(hours):
        return fields.Datetime.now() - timedelta(hours=hours)

    def talk(self, record=None, **values):
        return (record or self.mine).whatsapp_get_conversation(**values)

    def said(self, record=None, **values):
        return [m["text"] for m in self.talk(record, **values)["messages"]]


@tagged("post_install", "-at_install")
class TestConversation(ConversationCommon):
    """What a conversation shows, and of whom."""

    def test_what_went_out_and_came_in_by_time(self):
        self.make_sent(self.lead)
        self.make_message(self.lead, body="Which roses?")
        out, back = self.talk()["messages"]
        self.assertEqual(out["text"], "Dear Ann, *May 5* only")
        self.assertEqual(out["footer"], "Reply STOP")
        self.assertEqual((out["direction"], out["state"]), ("out", "delivered"))
        self.assertFalse(out["broadcast"]["may_open"])
        self.assertEqual((back["direction"], back["text"]), ("in", "Which roses?"))

    def test_who_got_nothing_has_no_message(self):
        for state in ("queued", "skipped", "cancelled"):
            self.make_sent(self.lead, state=state)
        self.assertEqual(self.talk()["messages"], [])

    def test_a_failure_says_what_to_do(self):
        self.make_sent(
            self.lead,
            state="failed",
            error_class="recipient",
            error_message="No such user",
        )
        [message] = self.talk()["messages"]
        self.assertEqual(message["error"], "No such user")
        self.assertIn("Check the number", message["advice"])

    def test_pages(self):
        for hours in range(5):
            self.make_message(self.lead, hours, body=str(hours))
        first = self.talk(limit=2)
        self.assertEqual([m["text"] for m in first["messages"]], ["1", "0"])
        self.assertTrue(first["has_more"])
        rest = self.talk(before=first["cursor"])
        self.assertEqual([m["text"] for m in rest["messages"]], ["4", "3", "2"])
        self.assertFalse(rest["has_more"])
        with self.assertRaisesRegex(UserError, "cursor"):
            self.talk(before=["x"])

    def test_what_is_about_a_message_is_shown_on_it(self):
        row = self.make_sent(self.lead)
        quoting = {"context_message_id": row.provider_message_id}
        self.make_message(self.lead, message_type="reaction", body="👍", **quoting)
        self.make_message(self.lead, message_type="reaction", body="❤️", **quoting)
        text = self.make_message(self.lead, body="Roses", **quoting)
        about = {"context_message_id": text.provider_message_id}
        self.make_message(self.lead, message_type="edit", body="Red roses", **about)
        out, answer = self.talk()["messages"]
        self.assertEqual(out["reactions"], ["❤️"])
        self.assertEqual(answer["text"], "Red roses")
        self.assertTrue(answer["is_edited"])
        self.assertEqual(answer["quote"]["text"], "Dear Ann, *May 5* only")
        self.make_message(self.lead, message_type="revoke", **about)
        answer = self.talk()["messages"][1]
        self.assertTrue(answer["is_revoked"])
        self.assertFalse(answer["text"])

    def test_what_is_about_nothing_stands_alone(self):
        self.make_message(
            self.lead, message_type="reaction", body="👍", context_message_id="gone"
        )
        self.assertEqual(self.said(), ["👍"])

    def test_files_and_places(self):
        attachment = self.env["ir.attachment"].create(
            {"name": "a.svg", "mimetype": "image/svg+xml", "raw": b"<svg/>"}
        )
        self.make_message(
            self.lead, 3, message_type="image", attachment_id=attachment.id
        )
        self.make_message(self.lead, 2, message_type="document", media_state="gone")
        place = {"latitude": 1.5, "longitude": "-2", "name": "Shop"}
        self.make_message(
            self.lead, 1, message_type="location", details={"location": place}
        )
        wrong = {"location": {"latitude": "javascript:", "longitude": 1}}
        self.make_message(self.lead, 0, message_type="location", details=wrong)
        picture, lost, shop, nowhere = self.talk()["messages"]
        self.assertFalse(picture["media"]["is_shown"])
        self.assertEqual(picture["media"]["url"], f"/web/content/{attachment.id}")
        self.assertEqual(lost["media"]["state"], "gone")
        self.assertIs(lost["media"]["url"], False)
        self.assertTrue(shop["location"]["url"].endswith("?q=1.5,-2.0"))
        self.assertFalse(nowhere["location"])

    # === RIGHTS === #

    def test_whoever_may_read_the_lead_may_read_and_answer(self):
        self.make_sent(self.lead)
        self.make_message(self.lead, body="Hi")
        other = self.lead.with_user(self.other_user)
        self.assertEqual(len(self.talk(other)["messages"]), 2)
        message = self.messages.browse(other.whatsapp_reply(self.number.id, "Hello"))
        self.assertEqual(message.user_id, self.other_user)

    def test_whoever_may_not_read_the_lead_may_not_read_or_answer(self):
        self.make_message(self.lead, body="Hi")
        self.only_own_leads(self.other_user)
        other = self.lead.with_user(self.other_user)
        calls = (
            other.whatsapp_get_conversation,
            other.whatsapp_mark_read,
            other.action_whatsapp_conversation,
            lambda: other.whatsapp_reply(self.number.id, "Hello"),
            lambda: other.whatsapp_get_template(self.template.id, self.number.id),
            lambda: other.whatsapp_send_template(self.template.id, self.number.id),
        )
        for call in calls:
            with self.assertRaises(AccessError):
                call()
        self.assertFalse(other._whatsapp_may_converse())

    def test_a_partner_shows_his_leads_to_those_who_may_read_them(self):
        self.make_message(self.lead, 2, body="To the lead", partner_id=self.partner.id)
        self.make_message(None, 1, body="To the partner", partner_id=self.partner.id)
        mine = self.partner.with_user(self.user)
        self.assertEqual(self.said(mine), ["To the lead", "To the partner"])
        self.assertEqual(mine.whatsapp_message_count, 2)
        self.only_own_leads(self.other_user)
        other = self.partner.with_user(self.other_user)
        self.assertEqual(self.said(other), ["To the partner"])
        self.assertEqual(other.whatsapp_message_count, 1)
        self.assertEqual(self.said(), ["To the lead", "To the partner"])

    def test_the_same_phone_shows_nothing(self):
        self.make_message(self.lead, body="Secret")
        same = self.make_lead(PHONE, name="Same phone")
        self.assertEqual(self.said(same.with_user(self.user)), [])

    def test_another_companys_messages_stay_there(self):
        elsewhere = self.make_company()
        self.make_message(self.lead, body="Elsewhere", company_id=elsewhere.id)
        self.assertEqual(self.said(), [])

    def test_the_inbox_shows_what_the_user_may_read(self):
        hers = self.make_message(self.lead, body="Hi")
        nobodys = self.make_message(body="Who are you?", phone=phone(7))
        self.only_own_leads(self.other_user)
        inbox = self.messages.search([]).with_user
        self.assertEqual(inbox(self.user).search([]), hers)
        self.assertFalse(inbox(self.other_user).search([]))
        with self.assertRaises(AccessError):
            hers.with_user(self.other_user).read(["body"])
        hers.with_user(self.user).read(["body"])
        self.number.user_id = self.other_user
        self.assertEqual(inbox(self.other_user).search([]), nobodys)
        self.assertEqual(inbox(self.manager).search([]), hers + nobodys)

    def only_own_leads(self, user):
        all_leads = self.env.ref("sales_team.group_sale_salesman_all_leads")
        own = self.env.ref("sales_team.group_sale_salesman")
        user.write({"group_ids": [Command.unlink(all_leads.id), Command.link(own.id)]})
        self.env.invalidate_all()

    # === LIVE === #

    def test_browsers_hear_of_conversations_that_may_be_read(self):
        self.only_own_leads(self.other_user)
        names = ["other", f"whatsapp_broadcast/crm.lead/{self.lead.id}"]
        channel = (self.lead, "whatsapp_broadcast")
        for user, heard in ((self.user, [channel]), (self.other_user, [])):
            hear = self.env["ir.websocket"].with_user(user)._open_conversations
            self.assertEqual(hear(names), ["other", *heard])
        self.assertEqual(hear(["whatsapp_broadcast/crm.lead/999999999"]), [])

    def test_what_comes_in_is_told_to_whom_it_is_shown(self):
        message = self.make_message(self.lead)
        with patch.object(type(self.env["bus.bus"]), "_sendone") as send:
            message._notify_conversation()
        told = [call.args[0] for call in send.call_args_list]
        self.assertEqual(
            told,
            [(record, "whatsapp_broadcast") for record in (self.lead, self.partner)],
        )

    # === READ, UNREAD === #

    def test_unread_until_somebody_reads(self):
        messages = self.make_message(self.lead) + self.make_message(self.lead)
        self.assertEqual(self.mine.whatsapp_unread_count, 2)
        self.mine.whatsapp_mark_read()
        self.mine.invalidate_recordset()
        self.assertEqual(self.mine.whatsapp_unread_count, 0)
        self.assertEqual(self.mine.whatsapp_message_count, 2)
        self.assertTrue(all(messages.mapped("seen_at")))

    def test_filters_of_the_inbox(self):
        first = self.make_message(self.lead, 3)
        last = self.make_message(self.lead, 2)
        other = self.make_message(phone=phone(7))
        latest = self.messages.search([("is_latest", "=", True)])
        self.assertEqual(latest, last + other)
        self.assertEqual(first.is_latest, False)
        unanswered = [("direction", "=", "in"), ("is_answered", "=", False)]
        self.assertEqual(self.messages.search(unanswered), first + last + other)
        self.mine.whatsapp_reply(self.number.id, "Hello")
        self.assertEqual(self.messages.search(unanswered), other)

    def test_the_forms_show_it(self):
        self.make_message(self.lead)
        with Form(self.mine) as form:
            self.assertEqual(form.whatsapp_unread_count, 1)
        with Form(self.partner.with_user(self.user)) as form:
            self.assertEqual(form.whatsapp_message_count, 1)


@tagged("post_install", "-at_install")
class TestAnswer(ConversationCommon):
    """What may be sent to one person, and to whom it goes."""

    def reply(self, body="Hello", **values):
        return self.messages.browse(
            self.mine.whatsapp_reply(self.number.id, body, **values)
        )

    def send_template(self, **values):
        return self.messages.browse(
            self.mine.whatsapp_send_template(self.template.id, self.number.id, **values)
        )

    def test_a_text_within_the_window(self):
        said = self.make_message(self.lead, body="Hi")
        message = self.reply(context_message_id=said.provider_message_id)
        self.assertEqual(message.direction, "out")
        self.assertEqual((message.state, message.body), ("queued", "Hello"))
        self.assertTrue(message.due_at)
        self.assertEqual(message.address, PHONE)
        self.assertEqual(message.lead_id, self.lead)
        self.assertEqual(message.partner_id, self.partner)
        self.assertEqual(message.contact_id, said.contact_id)
        self.assertEqual(message.company_id, self.company)
        self.assertEqual(message.context_message_id, said.provider_message_id)
        self.assertEqual(self.talk()["messages"][-1]["quote"]["text"], "Hi")

    def test_a_quote_reaches_the_provider(self):
        said = self.make_message(self.lead, body="Hi")
        message = self.reply(context_message_id=said.provider_message_id)
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT *, 'message' AS table, 'token' AS token"
            " FROM whatsapp_broadcast_message WHERE id = %s",
            [message.id],
        )
        [row] = self.env.cr.dictfetchall()
        channel = Channel(self.account._provider(), "700300", 80)
        body = json.loads(channel.prepare(row).body)
        self.assertEqual(body["context"], {"message_id": said.provider_message_id})

    def test_no_text_outside_the_window(self):
        with self.assertRaisesRegex(UserError, "Send a template"):
            self.reply()
        self.make_message(self.lead, 23.98)  # less than two minutes are left
        with self.assertRaisesRegex(UserError, "Send a template"):
            self.reply()
        self.assertEqual(self.talk()["windows"][0]["seconds_left"], 0)
        self.make_message(self.lead, 23)
        self.assertTrue(self.reply())
        seconds = self.talk()["windows"][0]["seconds_left"]
        self.assertAlmostEqual(seconds, 58 * 60, delta=60)

    def test_no_text_that_says_nothing_or_too_much(self):
        self.make_message(self.lead)
        for body in ("", "  ", None):
            with self.assertRaisesRegex(UserError, "Write the text"):
                self.reply(body)
        with self.assertRaisesRegex(UserError, "4096"):
            self.reply("x" * 4097)

    def test_an_answer_goes_to_who_wrote(self):
        self.make_message(self.lead, phone=phone(5))
        self.assertEqual(self.reply().phone, phone(5))

    def test_a_quote_is_of_this_conversation(self):
        other = self.make_message(self.make_lead(phone(3)), body="Secret")
        self.make_message(self.lead)
        with self.assertRaisesRegex(UserError, "not of this conversation"):
            self.reply(context_message_id=other.provider_message_id)

    def test_who_opted_out_gets_no_text_unless_he_wrote_since(self):
        self.make_message(self.lead, 2)
        self.make_choice(PHONE, purpose="all", since=self.ago(1))
        with self.assertRaisesRegex(UserError, "Opted out of all messages"):
            self.reply()
        self.assertIn("Opted out", self.talk()["windows"][0]["opt_out"])
        self.make_message(self.lead, 0.5, body="But answer me")
        self.assertTrue(self.reply())
        self.assertFalse(self.talk()["windows"][0]["opt_out"])
        with self.assertRaisesRegex(UserError, "Opted out of all messages"):
            self.send_template(variables={"body.2": "May 5"})

    def test_who_opted_out_of_marketing_gets_the_rest(self):
        self.make_choice(PHONE)
        self.assertTrue(self.send_template(variables={"body.2": "May 5"}))
        self.template._write_protected({"category": "marketing"})
        with self.assertRaisesRegex(UserError, "Opted out of marketing"):
            self.send_template(variables={"body.2": "May 5"})

    def test_who_is_blacklisted_gets_nothing(self):
        self.make_message(self.lead)
        self.env["phone.blacklist"].create({"number": PHONE})
        with self.assertRaisesRegex(UserError, "blacklisted"):
            self.reply()

    def test_a_template_outside_the_window(self):
        asked = self.mine.whatsapp_get_template(self.template.id, self.number.id)
        self.assertEqual(
            [(variable["key"], variable["text"]) for variable in asked],
            [("body.1", "Ann"), ("body.2", "")],
        )
        with self.assertRaisesRegex(UserError, r"body\.2"):
            self.send_template()
        message = self.send_template(variables={"body.2": "May 5"})
        self.assertEqual(message.variables, {"body": [["1", "Ann"], ["2", "May 5"]]})
        self.assertEqual(self.said(), ["Dear Ann, *May 5* only"])

    def test_a_template_of_another_account_or_not_approved(self):
        elsewhere = self.make_account("Elsewhere")
        foreign = self.make_template(elsewhere, "news", "Hello")
        with self.assertRaises(UserError):
            self.mine.whatsapp_send_template(foreign.id, self.number.id)
        self.template._write_protected({"state": "paused"})
        with self.assertRaisesRegex(UserError, "not approved"):
            self.send_template(variables={"body.2": "May 5"})

    def test_a_number_that_cannot_send(self):
        self.make_message(self.lead)
        self.number.state = "banned"
        self.assertEqual(self.talk()["windows"], [])
        with self.assertRaisesRegex(UserError, "cannot send"):
            self.reply()

    def test_who_has_no_phone(self):
        self.lead.partner_id = False
        self.lead.phone = False
        self.assertEqual(self.talk()["windows"], [])
        with self.assertRaisesRegex(UserError, "no valid phone"):
            self.send_template(variables={"body.1": "Ann", "body.2": "May 5"})


@tagged("post_install", "-at_install")
class TestFollowers(ConversationCommon):
    """Messages go where their lead or partner goes."""

    def test_merged_leads(self):
        row = self.make_sent(self.lead)
        broadcast = row.broadcast_id
        before = broadcast.get_stats()
        message = self.make_message(self.lead)
        message.contact_id.lead_id = self.lead
        consent = self.make_consent(lead_id=self.lead.id)
        survivor = self.make_lead(phone(4), name="Survivor", type="opportunity")
        self.lead.type = "lead"
        draft = self.make_broadcast(self.lead)
        (survivor + self.lead).merge_opportunity()
        self.assertFalse(self.lead.exists())
        for record in (row, message, consent, message.contact_id):
            self.assertEqual(record.lead_id, survivor)
        self.assertEqual(draft.lead_ids, survivor)
        self.assertEqual(broadcast.get_stats(), before)

    def test_merged_partners(self):
        survivor = self.env["res.partner"].create({"name": "Ann B."})
        row = self.make_sent(self.lead)
        message = self.make_message(self.lead, partner_id=self.partner.id)
        consent = self.make_consent(partner_id=self.partner.id)
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (survivor + self.partner).ids, survivor
        )
        self.env.invalidate_all()
        for record in (row, message, consent, self.lead):
            self.assertEqual(record.partner_id, survivor)

    def test_a_leads_partner_gets_what_the_lead_has(self):
        lead = self.make_lead(phone(4))
        row = self.make_sent(lead)
        message = self.make_message(lead)
        consent = self.make_consent(lead_id=lead.id)
        other = self.make_message(lead, partner_id=self.env.user.partner_id.id)
        lead._handle_partner_assignment(force_partner_id=self.partner.id)
        for record in (row, message, consent):
            self.assertEqual(record.partner_id, self.partner)
        self.assertEqual(other.partner_id, self.env.user.partner_id)

    def test_a_lead_from_an_unknown_sender(self):
        self.number.user_id = self.user
        first = self.make_message(phone=phone(7), profile_name="Zoe", body="Hi")
        second = self.make_message(phone=phone(7), body="Roses?")
        action = second.with_user(self.user).action_create_lead()
        lead = self.env["crm.lead"].browse(action["res_id"])
        self.assertEqual((first + second).lead_id, lead)
        self.assertEqual(lead.phone, phone(7))
        self.assertEqual(lead.user_id, self.user)
        again = first.with_user(self.user).action_create_lead()
        self.assertEqual(again["res_id"], lead.id)
        self.assertEqual(self.said(lead.with_user(self.user)), ["Hi", "Roses?"])

    def test_a_lead_from_somebody_elses_message(self):
        message = self.make_message(phone=phone(7))
        with self.assertRaises(AccessError):
            message.with_user(self.other_user).action_create_lead()

    def make_consent(self, **values):
        return self.env["whatsapp.broadcast.consent"].create(
            {
                "address": PHONE,
                "kind": "opt_in",
                "purpose": "marketing",
                "channel": "form",
                "at": self.ago(5),
                **values,
            }
        )
