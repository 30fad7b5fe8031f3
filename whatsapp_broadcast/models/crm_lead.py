from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def action_whatsapp_broadcast(self):
        """Open a new broadcast for these leads (see ``active_ids``)."""
        context = {"active_ids": self.ids, **self.env.context}
        return self.env["whatsapp.broadcast"]._action_from_selection(
            "crm.lead", context
        )
