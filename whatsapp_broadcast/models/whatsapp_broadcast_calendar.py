# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models


class WhatsappBroadcast(models.Model):
    """Where a broadcast stands in the calendar."""

    _inherit = "whatsapp.broadcast"

    begins_at = fields.Datetime(
        "Begins",
        compute="_compute_begins_at",
        store=True,
        help="When it began, else when it is to begin.",
    )

    @api.depends("started_at", "scheduled_at")
    def _compute_begins_at(self):
        for broadcast in self:
            broadcast.begins_at = broadcast.started_at or broadcast.scheduled_at
