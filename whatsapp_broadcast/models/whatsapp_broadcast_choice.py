from odoo import api, fields, models

from .whatsapp_broadcast_consent import CHANNELS, PURPOSES, domain_of_phone


class WhatsappBroadcastChoice(models.Model):
    """An opt-out or opt-in that is in force: what claims and audiences ask.

    One row for each name of the person, as ``whatsapp.broadcast.alias`` has them. What
    was said, and when, stays in ``whatsapp.broadcast.consent``.
    """

    _name = "whatsapp.broadcast.choice"
    _description = "WhatsApp Choice in Force"
    _order = "since desc, id desc"
    _log_access = False
    _rec_name = "address"

    kind = fields.Selection(
        [("opt_out", "Opted out"), ("opt_in", "Opted in")], required=True, readonly=True
    )
    address = fields.Char(
        required=True, readonly=True, help="A phone by its key, or a user id."
    )
    phone = fields.Char(compute="_compute_phone", search="_search_phone")
    company_id = fields.Many2one(
        "res.company", ondelete="cascade", readonly=True, help="Empty: all companies."
    )
    purpose = fields.Selection(PURPOSES, required=True, readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    since = fields.Datetime(required=True, readonly=True)
    consent_id = fields.Many2one(
        "whatsapp.broadcast.consent", "Said", ondelete="cascade", readonly=True
    )

    _address_unique = models.UniqueIndex(
        "(kind, address, COALESCE(company_id, 0), purpose, channel)",
        "This person chose that in this way already.",
    )
    # By address alone: a claim asks for opt-outs and opt-ins at once.
    _address_index = models.Index("(address)")

    @api.depends("address")
    def _compute_phone(self):
        for choice in self:
            is_phone = (choice.address or "").startswith("+")
            choice.phone = is_phone and choice.address

    @api.model
    def _search_phone(self, operator, value):
        return domain_of_phone(self, operator, value)
