"""What does not come by webhook is read, and what comes for nobody is shown."""

import hashlib
import hmac
import json
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from ..engine import queries
from ..models.whatsapp_broadcast_lane import Housekeeping
from ..providers import TransportError
from ..providers.transport import Transport
from .test_connect import NUMBER, TEMPLATE, ok, refusal
from .test_news import NewsCommon

NEWS = TEMPLATE | {
    "id": "id-news",
    "name": "news",
    "category": "UTILITY",
    "components": [{"type": "BODY", "text": "Hello"}],
}
HERE = ok(webhook_configuration={"application": "https://odoo.example/"})
ELSEWHERE = ok(
    webhook_configuration={"whatsapp_business_account": "https://partner.example/"}
)


class AttendCommon(NewsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Those of the demo data are not to be asked.
        others = cls.env["whatsapp.broadcast.account"].search([]) - cls.account
        others._write_protected({"state": "draft"})
        cls.cron = cls.env.ref("whatsapp_broadcast.ir_cron_attend")

    def attend(self):
        """Run the cron as the scheduler would."""
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.assertIs(self.cron.method_direct_trigger(), True)
        self.env.invalidate_all()

    def an_hour_later(self):
        self.account._write_protected({"checked_at": False})
        self.attend()


@tagged("post_install", "-at_install")
class TestAttend(AttendCommon):
    # === ACCOUNTS === #

    def test_who_is_heard_well_is_asked_for_callbacks_only_and_once_an_hour(self):
        requests = self.answer(HERE)
        self.attend()
        self.attend()
        self.assertEqual(len(requests), 1)
        self.assertIn("webhook_configuration", requests[0].url)
        self.assertFalse(self.account.has_override)

    def test_what_goes_elsewhere_is_read_each_hour(self):
        broadcast = self.make_prepared(1)
        paused = NEWS | {"status": "PAUSED"}
        red = NUMBER | {"messages_per_second": 80, "quality_rating": "YELLOW"}
        self.answer(
            *(ELSEWHERE, ok(id="1", name="Garden"), ok(data=[red]), ok(data=[paused])),
            *(HERE,),
        )
        self.attend()
        self.assertTrue(self.account.has_override)
        self.assertEqual(self.template.state, "paused")
        self.assertEqual(self.number.quality, "yellow")
        self.assertEqual(broadcast.state, "paused")
        self.assertTrue(self.told(self.administrator, self.template))
        checklist = self.account.with_user(self.administrator).checklist
        self.assertIn("A callback URL is overridden", checklist)
        self.an_hour_later()
        self.assertFalse(self.account.has_override)

    def test_the_deaf_are_read(self):
        self.account._write_protected({"state": "deaf"})
        requests = self.answer(
            HERE, ok(id="1", name="Garden"), ok(data=[NUMBER]), ok(data=[NEWS])
        )
        self.attend()
        self.assertEqual(len(requests), 4)

    def test_a_dead_token_stops_the_account(self):
        broadcast = self.make_prepared(1)
        self.answer(refusal(190, "Session has expired"))
        self.attend()
        self.assertEqual(self.account.state, "error")
        self.assertEqual(broadcast.state_reason, "credentials")
        self.assertTrue(self.told(self.administrator, self.account))

    def test_who_cannot_be_reached_is_asked_again_in_an_hour(self):
        error = TransportError("timed out", written=False)
        self.startPatcher(patch.object(Transport, "__call__", side_effect=error))
        with self.assertLogs("odoo.addons.whatsapp_broadcast", "WARNING") as logs:
            self.attend()
        self.assertNotIn("EAAtoken", str(logs.output))
        self.assertEqual(self.account.state, "connected")
        self.assertTrue(self.account.checked_at)

    def test_no_transaction_is_open_during_a_call(self):
        course = []
        crons = self.env["ir.cron"]
        commit = type(crons)._commit_progress

        def spy(cron, *args, **kwargs):
            course.append("commit")
            return commit(cron, *args, **kwargs)

        def call(_transport, _request):
            course.append("call")
            raise TransportError("x", written=False)

        self.patch(type(crons), "_commit_progress", spy)
        self.startPatcher(patch.object(Transport, "__call__", call))
        self.template._write_protected({"sync_at": "2026-01-01"})
        self.attend()
        calls = [n for n, what in enumerate(course) if what == "call"]
        self.assertEqual(len(calls), 2)
        self.assertEqual([course[n - 1] for n in calls], ["commit"] * 2)

    # === TEMPLATES === #

    def test_changed_content_is_read_and_merged(self):
        self.account._write_protected({"checked_at": "2999-01-01"})
        self.merge(self.template_event(content_changed=True))
        changed = NEWS | {"components": [{"type": "BODY", "text": "Good morning"}]}
        requests = self.answer(ok(**changed))
        self.attend()
        self.assertIn("/id-news", requests[0].url)
        self.assertEqual(self.template.body, "Good morning")
        self.assertFalse(self.template.sync_at)
        self.attend()
        self.assertEqual(len(requests), 1)
        self.assertEqual(self.notices().mapped("kind"), ["template_content"])

    def test_what_cannot_be_read_now_is_read_later(self):
        self.account._write_protected({"checked_at": "2999-01-01"})
        self.merge(self.template_event(content_changed=True))
        self.answer((500, {}))
        self.attend()
        self.assertTrue(self.template.sync_at)

    def test_what_is_gone_is_not_asked_for_again(self):
        self.account._write_protected({"checked_at": "2999-01-01"})
        self.merge(self.template_event(content_changed=True))
        self.answer(refusal(100, "Object does not exist"))
        with self.assertLogs("odoo.addons.whatsapp_broadcast", "WARNING"):
            self.attend()
        self.assertFalse(self.template.sync_at)

    def test_rows_refused_for_the_template_have_it_read(self):
        self.make_prepared(1)
        self.account._write_protected({"checked_at": "2999-01-01"})
        self.env.flush_all()
        values = {"template_id": self.template.id, "detail": "(132015) Paused"}
        self.env.cr.execute(queries.PAUSE_BY_TEMPLATE, values)
        self.answer(ok(**NEWS | {"status": "PAUSED"}))
        self.attend()
        self.assertEqual(self.template.state, "paused")
        self.assertTrue(self.notices(kind="template_state").is_serious)


@tagged("post_install", "-at_install")
class TestNewsOverHttp(AttendCommon, HttpCase):
    """From the bytes at the door to the person who is told."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.write({"business_account_id": "112233", "app_secret": "secret"})
        cls.account._write_protected({"checked_at": "2999-01-01"})

    def receive(self, field, value, account="112233", time=1767268800):
        entry = {
            "id": account,
            "time": time,
            "changes": [{"field": field, "value": value}],
        }
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]})
        body = body.replace("/", "\\/").encode()
        signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        self.env.flush_all()
        path = self.account.webhook_url.partition("/whatsapp_broadcast")[2]
        answer = self.url_open(
            f"/whatsapp_broadcast{path}",
            data=body,
            headers={
                "X-Hub-Signature-256": f"sha256={signature}",
                "Content-Type": "application/json",
            },
        )
        self.assertEqual(answer.status_code, 200)
        Housekeeping(self.env).run()
        self.env.invalidate_all()

    def template_value(self, **values):
        return {
            "message_template_id": 4711,
            "message_template_name": "news",
            "message_template_language": "en-US",
            **values,
        }

    def test_a_paused_template(self):
        self.template._write_protected({"external_id": "4711"})
        broadcast = self.make_prepared(1)
        value = self.template_value(
            event="PAUSED",
            reason="NONE",
            other_info={"title": "FIRST_PAUSE", "description": "Low quality"},
        )
        for _delivery in range(2):
            self.receive("message_template_status_update", value)
            self.attend()
        self.assertEqual(self.template.state, "paused")
        self.assertEqual(broadcast.state, "paused")
        told = self.told(self.administrator, self.template)
        self.assertEqual(len(told), 1)
        self.assertIn("Low quality", told.body)

    def test_both_shapes_of_a_changed_category(self):
        self.template._write_protected({"external_id": "4711"})
        coming = {"new_category": "UTILITY", "correct_category": "MARKETING"}
        self.receive("template_category_update", self.template_value(**coming))
        self.assertEqual(self.template.category, "utility")
        done = {"previous_category": "UTILITY", "new_category": "MARKETING"}
        value = self.template_value(**done)
        self.receive("template_category_update", value, time=1767355200)
        self.assertEqual(self.template.category, "marketing")
        self.assertEqual(
            set(self.notices().mapped("kind")), {"template_note", "template_category"}
        )

    def test_a_limit_and_a_pace(self):
        self.receive(
            "business_capability_update", {"max_daily_conversations_per_business": 2000}
        )
        value = {
            "display_phone_number": "15550100001",
            "event": "THROUGHPUT_UPGRADE",
            "max_daily_conversations_per_business": "TIER_10K",
        }
        self.receive("phone_number_quality_update", value, time=1767355200)
        self.assertEqual(self.number.daily_limit, 10_000)
        self.assertEqual(self.number.messages_per_second, 1000)

    def test_a_restricted_account(self):
        value = {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}
            ],
        }
        self.receive("account_update", value)
        self.assertEqual(self.account.state, "error")
        self.attend()
        body = self.told(self.administrator, self.account).body
        self.assertIn("RESTRICTED_BIZ_INITIATED_MESSAGING", body)

    def test_what_comes_for_nobody_is_shown(self):
        self.receive("account_update", {"event": "DISABLED_UPDATE"}, account="999")
        account = self.account.with_user(self.administrator)
        self.assertEqual(account.unrouted_count, 1)
        self.assertIn("unknown numbers come here", account.checklist)
        action = account.action_open_unrouted()
        self.assertEqual(
            self.env[action["res_model"]].search_count(action["domain"]), 1
        )
