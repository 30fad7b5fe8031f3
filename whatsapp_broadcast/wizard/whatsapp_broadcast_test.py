import re

from odoo import api, fields, models


class WhatsappBroadcastTest(models.TransientModel):
    """Asks where a test message is to go."""

    _name = "whatsapp.broadcast.test"
    _description = "Test a WhatsApp Broadcast"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, readonly=True, ondelete="cascade"
    )
    phones = fields.Text(
        "To",
        required=True,
        default=lambda self: self.env.user.partner_id.phone,
        help="Up to five phone numbers, one in a line.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        wizards.broadcast_id.check_access("write")
        return wizards

    def action_send(self):
        """Send the test and say where it goes."""
        self.ensure_one()
        phones = [phone.strip() for phone in re.split(r"[\n,;]", self.phones)]
        own = self.env.user.partner_id.phone
        to_self = phones == [own]
        notice = self.broadcast_id.action_send_test(
            None if to_self else [phone for phone in phones if phone]
        )
        # The dialog goes, and the form shows that there is a test.
        notice["params"]["next"] = {"type": "ir.actions.act_window_close"}
        return notice
