# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class WhatsappBroadcast(models.Model):
    """Once more for those who surely got nothing."""

    _inherit = "whatsapp.broadcast"

    unreached_count = fields.Integer(
        "Not Reached",
        compute="_compute_unreached_count",
        help="Surely got nothing: cancelled, never sent, or failed for a reason that "
        "may pass.",
    )

    @api.depends("failure_groups", "cancelled_count", "queued_count")
    def _compute_unreached_count(self):
        for broadcast in self:
            broadcast.unreached_count = (
                broadcast.cancelled_count
                + broadcast.queued_count
                + sum(
                    group["count"]
                    for group in broadcast.failure_groups or ()
                    if group["is_retryable"]
                )
            )

    def action_duplicate_for_unreached(self):
        """Make a draft for those who surely got nothing, and open it.

        Who may have got something (``unknown``) is never in it.

        :raise UserError: if it has not ended, or nobody is left
        """
        self._lock_for_action(
            ("done", "cancelled", "failed"),
            self.env._("duplicated for those who were not reached"),
        )
        if not self.unreached_count:
            raise UserError(
                self.env._(
                    "Nobody is left who surely got nothing. Of messages in state "
                    "Unknown a person decides, in the list of recipients."
                )
            )
        return self.copy(self._unreached_values())._get_records_action()

    def _unreached_values(self):
        return {
            "name": self.env._("%s (not reached)", self.name),
            "audience_type": "broadcast",
            "audience_domain": False,
            "lead_ids": [Command.clear()],
            "partner_ids": [Command.clear()],
            "list_ids": [Command.clear()],
            "earlier_broadcast_ids": [Command.set(self.ids)],
            "earlier_result": "not_reached",
            "recurrence": "none",
        }

    @api.model
    def _counter_fields(self):
        return super()._counter_fields() | {"unreached_count"}
