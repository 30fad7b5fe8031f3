# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models

from ..engine import queries
from ..engine.consents import keyword_key


class WhatsappBroadcast(models.Model):
    """What marketing owes to people: their consent, and a way out."""

    _inherit = "whatsapp.broadcast"

    without_consent_count = fields.Integer(
        compute="_compute_without_consent_count",
        help="Recipients of marketing, as reviewed, whose consent is not recorded, "
        "where the company wants them counted.",
    )
    lacks_way_out = fields.Boolean(
        compute="_compute_lacks_way_out",
        help="Marketing that tells nobody how to get no more of it.",
    )

    @api.depends("template_category", "company_id", "state")
    def _compute_without_consent_count(self):
        """Count the rows of a review, of which there are 100,000 at most."""
        for broadcast in self:
            broadcast.without_consent_count = 0
            if (
                broadcast.state == "draft"
                and broadcast.template_category == "marketing"
                and broadcast.company_id.whatsapp_consent_rule == "warn"
            ):
                values = {"broadcast_id": broadcast._origin.id or None}
                self.env.cr.execute(queries.COUNT_WITHOUT_CONSENT, values)
                broadcast.without_consent_count = self.env.cr.fetchone()[0]

    @api.depends(
        "template_id.body",
        "template_id.footer",
        "template_id.category",
        "template_id.button_ids.is_opt_out",
    )
    def _compute_lacks_way_out(self):
        words = self.env["whatsapp.broadcast.keyword"].search([("action", "=", "stop")])
        keys = words.mapped("key")
        for broadcast in self:
            template = broadcast.template_id
            text = keyword_key(f"{template.body or ''} {template.footer or ''}")
            broadcast.lacks_way_out = (
                template.category == "marketing"
                and not any(template.button_ids.mapped("is_opt_out"))
                and not any(f" {key} " in f" {text} " for key in keys)
            )
