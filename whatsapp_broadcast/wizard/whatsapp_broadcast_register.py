from odoo import fields, models

from ..tools import secrets


class WhatsappBroadcastRegister(models.TransientModel):
    """Asks for the PIN of a number.

    The form is saved before its button is called, so the PIN rests in the database
    for a moment: encrypted, and gone when the number is registered.
    """

    _name = "whatsapp.broadcast.register"
    _description = "Register a WhatsApp Number"

    number_id = fields.Many2one(
        "whatsapp.broadcast.number", required=True, ondelete="cascade"
    )
    pin = fields.Char("PIN", compute="_compute_pin", inverse="_inverse_pin")
    pin_encrypted = fields.Char(groups=fields.NO_ACCESS)

    def _compute_pin(self):
        self.pin = False

    def _inverse_pin(self):
        secrets.store(self, "pin")

    def action_register(self):
        """Register the number with the PIN, and forget the PIN."""
        self.ensure_one()
        encrypted = self.sudo().pin_encrypted
        pin = secrets.decrypt(self.env, encrypted) if encrypted else ""
        self.number_id.action_register(pin)
        self.sudo().unlink()
        return {"type": "ir.actions.act_window_close"}
