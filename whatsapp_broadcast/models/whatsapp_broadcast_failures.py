# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models

from ..engine import queries
from .whatsapp_broadcast_recipient import RETRYABLE_CLASSES


class WhatsappBroadcast(models.Model):
    """Why messages of a broadcast failed, and what to do about it."""

    _inherit = "whatsapp.broadcast"

    failure_groups = fields.Json(
        compute="_compute_failure_groups",
        help="For each reason, the most frequent first: error_class, label, count, "
        "advice, is_retryable.",
    )

    @api.depends_context("uid", "lang")
    def _compute_failure_groups(self):
        """By the counters: however many failed, a handful of rows is read."""
        self.env["whatsapp.broadcast.recipient"].flush_model()
        self.env.cr.execute(queries.FAILURES, {"broadcast_ids": self.ids})
        counts = {broadcast_id: {} for broadcast_id in self.ids}
        for broadcast_id, error_class, count in self.env.cr.fetchall():
            counts[broadcast_id][error_class] = int(count)
        for broadcast in self:
            broadcast.failure_groups = broadcast._describe_failures(
                counts.get(broadcast.id, {})
            )

    def _describe_failures(self, counts):
        recipients = self.env["whatsapp.broadcast.recipient"]
        labels = dict(
            recipients._fields["error_class"]._description_selection(self.env)
        )
        advice = recipients._advice_by_class()
        return [
            {
                "error_class": error_class,
                "label": labels.get(error_class, error_class),
                "count": count,
                "advice": advice.get(error_class, ""),
                "is_retryable": error_class in RETRYABLE_CLASSES,
            }
            for error_class, count in sorted(counts.items(), key=lambda item: -item[1])
        ]

    @api.readonly
    def get_failures(self):
        """Return the failed messages by the provider's error, the most frequent first.

        Reads the rows: for who wants to know more than ``failure_groups`` says.

        :rtype: list of dicts ``error_class error_code error_message count advice``
        """
        self.ensure_one()
        self.check_access("read")
        recipients = self.env["whatsapp.broadcast.recipient"]
        by_code, by_class = recipients._advice_by_code(), recipients._advice_by_class()
        groups = recipients._read_group(
            [("broadcast_id", "=", self.id), ("state", "=", "failed")],
            ["error_class", "error_code"],
            ["__count", "error_message:max"],
            order="__count DESC",
        )
        return [
            {
                "error_class": error_class,
                "error_code": code,
                "error_message": message,
                "count": count,
                "advice": by_code.get(code) or by_class.get(error_class, ""),
            }
            for error_class, code, count, message in groups
        ]

    @api.model
    def _counter_fields(self):
        return super()._counter_fields() | {"failure_groups"}
