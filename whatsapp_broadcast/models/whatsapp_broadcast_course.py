# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, models
from odoo.exceptions import AccessError, UserError

from ..engine import queries
from ..tools.crons import wake
from .whatsapp_broadcast import PREPARED, RESTED


class WhatsappBroadcast(models.Model):
    """How a broadcast goes from state to state, and who is told."""

    _inherit = "whatsapp.broadcast"

    # === ACTIONS === #

    def action_launch(self, accept_no_webhook=False):
        """Freeze the audience as the present user sees it, and send.

        Returns at once; the audience is prepared in the background.

        :param bool accept_no_webhook: send marketing although replies and STOP cannot
            be heard; without it such a broadcast is refused
        :raise UserError: if it is not a draft, or cannot be sent; says what to do
        """
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("launched"))
            broadcast._check_launchable(accept_no_webhook)
            broadcast._freeze_launcher()
            broadcast._start("preparing")
        self._wake("prepare")
        return True

    def action_schedule(self, accept_no_webhook=False):
        """Launch by itself at ``scheduled_at``, with the present user's rights.

        :raise UserError: as :meth:`action_launch`, and if the time is not ahead
        """
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("scheduled"))
            if not broadcast.scheduled_at or broadcast.scheduled_at <= self._now():
                raise UserError(self.env._("Choose a time that is still ahead."))
            broadcast._check_launchable(accept_no_webhook)
            broadcast._freeze_launcher()
            broadcast._start("scheduled")
        self._wake("prepare", at=self.mapped("scheduled_at"))
        return True

    def action_pause(self):
        """Stop before the next claim; rows in flight still get their answer."""
        for broadcast in self:
            broadcast._lock_for_action(("preparing", "sending"), self.env._("paused"))
            broadcast._set_state("paused", reason="person")
        return True

    def action_resume(self):
        """Go on where it was paused.

        :raise UserError: if what stopped it still stands; says what to do
        """
        for broadcast in self:
            broadcast._lock_for_action(("paused",), self.env._("resumed"))
            broadcast._check_sender()
            broadcast._check_message()
            broadcast._check_prepared_values()
            # Who resumes has seen a changed category and goes on with it.
            category = broadcast.template_category
            broadcast._write_protected({"launched_category": category, **RESTED})
            broadcast._forget_failures()
            broadcast._set_state(broadcast._state_to_resume())
        self._wake("prepare")
        self._wake("send")
        return True

    def action_cancel(self):
        """End it; what was not claimed yet is cancelled, the rest is kept."""
        for broadcast in self:
            broadcast._lock_for_action(
                ("to_approve", "scheduled", "preparing", "sending", "paused"),
                self.env._("cancelled"),
            )
            broadcast._set_state("cancelled", reason="person")
        self._wake("send")
        return True

    def action_retry_failed(self):
        """Send again to those whose failure allows it.

        :raise UserError: if there is none
        """
        retried = self.env["whatsapp.broadcast.recipient"]
        for broadcast in self:
            broadcast._lock_for_action(
                ("sending", "paused", "done"), self.env._("retried")
            )
            retried += retried._retry_failed(broadcast)
        if not retried:
            raise UserError(
                self.env._(
                    "No failed message may be sent again: each failed for a reason "
                    "that lies with the recipient or the message."
                )
            )
        retried.broadcast_id._reopen()
        return True

    def action_open_launch(self):
        """Open the page that shows all before a launch, and asks once."""
        self.ensure_one()
        self._check_launchable(accept_no_webhook=True)
        if self._is_reviewable():
            self.action_review()
        page = self.env["whatsapp.broadcast.launch"].create({"broadcast_id": self.id})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Before Launch"),
            "res_model": page._name,
            "res_id": page.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_broadcast_id": self.id,
                "dialog_size": "extra-large",
            },
        }

    # === STATE === #

    def _lock_for_action(self, states, done):
        """Check the right to write and the state, and keep others from changing it."""
        self.ensure_one()
        self.check_access("write")
        # Waits, unlike lock_for_update: the engine holds a share of this lock for
        # some milliseconds of each claim, and that is no reason to refuse a person.
        self.env.cr.execute(queries.LOCK_BROADCAST, {"id": self.id})
        self.invalidate_recordset(["state"])
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is in state %(state)s and cannot be %(done)s.",
                    name=self.name,
                    state=labels[self.state],
                    done=done,
                )
            )

    def _freeze_launcher(self):
        """Remember in whose eyes the audience is what it is."""
        if not self.env.user.active:
            raise UserError(
                self.env._(
                    "%s is not a person whose rights could decide who is written to. "
                    "Launch as an active user.",
                    self.env.user.name,
                )
            )
        self._write_protected(
            {
                "launcher_id": self.env.uid,
                "launched_category": self.template_category,
                "launch_context": {
                    "allowed_company_ids": self.env.companies.ids,
                    "lang": self.env.lang,
                    "tz": self.env.user.tz,
                },
            }
        )

    def _as_launcher(self):
        """Return the broadcast in the environment it was launched in.

        :raise AccessError: if the launcher was archived or lost the right
        """
        self.ensure_one()
        launcher = self.launcher_id
        if not launcher.active:
            raise AccessError(self.env._("%s was archived.", launcher.name))
        # In that context alone: the cron's own shows archived records.
        context = self.launch_context
        broadcast = self.with_user(launcher)
        broadcast = broadcast.with_context(context)  # pylint: disable=context-overridden
        companies = launcher.company_ids.ids
        if not set(context["allowed_company_ids"]) <= set(companies):
            raise AccessError(self.env._("%s lost a company.", launcher.name))
        broadcast.check_access("write")
        return broadcast

    def _start(self, state):
        """Begin, or wait for the time to begin."""
        self._set_state(state)

    def _forget_failures(self):
        """Let only failures from here on count against the thresholds."""
        self.flush_recordset()
        self.env.cr.execute(queries.FORGET_FAILURES, {"ids": self.ids})
        self.invalidate_recordset(["threshold_base"])

    def _now(self):
        """The time by the database's clock: hosts need not agree."""
        return self.env.cr.now().replace(microsecond=0)

    def _set_state(self, state, reason=False, detail=False):
        values = {
            "state": state,
            "state_reason": reason,
            "state_detail": detail,
            # The engine's pauses are told by the driver; this one has its person.
            "pause_is_told": state == "paused",
        }
        if state == "preparing":
            values["started_at"] = self.started_at or self._now()
            values["upload_attempts"] = 0
        if state in ("done", "cancelled", "failed"):
            values["completed_at"] = self._now()
        self._write_protected(values)
        if state in ("cancelled", "failed"):
            self._cancel_reviewed()

    def _cancel_reviewed(self):
        """End rows that a review made and that no launch took over."""
        self.flush_recordset()
        self.env.cr.execute(queries.CANCEL_REVIEWED, {"ids": self.ids})
        self.env["whatsapp.broadcast.recipient"].invalidate_model(["state"])

    def _state_to_resume(self):
        if self.audience_cursor == PREPARED:
            return "sending"
        ahead = self.scheduled_at and self.scheduled_at > self._now()
        return "scheduled" if ahead and not self.audience_cursor else "preparing"

    def _say_restored(self):
        """Leave word on what the guard against copies paused."""
        self.invalidate_recordset(["state", "state_reason"])
        for broadcast in self:
            broadcast.message_post(
                body=self.env._(
                    "Paused: this database was restored, copied or stood still. Check "
                    "at the provider what was sent since, then resume."
                )
            )

    def _say_paused(self):
        """Leave word, and something to do, on what the engine paused."""
        reasons = dict(self._fields["state_reason"]._description_selection(self.env))
        for broadcast in self:
            reason = reasons.get(broadcast.state_reason, "")
            note = f"{reason}. {broadcast.state_detail or ''}"
            broadcast.message_post(body=self.env._("Paused: %s", note))
            broadcast.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Paused: %s", reason),
                note=note,
                user_id=broadcast.user_id.id,
            )
        self._write_protected({"pause_is_told": True})

    def _say_done(self):
        """Tell of the end, which the engine wrote past the ORM."""
        self.invalidate_recordset()
        for broadcast in self:
            broadcast.message_post(body=self.env._("Done."))
        self._send_progress((b.id, b.state, b.user_id.partner_id.id) for b in self)

    def _reopen(self):
        """Go on sending after rows were queued again."""
        for broadcast in self.filtered(lambda b: b.state == "done"):
            broadcast._check_sender()
            broadcast._check_message()
            broadcast._write_protected({"completed_at": False})
            broadcast._set_state("sending")
        self._wake("send")

    @api.model
    def _wake(self, cron, at=None):
        """Have audiences prepared, after commit or at given datetimes, or rows sent.

        :param str cron: ``prepare`` or ``send``
        """
        if cron == "send":
            self.env["whatsapp.broadcast.lane"].sudo()._wake_at(0)
        elif at:
            self.env.ref("whatsapp_broadcast.ir_cron_prepare").sudo()._trigger(at)
        else:
            wake(self.env.ref("whatsapp_broadcast.ir_cron_prepare").sudo())
