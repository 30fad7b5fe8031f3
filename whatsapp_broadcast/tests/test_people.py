from datetime import timedelta

from odoo import fields
from odoo.tests import tagged

from ..models import whatsapp_broadcast_audience
from ..providers import IdentityEvent, InboundEvent, PreferenceEvent, StatusEvent
from .common import BroadcastCommon

#: One Brazilian phone, as people write it and as WhatsApp does.
WRITTEN, NAMED = "+5511987654321", "+551187654321"
MEXICAN, MEXICAN_NAMED = "+525512345678", "+5215512345678"


@tagged("post_install", "-at_install")
class TestPeople(BroadcastCommon):
    """What a person said holds by each name that the person has."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketing = cls.make_template(
            cls.account, "offer", "Buy", category="marketing"
        )
        cls.brazil = {"country_id": cls.env.ref("base.br").id}
        cls.now = fields.Datetime.now()
        cls.count = 0

    def says(self, text, minutes=0, **values):
        """Let somebody write to the number, and merge it."""
        type(self).count += 1
        event = InboundEvent(
            **{
                "number_id": self.number.external_id,
                "at": self.now + timedelta(minutes=minutes),
                "message_id": f"wamid.in{self.count}",
                "message_type": "text",
                "text": text,
                **values,
            }
        )
        self.merge(event)
        return event

    def prefers(self, opted_out, minutes=0, **values):
        self.merge(
            PreferenceEvent(
                number_id=self.number.external_id,
                at=self.now + timedelta(minutes=minutes),
                opted_out=opted_out,
                **values,
            )
        )

    def changes(self, **names):
        """Let somebody get another name."""
        number_id = self.number.external_id
        self.merge(IdentityEvent(number_id=number_id, at=self.now, **names))

    def fate(self, phone, template=None, **values):
        """Return what becomes of a lead with this phone in a new broadcast."""
        lead = self.make_lead(phone, **values)
        template = template or self.template
        reasons = self.reviewed(lead, template_id=template.id)
        return reasons[lead.phone_sanitized]

    def known(self):
        return self.env["whatsapp.broadcast.contact"].search([])

    # === STOP, BY ANY NAME === #

    def test_stop_from_the_short_brazilian_form(self):
        self.says("STOP", phone=NAMED)
        self.assertEqual(self.fate(WRITTEN, **self.brazil), "opted_out")

    def test_stop_from_the_long_brazilian_form(self):
        self.says("STOP", phone=WRITTEN)
        self.assertEqual(self.fate(NAMED, **self.brazil), "opted_out")

    def test_stop_from_mexico(self):
        self.says("alto", phone=MEXICAN_NAMED)
        self.assertEqual(self.fate(MEXICAN), "queued")
        self.says("BAJA", phone=MEXICAN_NAMED)
        self.assertEqual(self.fate(MEXICAN), "opted_out")

    def test_stop_by_user_id_of_whom_we_wrote_to(self):
        broadcast = self.make_broadcast(self.make_lead("+12125550100"))
        broadcast.action_review()
        broadcast.recipient_ids.sudo().write({"user_ref": "US.1"})
        self.says("stop", user_ref="US.1")
        self.assertEqual(self.fate("+12125550100"), "opted_out")

    def test_stop_by_user_id_holds_once_a_status_tells_the_phone(self):
        self.says("stop", user_ref="US.1")
        broadcast = self.make_broadcast(self.make_lead("+12125550100"))
        broadcast.action_review()
        broadcast.recipient_ids.sudo().write(
            {"state": "sent", "provider_message_id": "wamid.1"}
        )
        self.assertEqual(self.fate("+12125550100"), "queued")
        self.merge(
            StatusEvent(
                number_id=self.number.external_id,
                at=self.now,
                message_id="wamid.1",
                status="delivered",
                user_ref="US.1",
            )
        )
        self.assertEqual(self.fate("+12125550100"), "opted_out")

    def test_stop_by_parent_id(self):
        self.says("hi", phone="+12125550100", user_ref="US.1", parent_ref="P.1")
        self.says("STOP", user_ref="US.2", parent_ref="P.1")
        self.assertEqual(self.fate("+12125550100"), "opted_out")
        self.assertEqual(len(self.known()), 1)

    def test_a_changed_number_takes_its_stop_along(self):
        self.says("STOP", phone="+12125550100")
        self.changes(phone="+12125550100", new_phone="+12125550199")
        self.assertEqual(self.fate("+12125550199"), "opted_out")
        self.assertEqual(self.known().phone, "+12125550199")

    def test_a_changed_user_id_takes_its_stop_along(self):
        self.says("STOP", user_ref="US.1")
        self.changes(user_ref="US.1", new_user_ref="US.2")
        self.says("hello", user_ref="US.2", phone="+12125550100", minutes=1)
        self.assertEqual(self.fate("+12125550100"), "opted_out")

    def test_the_next_owner_of_a_phone_is_somebody_else(self):
        self.says("hello", phone="+12125550100", profile_name="Ann")
        self.changes(phone="+12125550100", new_phone="+12125550199")
        self.says("hello", phone="+12125550100", profile_name="Bob", minutes=1)
        self.assertEqual(
            dict(self.known().mapped(lambda c: (c.phone, c.name))),
            {"+12125550199": "Ann", "+12125550100": "Bob"},
        )

    def test_two_who_turn_out_to_be_one_are_one(self):
        self.says("hello", phone="+12125550100")
        self.says("STOP", user_ref="US.1", minutes=1)
        self.assertEqual(len(self.known()), 2)
        self.assertEqual(self.fate("+12125550100"), "queued")
        self.says("hello", phone="+12125550100", user_ref="US.1", minutes=2)
        self.assertEqual(len(self.known()), 1)
        self.assertEqual(self.fate("+12125550100"), "opted_out")
        messages = self.env["whatsapp.broadcast.message"].search([])
        self.assertEqual(messages.contact_id, self.known())

    # === WHAT A WORD DOES === #

    def test_words_alone_with_any_sign_stop(self):
        for position, text in enumerate(("Stop!", " «STOP» ", "stop 🛑", "ＳＴＯＰ")):
            phone = f"+1212555{position + 100:04}"
            self.says(text, phone=phone)
            self.assertEqual(self.fate(phone), "opted_out", text)

    def test_near_misses_go_to_a_person(self):
        texts = ("please stop writing", "nonstop", "stop it now", "")
        for position, text in enumerate(texts):
            phone = f"+1212555{position + 100:04}"
            self.says(text, phone=phone)
            self.assertEqual(self.fate(phone), "queued", text)

    def test_a_companys_stop_may_be_for_marketing_only(self):
        self.number.company_ids = self.company
        self.company.whatsapp_stop_scope = "marketing"
        self.says("STOP", phone="+12125550100")
        self.assertEqual(self.fate("+12125550100"), "queued")
        self.assertEqual(self.fate("+12125550100", self.marketing), "opted_out")

    def test_another_company_may_still_write(self):
        self.number.company_ids = self.make_company()
        self.says("STOP", phone="+12125550100")
        other = self.make_number(self.account, "Other", [self.company])
        lead = self.make_lead("+12125550100")
        self.assertEqual(
            self.reviewed(lead, number_id=other.id), {"+12125550100": "queued"}
        )

    def test_a_button_marked_as_opt_out_is_for_marketing(self):
        button = self.env["whatsapp.broadcast.template.button"].create(
            {"template_id": self.marketing.id, "index": 0, "text": "No offers"}
        )
        # That of the provider, whose content nobody here may change.
        self.marketing.with_user(self.manager).opt_out_button_ids = button
        self.assertTrue(button.is_opt_out)
        broadcast = self.make_broadcast(
            self.make_lead("+12125550100"), template_id=self.marketing.id
        )
        broadcast.action_review()
        broadcast.recipient_ids.sudo().write(
            {"state": "read", "provider_message_id": "wamid.1"}
        )
        self.says(
            "No offers",
            phone="+12125550100",
            message_type="button",
            context_id="wamid.1",
        )
        self.assertEqual(self.fate("+12125550100", self.marketing), "opted_out")
        self.assertEqual(self.fate("+12125550100"), "queued")
        self.assertTrue(broadcast.recipient_ids.clicked_at)
        self.assertEqual(broadcast.get_stats()["clicked_count"], 1)

    # === WHO MAY TAKE IT BACK === #

    def test_start_takes_back_a_stop_and_nothing_else(self):
        self.says("STOP", phone="+12125550100")
        self.says("START", phone="+12125550100", minutes=1)
        self.assertEqual(self.fate("+12125550100"), "queued")
        self.prefers(True, 2, phone="+12125550100")
        self.says("START", phone="+12125550100", minutes=3)
        self.assertEqual(self.fate("+12125550100", self.marketing), "opted_out")
        self.prefers(False, 4, phone="+12125550100")
        self.assertEqual(self.fate("+12125550100", self.marketing), "queued")

    def test_a_resume_in_whatsapp_does_not_undo_a_stop(self):
        self.says("STOP", phone="+12125550100")
        self.prefers(False, 1, phone="+12125550100")
        self.assertEqual(self.fate("+12125550100"), "opted_out")

    def test_start_undoes_no_entry_of_a_person_and_no_blacklist(self):
        self.make_choice("+12125550100", purpose="all", channel="person")
        self.env["phone.blacklist"].create({"number": "+12125550101"})
        for phone in ("+12125550100", "+12125550101"):
            self.says("START", phone=phone, minutes=1)
            self.assertEqual(self.fate(phone), "opted_out")

    def test_a_stop_that_comes_late_does_not_undo_a_newer_start(self):
        self.says("START", phone="+12125550100", minutes=5)
        self.says("STOP", phone="+12125550100", minutes=1)
        self.assertEqual(self.fate("+12125550100"), "queued")

    def test_stop_wins_a_tie(self):
        self.says("START", phone="+12125550100")
        self.says("STOP", phone="+12125550100")
        self.says("START", phone="+12125550100")
        self.assertEqual(self.fate("+12125550100"), "opted_out")

    def test_a_delivery_that_comes_twice_is_one_word(self):
        event = self.says("STOP", phone="+12125550100")
        self.says("START", phone="+12125550100", minutes=1)
        self.merge(event)
        self.assertEqual(self.fate("+12125550100"), "queued")
        kinds = self.env["whatsapp.broadcast.consent"].search([]).mapped("kind")
        self.assertEqual(sorted(kinds), ["opt_in", "opt_out", "resume"])

    # === CONSENT === #

    def test_required_consent_leaves_out_who_gave_none(self):
        self.company.whatsapp_consent_rule = "require"
        self.assertEqual(self.fate("+12125550100", self.marketing), "no_consent")
        self.assertEqual(self.fate("+12125550100"), "queued")
        self.number.company_ids = self.company
        self.says("START", phone="+12125550100")
        broadcast = self.make_broadcast(
            self.make_lead("+12125550100"), template_id=self.marketing.id
        )
        broadcast.action_review()
        row = broadcast.recipient_ids
        self.assertEqual(row.state, "queued")
        consent = row.consent_id.with_user(self.manager)
        self.assertEqual((consent.kind, consent.wording), ("opt_in", "START"))

    # === ONE PERSON, ONE MESSAGE === #

    def test_both_forms_of_a_phone_in_an_audience_are_one_person(self):
        leads = self.make_lead("+54 9 11 2345-6789") + self.make_lead("+541123456789")
        self.assertEqual(len(set(leads.mapped("phone_sanitized"))), 2)
        states = sorted(self.reviewed(leads).values())
        self.assertEqual(states, ["duplicate", "queued"])

    def test_so_they_are_in_two_chunks(self):
        self.patch(whatsapp_broadcast_audience, "CHUNK", 1)
        leads = self.make_lead("+54 9 11 2345-6789") + self.make_lead("+541123456789")
        states = sorted(self.reviewed(leads).values())
        self.assertEqual(states, ["duplicate", "queued"])

    def test_both_phones_of_who_changed_it_are_one_person(self):
        self.says("hello", phone="+12125550100")
        self.changes(phone="+12125550100", new_phone="+12125550199")
        leads = self.make_lead("+12125550100") + self.make_lead("+12125550199")
        states = sorted(self.reviewed(leads).values())
        self.assertEqual(states, ["duplicate", "queued"])

    def test_the_window_is_open_by_each_form(self):
        self.says("hello", phone=NAMED)
        lead = self.make_lead(WRITTEN, **self.brazil)
        text = {"message_type": "text", "body": "Hi", "template_id": False}
        self.assertEqual(self.reviewed(lead, **text), {WRITTEN: "queued"})
