from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from ..engine import links
from ..models.channel import Channel
from ..providers import RemoteButton
from .common import BroadcastCommon, phone

OFFER = "https://shop.example/offer"
NEWS = "https://shop.example/news?from=us"
TEXT = f"Look at {OFFER}, or read {NEWS}."
PERSON = "Mozilla/5.0 (Linux; Android 15) Mobile"
PREVIEW = "WhatsApp/2.24.20 A"
TOKEN = "r%s-0123456789abcdef0123456789abcdef"


class LinkCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.base = cls.env["ir.config_parameter"].get_param("web.base.url") + "/w/"
        cls.env["whatsapp.broadcast.contact"].create(
            [
                {
                    "account_id": cls.account.id,
                    "number_id": cls.number.id,
                    "phone": phone(position),
                    "last_inbound_at": cls.env.cr.now(),
                }
                for position in range(2)
            ]
        )
        cls.button_template = cls.make_template(
            cls.account,
            "offer",
            "Hello",
            button_ids=[url_button(cls.base + "{{1}}")],
        )

    def launched(self, count=1, **values):
        """Launch a broadcast, by default of a text, to whoever wrote today."""
        text = {"message_type": "text", "template_id": False, "body": TEXT}
        leads = self.make_leads(count)
        broadcast = self.make_broadcast(leads, **(values or text))
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending", broadcast.state_detail)
        return broadcast

    def claimed(self, broadcast):
        """Give rows tokens, as claims do."""
        for row in broadcast.recipient_ids:
            self.settle(row, "accepted", token=TOKEN % row.id)
        return broadcast.recipient_ids

    def codes(self, broadcast):
        return broadcast.tracked_links["codes"]

    def address(self, broadcast, row, target=OFFER):
        return f"{self.codes(broadcast)[target]}-{links.key_of(TOKEN % row.id)}"


