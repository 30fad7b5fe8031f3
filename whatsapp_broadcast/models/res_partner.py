from odoo import fields, models


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "whatsapp.broadcast.conversation"]

    # The audience is read in phone order, and webhooks look people up by phone.
    phone_sanitized = fields.Char(index="btree_not_null")

    def action_whatsapp_broadcast(self):
        """Open a new broadcast for these contacts (see ``active_ids``)."""
        context = {"active_ids": self.ids, **self.env.context}
        return self.env["whatsapp.broadcast"]._action_from_selection(
            "res.partner", context
        )

    # === CONVERSATION === #

    def _whatsapp_scope(self):
        leads = self.env["crm.lead"].with_context(active_test=False)
        if leads.has_access("read"):
            leads = leads.search([("partner_id", "in", self.ids)])
        return {"lead_ids": leads.ids, "partner_ids": self.ids}

    def _whatsapp_links(self):
        return {"lead_id": False, "partner_id": self.id}
