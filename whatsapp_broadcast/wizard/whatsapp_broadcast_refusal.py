from odoo import fields, models


class WhatsappBroadcastRefusal(models.TransientModel):
    """Asks a manager why a broadcast is not approved."""

    _name = "whatsapp.broadcast.refusal"
    _description = "Refuse a WhatsApp Broadcast"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, ondelete="cascade"
    )
    reason = fields.Text(required=True)

    def action_refuse(self):
        """Give the broadcast back with the reason."""
        self.ensure_one()
        self.broadcast_id.action_refuse(self.reason)
        return {"type": "ir.actions.act_window_close"}
