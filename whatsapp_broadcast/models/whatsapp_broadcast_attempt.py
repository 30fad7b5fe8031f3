from odoo import fields, models


class WhatsappBroadcastAttempt(models.Model):
    _name = "whatsapp.broadcast.attempt"
    _description = "Earlier Try of a WhatsApp Message"
    _order = "id desc"
    _log_access = False

    recipient_id = fields.Many2one(
        "whatsapp.broadcast.recipient",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )
    token = fields.Char(readonly=True, index="btree_not_null")
    provider_message_id = fields.Char("Message ID", readonly=True)
    number_id = fields.Many2one(
        "whatsapp.broadcast.number", ondelete="set null", readonly=True
    )
    result = fields.Selection(
        [
            ("unknown", "Unknown"),
            ("failed", "Failed"),
            ("treated_as_sent", "Treated as sent"),
            ("accepted", "Was accepted after all: a duplicate"),
        ],
        readonly=True,
    )
    error_code = fields.Char(readonly=True)
    error_class = fields.Char(readonly=True)
    at = fields.Datetime(readonly=True)
    by = fields.Many2one("res.users", ondelete="set null", readonly=True)

    _message_index = models.Index(
        "(provider_message_id) WHERE provider_message_id IS NOT NULL"
    )
