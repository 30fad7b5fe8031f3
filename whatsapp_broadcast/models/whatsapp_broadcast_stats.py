# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import queries

#: Present states that are counters of their own.
PRESENT = ("queued", "sending", "held", "failed", "skipped", "cancelled", "unknown")
#: A row that is here is counted in each stage before, too.
FUNNEL = ("accepted", "sent", "delivered", "read")
OTHER = ("replied", "clicked", "won", "country_guessed")


class WhatsappBroadcast(models.Model):
    """What the counters of a broadcast are, and who is told of them."""

    _inherit = "whatsapp.broadcast"

    recipient_count = fields.Integer(compute="_compute_counters")
    queued_count = fields.Integer(compute="_compute_counters")
    sending_count = fields.Integer(compute="_compute_counters")
    held_count = fields.Integer(compute="_compute_counters")
    failed_count = fields.Integer(compute="_compute_counters")
    skipped_count = fields.Integer(compute="_compute_counters")
    cancelled_count = fields.Integer(compute="_compute_counters")
    unknown_count = fields.Integer(compute="_compute_counters")
    accepted_count = fields.Integer(compute="_compute_counters")
    sent_count = fields.Integer(compute="_compute_counters")
    delivered_count = fields.Integer(compute="_compute_counters")
    read_count = fields.Integer(compute="_compute_counters")
    replied_count = fields.Integer(compute="_compute_counters")
    country_guessed_count = fields.Integer(compute="_compute_counters")
    reachable_count = fields.Integer(
        compute="_compute_counters", help="Recipients that were not left out."
    )
    progress = fields.Float(
        compute="_compute_counters", help="Percent of the recipients that are settled."
    )

    def get_stats(self):
        """Return the broadcast's counters.

        :return: present states (``queued_count sending_count held_count failed_count
            skipped_count cancelled_count unknown_count``), a funnel of rows that are
            at least there (``accepted_count sent_count delivered_count read_count``),
            ``replied_count country_guessed_count`` and ``recipient_count``, which is
            the sum of the present states and ``accepted_count``
        :rtype: dict
        """
        self.check_access("read")
        if len(self) != 1:
            raise UserError(self.env._("Ask for the figures of one broadcast."))
        return self._read_counters()[self.id]

    @api.depends_context("uid")
    def _compute_counters(self):
        counters = self._read_counters()
        for broadcast in self:
            values = counters.get(broadcast.id) or _funnel({})
            for name, value in values.items():
                broadcast[name] = value
            reachable = values["recipient_count"] - values["skipped_count"]
            waiting = values["queued_count"] + values["sending_count"]
            broadcast.reachable_count = reachable
            broadcast.progress = (
                100.0 * (reachable - waiting) / reachable if reachable else 0.0
            )

    def _read_counters(self):
        """Return {id: counters}; reads a handful of rows, however many recipients."""
        self.env["whatsapp.broadcast.counter"].flush_model()
        self.env["whatsapp.broadcast.recipient"].flush_model()
        present = {broadcast_id: {} for broadcast_id in self.ids}
        self.env.cr.execute(queries.COUNTERS, {"broadcast_ids": self.ids})
        for broadcast_id, name, total in self.env.cr.fetchall():
            present[broadcast_id][name] = int(total)
        return {id_: _funnel(counts) for id_, counts in present.items()}

    @api.model
    def _send_progress(self, changes):
        """Tell web clients that there is something new to read of a broadcast.

        :param changes: (broadcast id, state, id of its user's partner)
        """
        for broadcast_id, state, partner_id in changes:
            self.env["res.partner"].browse(partner_id)._bus_send(
                "whatsapp_broadcast/progress", {"id": broadcast_id, "state": state}
            )

    @api.model
    def _counter_fields(self):
        return {f"{name}_count" for name in (*PRESENT, *FUNNEL, *OTHER)} | {
            "recipient_count",
            "reachable_count",
            "progress",
        }


def _funnel(present):
    """Turn {state: rows in it} into the public counters."""
    counters = {f"{name}_count": present.get(name, 0) for name in (*PRESENT, *OTHER)}
    at_least = 0
    for name in reversed(FUNNEL):
        at_least += present.get(name, 0)
        counters[f"{name}_count"] = at_least
    counters["recipient_count"] = at_least + sum(present.get(n, 0) for n in PRESENT)
    return counters
