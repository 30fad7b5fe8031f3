from datetime import timedelta

from psycopg2 import IntegrityError

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models.whatsapp_broadcast import STATES
from .common import BroadcastCommon

#: From which states each action starts.
ALLOWED = {
    "action_launch": {"draft"},
    "action_schedule": {"draft"},
    "action_review": {"draft"},
    "action_open_launch": {"draft"},
    "action_pause": {"preparing", "sending"},
    "action_resume": {"paused"},
    "action_cancel": {"to_approve", "scheduled", "preparing", "sending", "paused"},
    "action_back_to_draft": {
        "to_approve",
        "scheduled",
        "preparing",
        "sending",
        "paused",
    },
    "action_retry_failed": {"sending", "paused", "done"},
}


@tagged("post_install", "-at_install")
class TestStates(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lead = cls.make_lead("+1 212 555 0100")
        cls.broadcast = cls.make_broadcast(cls.lead)

    # === WRONG STATES === #

    def test_wrong_states_are_refused(self):
        labels = dict(STATES)
        for action, allowed in ALLOWED.items():
            for state in labels.keys() - allowed:
                self.broadcast._write_protected({"state": state})
                with self.subTest(action=action, state=state):
                    with self.assertRaises(UserError) as raised:
                        getattr(self.broadcast, action)()
                    self.assertIn(self.broadcast.name, str(raised.exception))
                    self.assertIn(labels[state], str(raised.exception))
                    self.assertEqual(self.broadcast.state, state)

    def test_right_states(self):
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        results = {
            "action_launch": "preparing",
            "action_schedule": "scheduled",
            "action_pause": "paused",
            "action_cancel": "cancelled",
            "action_back_to_draft": "draft",
        }
        for action, result in results.items():
            for state in ALLOWED[action]:
                with self.subTest(action=action, state=state):
                    broadcast = self.make_broadcast(self.lead, scheduled_at=tomorrow)
                    broadcast._write_protected({"state": state})
                    getattr(broadcast, action)()
                    self.assertEqual(broadcast.state, result)

    def test_resume(self):
        self.broadcast.action_launch()
        self.broadcast.action_pause()
        self.assertEqual(self.broadcast.state_reason, "person")
        self.broadcast.action_resume()
        self.assertEqual(self.broadcast.state, "preparing")
        self.run_prepare()
        self.broadcast.action_pause()
        self.broadcast.action_resume()
        self.assertEqual(self.broadcast.state, "sending")
        self.assertFalse(self.broadcast.state_reason)

    def test_resume_refused_while_the_cause_stands(self):
        self.broadcast.action_launch()
        self.broadcast.action_pause()
        for record, values, undo in (
            (self.number, {"state": "banned"}, {"state": "connected"}),
            (self.number, {"active": False}, {"active": True}),
            (self.account, {"state": "error"}, {"state": "connected"}),
            (self.template, {"state": "paused"}, {"state": "approved"}),
        ):
            write = getattr(record, "_write_protected", record.write)
            write(values)
            with self.subTest(values=values), self.assertRaises(UserError):
                self.broadcast.action_resume()
            write(undo)
        self.broadcast.action_resume()

    def test_cancelled_before_it_was_prepared(self):
        self.broadcast.action_launch()
        self.broadcast.action_cancel()
        self.run_prepare()
        self.assertEqual(self.broadcast.state, "cancelled")
        self.assertFalse(self.broadcast.recipient_ids)
        self.assertTrue(self.broadcast.completed_at)

    def test_paused_is_not_prepared(self):
        self.broadcast.action_launch()
        self.broadcast.action_pause()
        self.run_prepare()
        self.assertEqual(self.broadcast.state, "paused")
        self.assertFalse(self.broadcast.recipient_ids)

    def test_back_to_draft_forgets_the_launcher(self):
        self.broadcast.scheduled_at = fields.Datetime.now() + timedelta(days=1)
        self.broadcast.action_schedule()
        self.assertEqual(self.broadcast.launcher_id, self.user)
        self.broadcast.action_back_to_draft()
        self.assertFalse(self.broadcast.launcher_id or self.broadcast.launch_context)

    def test_schedule_needs_a_time_ahead(self):
        for time in (False, fields.Datetime.now() - timedelta(minutes=1)):
            self.broadcast.scheduled_at = time
            with self.assertRaisesRegex(UserError, "still ahead"):
                self.broadcast.action_schedule()

    # === TWO AT ONCE === #

    def test_two_users_launch(self):
        self.broadcast.action_launch()
        second = self.broadcast.with_user(self.manager)
        with self.assertRaisesRegex(UserError, "Preparing and cannot be launched"):
            second.action_launch()
        self.assertEqual(self.broadcast.launcher_id, self.user)

    # === WHAT KEEPS IT FROM BEING LAUNCHED === #

    def assert_not_launched(self, text, **arguments):
        with self.assertRaisesRegex(UserError, text):
            self.broadcast.action_launch(**arguments)
        self.assertEqual(self.broadcast.state, "draft")
        self.assertFalse(self.broadcast.launcher_id)

    def test_template_without_approval(self):
        for state in ("draft", "pending", "rejected", "paused", "disabled", "unknown"):
            self.template._write_protected({"state": state})
            with self.subTest(state=state):
                self.assert_not_launched("is not approved")

    def test_unsupported_template(self):
        self.template.unsupported_reason = "It has a carousel."
        self.assert_not_launched("carousel")

    def test_no_template(self):
        self.broadcast.template_id = False
        self.assert_not_launched("Choose a template")

    def test_text_without_text(self):
        self.broadcast.write({"message_type": "text", "body": " "})
        self.assert_not_launched("Write the text")

    def test_media_without_media(self):
        self.broadcast.message_type = "media"
        self.assert_not_launched("kind of media")
        self.broadcast.media_kind = "image"
        self.assert_not_launched("Add the media file")

    def test_media_header_without_media(self):
        image = self.make_template(self.account, "image", "x", header_type="image")
        self.broadcast.template_id = image
        self.assert_not_launched("Add the media file")

    def test_number_that_cannot_send(self):
        self.number.write({"state": "banned", "error_message": "Spam."})
        self.assert_not_launched("cannot send: its state is Banned. Spam.")

    def test_account_that_is_not_connected(self):
        for state in ("draft", "error"):
            self.account._write_protected({"state": state, "error_message": "Why."})
            with self.subTest(state=state):
                self.assert_not_launched("Garden is not connected. Why.")

    def test_marketing_needs_ears_or_consent(self):
        self.template._write_protected({"category": "marketing"})
        self.account._write_protected({"state": "deaf"})
        self.assert_not_launched("accept_no_webhook")
        self.broadcast.scheduled_at = fields.Datetime.now() + timedelta(days=1)
        with self.assertRaisesRegex(UserError, "accept_no_webhook"):
            self.broadcast.action_schedule()
        self.broadcast.action_launch(accept_no_webhook=True)
        self.assertEqual(self.broadcast.state, "preparing")

    def test_utility_needs_no_ears(self):
        self.account._write_protected({"state": "deaf"})
        self.broadcast.action_launch()
        self.assertEqual(self.broadcast.state, "preparing")

    def test_wizard_asks_for_that_consent(self):
        self.template._write_protected({"category": "marketing"})
        self.account._write_protected({"state": "deaf"})
        context = self.broadcast.action_open_launch()["context"]
        wizards = self.env["whatsapp.broadcast.launch"].with_user(self.user)
        wizard = wizards.with_context(**context).create({})
        self.assertTrue(wizard.must_confirm)
        with self.assertRaisesRegex(UserError, "accept_no_webhook"):
            wizard.action_launch()
        wizard.accept_no_webhook = True
        wizard.action_launch()
        self.assertEqual(self.broadcast.state, "preparing")

    # === CONSTRAINTS === #

    def test_number_of_another_company(self):
        other = self.make_company()
        foreign = self.make_number(self.account, "Foreign", [other])
        with self.assertRaisesRegex(ValidationError, "may not be used by Garden"):
            self.make_broadcast(self.lead, number_id=foreign.id)
        with self.assertRaises(ValidationError):
            self.broadcast.with_user(self.manager).number_id = foreign.id

    def test_template_of_another_account(self):
        template = self.make_template(self.make_account("Other"), "x", "x")
        with self.assertRaisesRegex(ValidationError, "another account"):
            self.make_broadcast(self.lead, template_id=template.id)

    def test_number_of_an_account_that_has_a_company(self):
        self.account.company_id = self.company
        with self.assertRaisesRegex(ValidationError, "belongs to an account"):
            self.number.company_ids = [Command.link(self.make_company().id)]

    @mute_logger("odoo.sql_db")
    def test_negative_pace(self):
        for name in ("messages_per_minute", "batch_size"):
            with (
                self.subTest(name=name),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.broadcast.write({name: -1})
                self.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_number_pace(self):
        for value in (0, -1, 1001):
            with (
                self.subTest(value=value),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.number.messages_per_second = value
                self.env.flush_all()

    def test_name_is_generated(self):
        for name in (False, "", "  "):
            broadcast = self.make_broadcast(self.lead, name=name)
            self.assertRegex(broadcast.name, "^Broadcast of .*[0-9]")
        self.assertEqual(self.broadcast.copy().name, f"{self.broadcast.name} (copy)")

    # === IN USE === #

    def test_what_is_in_use_is_archived_not_deleted(self):
        for record in (self.number, self.template, self.account):
            with self.subTest(record=record):
                with self.assertRaisesRegex(UserError, "Archive it instead"):
                    record.unlink()
                record.active = False
                self.assertTrue(record.exists())

    def test_use_by_an_archived_broadcast_counts(self):
        self.broadcast.active = False
        with self.assertRaisesRegex(UserError, "Archive it instead"):
            self.template.unlink()

    def test_what_is_unused_can_be_deleted(self):
        self.broadcast.unlink()
        (self.template + self.make_template(self.account, "x", "x")).unlink()
        self.number.unlink()
        self.account.unlink()

    def test_only_what_never_was_launched_is_deleted(self):
        for state, _label in STATES:
            broadcast = self.make_broadcast(self.lead)
            broadcast._write_protected({"state": state})
            with self.subTest(state=state):
                if state in ("draft", "to_approve", "scheduled"):
                    broadcast.unlink()
                    self.assertFalse(broadcast.exists())
                else:
                    with self.assertRaisesRegex(UserError, "Archive it instead"):
                        broadcast.unlink()


@tagged("post_install", "-at_install")
class TestDecisions(BroadcastCommon):
    """Rows whose fate is unknown, and those that failed."""

    def make_rows(self, *settled):
        """Make a launched broadcast with a row for each (state, columns)."""
        broadcast = self.make_prepared(len(settled), state="done")
        rows = broadcast.recipient_ids
        for row, (state, columns) in zip(rows, settled, strict=True):
            token = {"token": f"r{row.id}-x", "provider_message_id": f"wamid.{row.id}"}
            self.settle(row, state, **token, **columns)
        return rows

    def attempts(self, rows):
        return self.env["whatsapp.broadcast.attempt"].search(
            [("recipient_id", "in", rows.ids)]
        )

    def test_treat_as_sent(self):
        rows = self.make_rows(("unknown", {}), ("unknown", {}))
        broadcast = rows.broadcast_id
        token = rows[0].token
        rows[0].with_user(self.user).action_treat_as_sent()
        self.assertEqual(rows[0].state, "accepted")
        self.assertTrue(rows[0].accepted_at)
        self.assertFalse(rows[0].due_at)
        self.assertEqual(rows[0].token, token, "statuses may still come")
        self.assertEqual(rows[1].state, "unknown")
        attempt = self.attempts(rows)
        self.assertEqual(attempt.recipient_id, rows[0])
        self.assertEqual(attempt.result, "treated_as_sent")
        self.assertEqual(attempt.by, self.user)
        self.assertTrue(attempt.at)
        broadcast.invalidate_recordset()
        self.assertEqual(broadcast.accepted_count, 1)
        self.assertEqual(broadcast.state, "done")

    def test_send_again(self):
        rows = self.make_rows(("unknown", {"error_code": "5", "attempt_count": 3}))
        token, message_id = rows.token, rows.provider_message_id
        rows.with_user(self.user).action_send_again()
        self.assertEqual(rows.state, "queued")
        self.assertTrue(rows.due_at)
        self.assertFalse(rows.token or rows.provider_message_id or rows.error_code)
        self.assertEqual(rows.attempt_count, 0)
        attempt = self.attempts(rows)
        self.assertEqual(attempt.token, token)
        self.assertEqual(attempt.provider_message_id, message_id)
        self.assertEqual(attempt.number_id, self.number)
        self.assertEqual(attempt.result, "unknown")
        self.assertEqual(attempt.error_code, "5")
        self.assertEqual(attempt.by, self.user)
        self.assertEqual(rows.broadcast_id.state, "sending")
        self.assertFalse(rows.broadcast_id.completed_at)

    def test_send_again_while_paused_waits(self):
        rows = self.make_rows(("unknown", {}))
        rows.broadcast_id._write_protected({"state": "paused"})
        rows.with_user(self.user).action_send_again()
        self.assertEqual(rows.broadcast_id.state, "paused")

    def test_send_again_needs_a_sender(self):
        rows = self.make_rows(("unknown", {}))
        self.number.state = "banned"
        with self.assertRaisesRegex(UserError, "cannot send"):
            rows.with_user(self.user).action_send_again()

    def test_only_unknown_rows_need_a_decision(self):
        for state in ("queued", "sending", "accepted", "read", "failed", "skipped"):
            rows = self.make_rows((state, {}), ("unknown", {})).with_user(self.user)
            for action in ("action_treat_as_sent", "action_send_again"):
                with (
                    self.subTest(state=state, action=action),
                    self.assertRaisesRegex(UserError, "state Unknown"),
                ):
                    getattr(rows, action)()
            self.assertFalse(self.attempts(rows))

    def test_retry_only_what_may_pass(self):
        allowed = ("retry", "throttle", "pair", "later", "template", "number")
        refused = ("recipient", "opt_out", "request", "doubt", None)
        rows = self.make_rows(
            *(("failed", {"error_class": kind}) for kind in (*allowed, *refused)),
            ("unknown", {"error_class": "retry"}),
            ("read", {}),
        )
        rows.broadcast_id.action_retry_failed()
        states = rows.mapped("state")
        self.assertEqual(states[: len(allowed)], ["queued"] * len(allowed))
        self.assertEqual(
            states[len(allowed) :], ["failed"] * len(refused) + ["unknown", "read"]
        )
        attempts = self.attempts(rows)
        self.assertEqual(set(attempts.mapped("result")), {"failed"})
        self.assertEqual(attempts.recipient_id, rows[: len(allowed)])
        self.assertEqual(attempts.by, self.user)
        self.assertEqual(rows.broadcast_id.state, "sending")

    def test_a_limit_of_the_persons_is_retried_twice_and_waits_longer(self):
        rows = self.make_rows(("failed", {}))
        for days in (1, 2):
            failed_at = fields.Datetime.now()
            self.settle(rows, "failed", error_class="later", failed_at=failed_at)
            rows.broadcast_id.action_retry_failed()
            self.assertEqual(rows.state, "queued")
            self.assertEqual(rows.due_at, failed_at + timedelta(days=days))
        self.settle(rows, "failed", error_class="later", failed_at=failed_at)
        with self.assertRaisesRegex(UserError, "No failed message may be sent again"):
            rows.broadcast_id.action_retry_failed()

    def test_nothing_to_retry(self):
        rows = self.make_rows(("failed", {"error_class": "recipient"}), ("read", {}))
        with self.assertRaisesRegex(UserError, "No failed message may be sent again"):
            rows.broadcast_id.action_retry_failed()
        self.assertEqual(rows.broadcast_id.state, "done")

    def test_advice(self):
        rows = self.make_rows(
            ("failed", {"error_class": "later"}), ("unknown", {}), ("read", {})
        )
        self.assertIn("24 hours", rows[0].advice)
        self.assertIn("may have arrived", rows[1].advice)
        self.assertFalse(rows[2].advice)

    # === WHAT A REVIEW FOUND === #

    def test_cancelling_a_reviewed_schedule_leaves_no_row_queued(self):
        broadcast = self.make_broadcast(self.make_leads(2))
        broadcast.action_review()
        broadcast.scheduled_at = fields.Datetime.add(fields.Datetime.now(), days=1)
        broadcast.action_schedule(accept_no_webhook=True)
        broadcast.action_cancel()
        self.assertEqual(set(broadcast.recipient_ids.mapped("state")), {"cancelled"})

    def test_what_is_still_to_be_sent_cannot_be_archived(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        broadcast.action_launch(accept_no_webhook=True)
        with self.assertRaisesRegex(UserError, "Cancel it first"):
            broadcast.active = False
        broadcast.action_cancel()
        broadcast.active = False

    def test_variables_of_another_shape_are_refused(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        for params in ([1], "x", {"body.1": {"field": 5}}, {"body.1": 5}):
            with (
                self.subTest(params=params),
                self.assertRaisesRegex(ValidationError, "given by name"),
            ):
                broadcast.template_params = params

    def test_another_server_does_not_get_the_token(self):
        self.account.access_token = "a secret"
        self.account.api_url = "https://graph.example/v24.0"
        self.assertTrue(self.account.access_token_is_set)
        self.account.api_url = "https://elsewhere.example/v23.0"
        self.assertFalse(self.account.access_token_is_set)
        self.assertEqual(self.account.state, "draft")

    def test_the_wizard_shows_no_broadcast_of_others(self):
        broadcast = self.make_broadcast(self.make_leads(1)).sudo()
        broadcast.user_id = self.env.ref("base.user_admin")
        wizards = self.env["whatsapp.broadcast.launch"].with_user(self.user)
        with self.assertRaises(AccessError):
            wizards.create({"broadcast_id": broadcast.id})
