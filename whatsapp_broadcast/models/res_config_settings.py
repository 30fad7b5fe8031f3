from odoo import fields, models

from ..tools import secrets


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    whatsapp_broadcast_account_count = fields.Integer(
        compute="_compute_whatsapp_broadcast"
    )
    whatsapp_broadcast_keys_are_set = fields.Boolean(
        compute="_compute_whatsapp_broadcast"
    )
    whatsapp_broadcast_base_url = fields.Char(compute="_compute_whatsapp_broadcast")

    def _compute_whatsapp_broadcast(self):
        self.whatsapp_broadcast_account_count = self.env[
            "whatsapp.broadcast.account"
        ].search_count([])
        self.whatsapp_broadcast_keys_are_set = secrets.keys_are_set()
        self.whatsapp_broadcast_base_url = self.get_base_url()
