from odoo import fields, models


class WhatsappBroadcastCounter(models.Model):
    """How the number of recipients in a state changed; the sum is the counter.

    Rows are added by a trigger on the recipient table, so that no way of changing a
    row can forget them, and no row is ever fought over.
    """

    _name = "whatsapp.broadcast.counter"
    _description = "WhatsApp Broadcast Counter"
    _log_access = False

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, ondelete="cascade", index=True
    )
    name = fields.Char(required=True)
    delta = fields.Integer(required=True)
