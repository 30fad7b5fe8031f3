from datetime import timedelta
from unittest.mock import patch

from odoo.tests import tagged

from ..models import whatsapp_broadcast_prepare as prepare
from ..providers import Response, TransportError
from ..providers.transport import Transport
from .common import BroadcastCommon

PNG = (
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    b"RU5ErkJggg=="
)
ANSWERED = Response(200, b'{"id": "77"}')
BUSY = Response(503, b'{"error": {"code": 2, "message": "Service unavailable"}}')
REFUSED = Response(400, b'{"error": {"code": 100, "message": "Invalid parameter"}}')


@tagged("post_install", "-at_install")
class TestUpload(BroadcastCommon):
    def setUp(self):
        super().setUp()
        self.account.access_token = "token"
        self.broadcast = self.make_broadcast(
            self.make_leads(2),
            template_id=False,
            message_type="media",
            media_kind="image",
            media_file=PNG,
            media_filename="a.png",
        )
        for lead in self.broadcast.lead_ids:
            self.env["whatsapp.broadcast.contact"].create(
                {
                    "account_id": self.account.id,
                    "number_id": self.number.id,
                    "phone": lead.phone_sanitized,
                    "last_inbound_at": self.env.cr.now(),
                }
            )
        self.broadcast.action_launch()

    def run_with(self, *answers):
        """Run the cron; each call gets the next answer. Return how many were made."""
        remaining = list(answers)

        def call(_transport, _request):
            answer = remaining.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        with patch.object(Transport, "__call__", call):
            self.run_prepare()
        return len(answers) - len(remaining)

    def let_pass(self):
        """Let the time of the next try come."""
        retry_at = self.env.cr.now() - timedelta(seconds=1)
        self.broadcast._write_protected({"resting_until": retry_at})

    def test_uploaded_once(self):
        self.assertEqual(self.run_with(ANSWERED, ANSWERED), 1)
        self.assertEqual(self.broadcast.media_id, "77")
        self.assertEqual(self.broadcast.state, "sending")

    def test_nobody_answers(self):
        nobody = TransportError("connection refused", written=False)
        tries = len(prepare.UPLOAD_DELAYS) + 1
        for attempt in range(1, tries):
            self.assertEqual(self.run_with(nobody), 1)
            self.assertEqual(self.broadcast.state, "preparing")
            self.assertEqual(self.broadcast.state_reason, "unreachable")
            self.assertIn("connection refused", self.broadcast.state_detail)
            self.assertEqual(self.run_with(nobody), 0, "not before its time")
            self.assertEqual(self.broadcast.upload_attempts, attempt)
            self.let_pass()
        self.run_with(nobody)
        self.assertEqual(self.broadcast.state, "paused")
        self.assertEqual(self.broadcast.state_reason, "unreachable")
        self.assertEqual(sum(prepare.UPLOAD_DELAYS), 15)
        self.assertIn("cannot be reached", self.broadcast.activity_ids.summary)
        self.broadcast.action_resume()
        self.assertEqual(self.run_with(ANSWERED), 1)
        self.assertEqual(self.broadcast.state, "sending")
        self.assertFalse(self.broadcast.state_reason or self.broadcast.rest_reason)

    def test_a_busy_provider_is_asked_again(self):
        self.run_with(BUSY)
        self.assertEqual(self.broadcast.state, "preparing")
        self.assertEqual(self.broadcast.state_reason, "unreachable")
        self.let_pass()
        self.run_with(ANSWERED)
        self.assertEqual(self.broadcast.state, "sending")
        self.assertFalse(self.broadcast.state_detail)

    def test_the_next_try_wakes_the_cron(self):
        self.run_with(BUSY)
        cron = self.env.ref("whatsapp_broadcast.ir_cron_prepare")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertIn(self.broadcast.resting_until, triggers.mapped("call_at"))

    def test_what_is_refused_is_not_tried_again(self):
        self.run_with(REFUSED)
        self.assertEqual(self.broadcast.state, "failed")
        self.assertEqual(self.broadcast.state_reason, "message")
        self.assertIn("Invalid parameter", self.broadcast.state_detail)

    def test_cancelled_meanwhile_stays_cancelled(self):
        def cancel(_transport, _request):
            self.broadcast._write_protected({"state": "cancelled"})
            self.env.flush_all()
            return ANSWERED

        with patch.object(Transport, "__call__", cancel):
            self.run_prepare()
        self.assertEqual(self.broadcast.state, "cancelled")
        self.assertFalse(self.broadcast.media_id)