@tagged("post_install", "-at_install")
class TestLinks(LinkCommon):
    def sent(self, broadcast):
        """Return what the provider would be asked to send, for each row."""
        channel = Channel(
            self.account._parser(), self.number.external_id, messages_per_second=80
        )
        channel.learn(self.env.cr, broadcast.ids)
        requests = []
        self.patch(channel, "provider", Recorder(requests))
        for row in self.claimed(broadcast):
            channel.prepare(
                {
                    "table": "recipient",
                    "broadcast_id": broadcast.id,
                    "template_id": row.template_id.id or None,
                    "phone": row.phone,
                    "user_ref": None,
                    "token": TOKEN % row.id,
                    "variables": row.variables or None,
                }
            )
        return requests

    def test_each_person_gets_links_of_his_own(self):
        broadcast = self.launched(count=2)
        rows = broadcast.recipient_ids
        first, second = (message.text for message in self.sent(broadcast))
        self.assertEqual(
            first,
            f"Look at {self.base}{self.address(broadcast, rows[0])}, or read "
            f"{self.base}{self.address(broadcast, rows[0], NEWS)}.",
        )
        self.assertEqual(
            second, first.replace(f"r{rows[0].id}-", f"r{rows[1].id}-"), "each his own"
        )

    def test_trackers_say_where_people_come_from(self):
        campaign = self.env["utm.campaign"].create({"name": "Spring"})
        broadcast = self.launched(
            message_type="text",
            template_id=False,
            body=TEXT,
            name="Hello",
            campaign_id=campaign.id,
        )
        trackers = self.env["link.tracker"].search(
            [("whatsapp_broadcast_id", "=", broadcast.id)]
        )
        self.assertEqual(set(trackers.mapped("url")), {OFFER, NEWS})
        self.assertEqual(trackers.campaign_id, campaign)
        self.assertEqual(trackers.source_id, broadcast.source_id)
        self.assertEqual(trackers.medium_id.name, "WhatsApp")
        self.assertEqual(broadcast.link_count, 2)

    def test_who_does_not_want_to_count_sends_the_text_as_it_is(self):
        broadcast = self.launched(
            message_type="text", template_id=False, body=TEXT, track_links=False
        )
        [message] = self.sent(broadcast)
        self.assertEqual(message.text, TEXT)
        self.assertFalse(broadcast.link_count)

    def test_a_caption_has_links_too(self):
        broadcast = self.launched(
            message_type="media",
            template_id=False,
            media_kind="image",
            media_link="https://shop.example/a.png",
            media_caption=OFFER,
        )
        [message] = self.sent(broadcast)
        row = broadcast.recipient_ids
        self.assertEqual(
            message.media.caption, self.base + self.address(broadcast, row)
        )
        self.assertEqual(message.media.link, "https://shop.example/a.png")

    def test_a_button_that_leads_here(self):
        broadcast = self.launched(
            template_id=self.button_template.id,
            template_params={"button.0": {"text": OFFER}},
        )
        self.assertTrue(self.button_template.button_ids.is_tracked)
        [message] = self.sent(broadcast)
        [button] = message.template.buttons
        row = broadcast.recipient_ids
        self.assertEqual(button.value, self.address(broadcast, row))
        self.assertEqual(row.variables, {"button": [[0, "url", OFFER]]})

    def test_a_button_must_say_where_it_leads(self):
        for value in ({"text": "spring"}, {"field": "name"}, {"text": "ftp://a.b/"}):
            broadcast = self.make_broadcast(
                self.make_lead("+12125550100"),
                template_id=self.button_template.id,
                template_params={"button.0": value},
            )
            with self.assertRaisesRegex(UserError, "give the whole address"):
                broadcast.action_launch()

    def test_a_test_message_counts_for_nobody(self):
        broadcast = self.make_broadcast(
            self.make_lead("+12125550100"),
            message_type="text",
            template_id=False,
            body=TEXT,
        )
        broadcast.action_send_test(["+12125550199"])
        message = self.env["whatsapp.broadcast.message"].search(
            [("broadcast_id", "=", broadcast.id)]
        )
        codes = self.codes(broadcast)
        self.assertEqual(
            message.body,
            f"Look at {self.base}{codes[OFFER]}, or read {self.base}{codes[NEWS]}.",
        )
        self.assertEqual(broadcast.body, TEXT)

    def test_a_test_leaves_the_links_that_are_out(self):
        broadcast = self.launched()
        sent = broadcast.tracked_links
        broadcast.campaign_id = self.env["utm.campaign"].create({"name": "Spring"})
        broadcast.action_send_test(["+12125550199"])
        self.assertEqual(broadcast.tracked_links, sent)

    def test_a_text_has_room_for_its_links(self):
        text = "x" * 4070 + " https://a.b/c"
        broadcast = self.make_broadcast(
            self.make_lead("+12125550100"),
            message_type="text",
            template_id=False,
            body=text,
        )
        with self.assertRaisesRegex(UserError, "at most 4096"):
            broadcast.action_launch()
        broadcast.track_links = False
        broadcast.action_launch()

    def test_a_draft_that_was_changed_has_new_links(self):
        broadcast = self.launched()
        broadcast.action_back_to_draft()
        broadcast.body = f"Only {OFFER}"
        broadcast.action_launch()
        self.run_prepare()
        self.assertEqual(list(self.codes(broadcast)), [OFFER])
        found = broadcast.action_open_links()["domain"]
        self.assertEqual(self.env["link.tracker"].search(found).url, OFFER)

    def test_a_mark_outlives_a_new_address_of_this_server(self):
        button = self.button_template.button_ids
        self.env["ir.config_parameter"].set_param(
            "web.base.url", "https://new.example.com"
        )
        button._merge_remote(
            self.button_template,
            [RemoteButton(index=0, kind="url", text="Look", url=button.url, phone="")],
        )
        self.assertTrue(self.button_template.button_ids.is_tracked)
        others = self.make_template(
            self.account,
            "theirs",
            "Hello",
            button_ids=[url_button("https://shop.example/w/{{1}}")],
        )
        self.assertFalse(others.button_ids.is_tracked)

    def test_no_one_writes_what_became_of_links(self):
        broadcast = self.make_broadcast()
        with self.assertRaises(UserError):
            broadcast.tracked_links = {"base": "https://evil.example/", "codes": {}}


