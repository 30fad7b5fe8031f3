# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import queries
from .whatsapp_broadcast import RESTED

#: From where a broadcast goes back to draft, as long as nobody was written to.
UNDO_STATES = ("to_approve", "scheduled", "preparing", "sending", "paused")


class WhatsappBroadcast(models.Model):
    """How a launch is undone: only while no message was ever taken in hand."""

    _inherit = "whatsapp.broadcast"

    can_undo = fields.Boolean(compute="_compute_can_undo")

    @api.depends("state")
    def _compute_can_undo(self):
        """A claim leaves a counter behind, so that no row has to be looked at."""
        launched = self.filtered(lambda b: b.state in UNDO_STATES)
        self.env.cr.execute(queries.EVER_CLAIMED, {"ids": launched.ids})
        claimed = {id_ for (id_,) in self.env.cr.fetchall()}
        for broadcast in self:
            broadcast.can_undo = (
                broadcast in launched
                and broadcast.id not in claimed
                and broadcast.state_reason != "restored"
            )

    def action_back_to_draft(self):
        """Undo a launch: the recipients are released, nobody was written to.

        :raise UserError: if somebody may have been; says what can be done instead
        """
        for broadcast in self:
            broadcast._lock_for_action(UNDO_STATES, self.env._("taken back to draft"))
            broadcast._check_untouched()
            broadcast._release()
        return True

    def _check_untouched(self):
        if self.state_reason == "restored":
            raise UserError(
                self.env._(
                    "This database was restored or copied: messages may have gone out "
                    "that it does not know of. Check at the provider, then resume or "
                    "cancel."
                )
            )
        self.env["whatsapp.broadcast.recipient"].flush_model()
        self.env.cr.execute(queries.WAS_CLAIMED, {"broadcast_id": self.id})
        if self.env.cr.fetchone()[0]:
            raise UserError(
                self.env._(
                    "Messages of %s were sent already, so it stays launched. Resume "
                    "it, or cancel it and duplicate it for those who were not reached.",
                    self.name,
                )
            )
        if self.next_run_id and self.next_run_id.state != "scheduled":
            raise UserError(
                self.env._("The next run of this series has begun: cancel this one.")
            )

    def _release(self):
        """Make it a draft again, without recipients and launcher.

        A claim that this transaction cannot see yet, as it was committed after the
        transaction began, makes the DELETE fail, and the request begins anew.
        """
        self._clear_recipients()
        # The run that its start planned is planned again by the next start.
        self.next_run_id.unlink()
        self._write_protected(
            {
                **dict.fromkeys(
                    (
                        "launcher_id",
                        "launch_context",
                        "launched_category",
                        "audience_bounds",
                        "audience_cursor",
                        "recipient_timezones",
                        "started_at",
                        "media_id",
                        "upload_attempts",
                        "threshold_base",
                        "forecast",
                        "approver_id",
                        "approved_people",
                        "approval_people",
                        "approval_cost",
                    ),
                    False,
                ),
                **RESTED,
            }
        )
        self._set_state("draft")
