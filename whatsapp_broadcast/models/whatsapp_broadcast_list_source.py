from odoo import models


class WhatsappBroadcastListSource(models.AbstractModel):
    """Records that can be selected, and put on a list."""

    _name = "whatsapp.broadcast.list.source"
    _description = "What Can Be Put on a WhatsApp List"

    def action_whatsapp_add_to_list(self):
        """Ask to which list these records go (see ``active_ids``)."""
        context = {"active_ids": self.ids, **self.env.context}
        return self.env["whatsapp.broadcast.list.add"]._open(self._name, context)


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "whatsapp.broadcast.list.source"]


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "whatsapp.broadcast.list.source"]


class WhatsappBroadcastRecipient(models.Model):
    _name = "whatsapp.broadcast.recipient"
    _inherit = ["whatsapp.broadcast.recipient", "whatsapp.broadcast.list.source"]
