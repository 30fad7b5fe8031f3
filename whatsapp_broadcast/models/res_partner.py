from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    # The audience is read in phone order, and webhooks look people up by phone.
    phone_sanitized = fields.Char(index="btree_not_null")

    def action_whatsapp_broadcast(self):
        """Open a new broadcast for these contacts (see ``active_ids``)."""
        context = {"active_ids": self.ids, **self.env.context}
        return self.env["whatsapp.broadcast"]._action_from_selection(
            "res.partner", context
        )
