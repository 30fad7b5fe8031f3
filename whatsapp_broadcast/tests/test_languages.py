import json

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..engine import queries
from ..models.channel import Channel
from .common import BroadcastCommon, phone


@tagged("post_install", "-at_install")
class TestLanguages(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for code in ("es_MX", "pt_BR", "fr_FR"):
            cls.env["res.lang"]._activate_lang(code)
        cls.spanish = cls.make_template(cls.account, "news", "Hola", language="es")
        cls.brazilian = cls.make_template(cls.account, "news", "Oi", language="pt_BR")

    def make_speaker(self, position, code=False):
        lang = self.env["res.lang"]._get_data(code=code)
        return self.make_lead(phone(position), lang_id=code and lang.id)

    def templates(self, broadcast):
        return {row.phone: row.template_id for row in broadcast.recipient_ids}

    def test_each_gets_the_translation(self):
        codes = ("es_MX", "pt_BR", "fr_FR", False)
        leads = [self.make_speaker(n, code) for n, code in enumerate(codes)]
        partner = self.env["res.partner"].create({"name": "Ana", "lang": "es_MX"})
        leads.append(self.make_lead(phone(4), partner_id=partner.id, lang_id=False))
        leads = self.env["crm.lead"].union(*leads)
        broadcast = self.make_broadcast(leads, in_recipient_language=True)
        broadcast.action_review()
        self.assertEqual(
            self.templates(broadcast),
            {
                phone(0): self.spanish,
                phone(1): self.brazilian,
                phone(2): self.template,
                phone(3): self.template,
                phone(4): self.spanish,
            },
        )
        langs = {row.phone: row.lang for row in broadcast.recipient_ids}
        self.assertEqual(langs[phone(1)], "pt_BR")
        plain = self.make_broadcast(leads)
        plain.action_review()
        self.assertEqual(set(self.templates(plain).values()), {self.template})

    def test_contacts_have_a_language(self):
        partner = self.env["res.partner"].create(
            {"name": "Ana", "phone": phone(0), "lang": "pt_BR"}
        )
        broadcast = self.make_broadcast(
            audience_type="contacts",
            partner_ids=[Command.set(partner.ids)],
            in_recipient_language=True,
        )
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.template_id, self.brazilian)

    def test_unfit_translations_are_named_and_not_used(self):
        self.spanish._write_protected({"state": "paused"})
        self.make_variable(self.brazilian, "1")
        lead = self.make_speaker(0, "es_MX") + self.make_speaker(1, "pt_BR")
        broadcast = self.make_broadcast(lead, in_recipient_language=True)
        self.assertFalse(broadcast.translation_ids)
        unfit = broadcast.unfit_translation_ids
        self.assertEqual(unfit, self.spanish + self.brazilian)
        broadcast.action_review()
        self.assertEqual(broadcast.recipient_ids.template_id, self.template)

    def test_a_paused_translation_stops_it(self):
        broadcast = self.make_broadcast(
            self.make_speaker(0, "es_MX"), in_recipient_language=True
        )
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")
        self.spanish._write_protected({"state": "paused"})
        self.env.flush_all()
        values = {"template_id": self.spanish.id}
        self.env.cr.execute(queries.PAUSE_UNSENDABLE_BY_TEMPLATE, values)
        broadcast.invalidate_recordset()
        self.assertEqual(
            (broadcast.state, broadcast.state_reason, broadcast.state_detail),
            ("paused", "template", "paused"),
        )
        with self.assertRaisesRegex(UserError, "not approved"):
            broadcast.action_resume()
        self.spanish._write_protected({"state": "approved"})
        broadcast.action_resume()
        self.assertEqual(broadcast.state, "sending")

    def test_each_row_is_said_in_its_language(self):
        leads = self.make_speaker(0, "es_MX") + self.make_speaker(1)
        broadcast = self.make_broadcast(leads, in_recipient_language=True)
        broadcast.action_launch()
        self.run_prepare()
        channel = Channel(self.account._parser(), self.number.external_id, 80)
        channel.learn(self.env.cr, broadcast.ids)
        said = {}
        for row in broadcast.recipient_ids:
            claimed = row.read(load=None)[0] | {"table": "recipient", "token": "r1"}
            request = channel.prepare({**claimed, "broadcast_id": broadcast.id})
            template = json.loads(request.body)["template"]
            said[row.phone] = (template["name"], template["language"]["code"])
        self.assertEqual(said, {phone(0): ("news", "es"), phone(1): ("news", "en_US")})
