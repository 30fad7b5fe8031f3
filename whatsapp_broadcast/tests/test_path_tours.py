from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged

from ..models.whatsapp_broadcast import PREPARED
from ..providers import TransportError
from ..providers.transport import Transport
from .common import phone
from .test_report import DAILY, ReportCommon
from .test_sources import AudienceCommon


class PathCommon(ReportCommon, AudienceCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        error = TransportError("timed out", written=False)
        cls.startClassPatcher(patch.object(Transport, "__call__", side_effect=error))

    def walk(self, tour, broadcast, user=None):
        """Walk a tour from the form of a broadcast."""
        self.walk_from(f"/odoo/whatsapp-broadcasts/{broadcast.id}", tour, user)
        broadcast.invalidate_recordset()

    def walk_from(self, url, tour, user=None):
        login = (user or self.user).login
        self.start_tour(url, f"whatsapp_broadcast_{tour}", login=login)


@tagged("post_install", "-at_install")
class TestDraftTours(PathCommon):
    """Choosing whom and what, as a plain user and as a manager."""

    def test_audience(self):
        ann, bob, cid, _dan = leads = self.make_leads(4)
        for lead, name in zip(leads, ("Ann", "Bob", "Cid", "Dan"), strict=True):
            lead.name = name
        self.sent_before(cid)
        leads += self.make_lead(False)
        self.make_list(ann + bob + cid, name="Newsletter")
        self.make_list(bob, name="Partners")
        broadcast = self.make_broadcast(leads)
        self.walk("choose_audience", broadcast)
        self.assertEqual(
            self.reasons(broadcast),
            {phone(0): "queued", phone(1): "excluded", phone(2): "recently_messaged"},
        )

    def test_filter(self):
        self.make_leads(2, city="Lima")
        self.make_lead(phone(3), city="Rome")
        broadcast = self.make_broadcast(audience_domain="[('city', '=', 'Lima')]")
        broadcast.audience_type = "filter"
        self.walk("filter_audience", broadcast)
        self.assertEqual(len(broadcast.recipient_ids), 1)

    def test_earlier_broadcast(self):
        self.make_settled(name="Spring Offer")
        broadcast = self.make_broadcast()
        self.walk("earlier", broadcast)
        self.assertEqual(
            self.reasons(broadcast), {phone(0): "queued", phone(1): "queued"}
        )

    def test_languages(self):
        self.env["res.lang"]._activate_lang("es_MX")
        spanish = self.make_template(self.account, "news", "Hola", language="es")
        self.make_template(self.account, "news", "Salut", "paused", language="fr")
        leads = self.make_leads(2)
        leads[0].lang_id = self.env["res.lang"]._get_data(code="es_MX").id
        broadcast = self.make_broadcast(leads)
        self.walk("languages", broadcast)
        self.assertEqual(broadcast.recipient_ids.template_id, self.template + spanish)


@tagged("post_install", "-at_install")
class TestCourseTours(PathCommon):
    """Launching, and what may be done while a broadcast runs and after."""

    def test_two_messages(self):
        second = self.make_template(self.account, "second", "Hi")
        broadcast = self.make_broadcast(self.make_leads(40))
        self.walk("test_messages", broadcast)
        self.run_prepare()
        self.assertEqual((broadcast.ab_share, broadcast.ab_is_manual), (50, True))
        of_second = broadcast.recipient_ids.filtered(lambda r: r.variant == "B")
        self.assertEqual(of_second.template_id, second)
        self.settle(of_second[:2], "read", accepted_at=self.sent_at)
        self.settle(of_second[2:], "cancelled")
        rest = broadcast.recipient_ids.filtered(lambda r: not r.variant)
        self.walk("choose_message", broadcast, self.manager)
        self.assertEqual(broadcast.ab_winner, "B")
        self.run_prepare()
        self.assertEqual(rest.template_id, second)

    def test_schedule(self):
        broadcast = self.make_broadcast(
            self.make_leads(2) + self.make_lead(False),
            name="Spring Offer",
            scheduled_at=fields.Datetime.now() + timedelta(minutes=5),
        )
        self.walk("schedule", broadcast)
        self.assertEqual(broadcast.state, "draft")
        self.assertFalse(broadcast.recipient_ids)

    def cancel_and_duplicate(self, user):
        broadcast = self.make_prepared(4)
        sent, unknown, *_rest = broadcast.recipient_ids
        self.settle(sent, "delivered", accepted_at=self.sent_at)
        self.settle(unknown, "unknown", token="r1-x")
        self.walk("cancel_and_duplicate", broadcast, user)
        self.assertEqual(broadcast.state, "cancelled")
        copy = self.env["whatsapp.broadcast"].search(
            [("earlier_broadcast_ids", "in", broadcast.ids)]
        )
        self.assertEqual((copy.create_uid, copy.user_id), (user, broadcast.user_id))

    def test_cancel_and_duplicate_as_a_user(self):
        self.cancel_and_duplicate(self.user)

    def test_cancel_and_duplicate_of_somebody_else_as_a_manager(self):
        self.cancel_and_duplicate(self.manager)

    def test_retry(self):
        broadcast = self.make_settled()
        broadcast._write_protected({"audience_cursor": PREPARED})
        self.walk("retry", broadcast)
        states = broadcast.recipient_ids.mapped("state")
        self.assertEqual((states[6], states[7]), ("failed", "queued"))

    def test_recipients(self):
        self.user.group_ids += self.env.ref("base.group_allow_export")
        self.walk("recipients", self.make_settled())


@tagged("post_install", "-at_install")
class TestRulesTours(PathCommon):
    """What managers and administrators set, and where users see it."""

    def test_rates(self):
        self.company.currency_id = self.env.ref("base.USD")
        self.walk_from("/odoo/whatsapp-rates", "change_rate", self.administrator)
        self.walk("cost", self.make_broadcast(self.make_leads(2)))

    def test_countries(self):
        self.make_settled()
        self.env[DAILY]._cron_refresh()
        action = "whatsapp_broadcast.whatsapp_broadcast_restriction_action"
        self.walk_from(f"/odoo/action-{action}", "add_country", self.manager)
        [restriction] = self.env["whatsapp.broadcast.restriction"].search([])
        self.assertEqual(restriction.country_id, self.env.ref("base.us"))
        template = self.make_marketing()
        leads = self.env["crm.lead"].search([("phone", "in", (phone(0), phone(1)))])
        broadcast = self.make_broadcast(leads[:2], template_id=template.id)
        self.walk("country_left_out", broadcast)

    def test_consent(self):
        lead = self.make_lead(phone(0), type="opportunity")
        url = f"/odoo/action-crm.crm_lead_action_pipeline/{lead.id}"
        self.walk_from(url, "record_consent")
        consent = self.env["whatsapp.broadcast.consent"].search(
            [("lead_id", "=", lead.id)]
        )
        self.assertEqual((consent.kind, consent.evidence), ("opt_out", "A call"))
        self.assertEqual(lead.whatsapp_permission, "opted_out_marketing")