@tagged("post_install", "-at_install")
class TestClicks(LinkCommon, HttpCase):
    def press(self, address, agent=PERSON, **options):
        return self.url_open(
            f"/w/{address}",
            headers={"User-Agent": agent},
            allow_redirects=False,
            **options,
        )

    def counted(self, broadcast):
        """Return (people who pressed, {address: who pressed it})."""
        self.env.invalidate_all()
        found = broadcast.action_open_links()["domain"]
        trackers = self.env["link.tracker"].search(found)
        broadcast.invalidate_recordset()
        return broadcast.clicked_count, {one.url: one.count for one in trackers}

    def test_a_click_is_counted_once_and_leads_on(self):
        broadcast = self.launched(count=2)
        first, second = self.claimed(broadcast)
        answer = self.press(self.address(broadcast, first))
        self.assertEqual(answer.status_code, 302)
        self.assertTrue(answer.headers["Location"].startswith(f"{OFFER}?"))
        self.assertIn("utm_medium=WhatsApp", answer.headers["Location"])
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertNotIn("Set-Cookie", answer.headers)
        self.assertEqual(self.counted(broadcast), (1, {OFFER: 1, NEWS: 0}))
        self.assertTrue(first.clicked_at)
        for row, target in ((first, OFFER), (first, NEWS), (second, OFFER)):
            answer = self.press(self.address(broadcast, row, target))
            self.assertEqual(answer.status_code, 302)
        self.assertEqual(self.counted(broadcast), (2, {OFFER: 2, NEWS: 1}))

    def test_what_nobody_presses_is_not_counted(self):
        broadcast = self.launched()
        row = self.claimed(broadcast)
        address = self.address(broadcast, row)
        self.assertEqual(self.press(address, PREVIEW).status_code, 302)
        self.assertEqual(self.press(address, method="HEAD").status_code, 302)
        code = self.codes(broadcast)[OFFER]
        forged = f"{code}-r{row.id}-ffffffffff"
        for other in (code, f"{code}-", forged, f"{code}-r1", f"{code}-{'9' * 40}"):
            self.assertEqual(self.press(other).status_code, 302, other)
        self.assertEqual(self.counted(broadcast), (0, {OFFER: 0, NEWS: 0}))

    def test_a_link_of_another_broadcast_counts_for_neither(self):
        broadcast, other = self.launched(), self.launched()
        [row] = self.claimed(broadcast)
        key = links.key_of(TOKEN % row.id)
        self.assertEqual(
            self.press(f"{self.codes(other)[OFFER]}-{key}").status_code, 302
        )
        self.assertEqual(self.counted(broadcast)[0], 0)
        self.assertEqual(self.counted(other)[1][OFFER], 0)

    def test_a_link_of_an_earlier_try_counts(self):
        broadcast = self.launched()
        [row] = self.claimed(broadcast)
        old = f"r{row.id}-fedcba9876543210fedcba9876543210"
        self.env["whatsapp.broadcast.attempt"].create(
            {"recipient_id": row.id, "token": old, "result": "unknown"}
        )
        self.press(f"{self.codes(broadcast)[OFFER]}-{links.key_of(old)}")
        self.assertEqual(self.counted(broadcast)[0], 1)

    def test_a_link_leads_nowhere_only_if_nobody_made_it(self):
        self.assertEqual(self.press("nosuchcode").status_code, 404)
        broadcast = self.launched()
        address = self.address(broadcast, broadcast.recipient_ids)
        broadcast.action_back_to_draft()  # its recipients are gone
        self.assertEqual(self.press(address).status_code, 302)

    def test_whoever_presses_gets_to_the_page_counted_or_not(self):
        broadcast = self.launched()
        [row] = self.claimed(broadcast)
        trackers = type(self.env["link.tracker"])
        busy = psycopg2.OperationalError("canceling statement due to lock timeout")
        with patch.object(trackers, "_count_whatsapp_click", side_effect=busy):
            answer = self.press(self.address(broadcast, row))
        self.assertEqual(answer.status_code, 302)
        self.assertTrue(answer.headers["Location"].startswith(OFFER))

    def test_trackers_are_counted_for_campaigns_by_the_cron(self):
        broadcast = self.launched()
        [row] = self.claimed(broadcast)
        self.press(self.address(broadcast, row))
        broadcast._write_protected({"started_at": self.env.cr.now()})
        self.env["link.tracker"]._cron_count_whatsapp_clicks()
        tracker = self.env["link.tracker"].search(
            [("whatsapp_broadcast_id", "=", broadcast.id), ("url", "=", OFFER)]
        )
        self.assertEqual(tracker.count, 1)


def url_button(url):
    return Command.create({"index": 0, "kind": "url", "text": "Look", "url": url})


class Recorder:
    """A provider that keeps what it is asked to send."""

    def __init__(self, messages):
        self.messages = messages

    def prepare_send(self, message):
        self.messages.append(message)
