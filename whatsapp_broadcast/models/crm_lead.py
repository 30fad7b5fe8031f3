from odoo import models

from ..engine import queries

#: Models whose rows go where their lead goes.
FOLLOWERS = ("recipient", "message", "consent", "contact", "list.member")


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "whatsapp.broadcast.conversation"]

    def write(self, vals):
        """What went to a lead, and came from it, is its partner's as well."""
        result = super().write(vals)
        if vals.get("partner_id"):
            self._execute_on_followers(
                (*queries.FILL_PARTNER, queries.JOIN_MEMBERS),
                lead_ids=self.ids,
                partner_id=vals["partner_id"],
            )
        return result

    def action_whatsapp_broadcast(self):
        """Open a new broadcast for these leads (see ``active_ids``)."""
        context = {"active_ids": self.ids, **self.env.context}
        return self.env["whatsapp.broadcast"]._action_from_selection(
            "crm.lead", context
        )

    def _merge_dependences(self, opportunities):
        self._execute_on_followers(
            (
                *queries.MOVE_TO_LEAD,
                queries.MOVE_MEMBERS_TO_LEAD,
                queries.CHOOSE_LEAD,
            ),
            lead_ids=opportunities.ids,
            lead_id=self.id,
        )
        return super()._merge_dependences(opportunities)

    def _execute_on_followers(self, statements, **values):
        """Move rows by the set: a broadcast's are many, and no counter changes."""
        models_ = [self.env[f"whatsapp.broadcast.{name}"] for name in FOLLOWERS]
        for model in models_:
            model.flush_model()
        # In one round trip: leads get their partners one by one.
        self.env.cr.execute(";\n".join(statements), values)
        for model in models_:
            model.invalidate_model()
        self.env["whatsapp.broadcast"].invalidate_model(["lead_ids"])

    # === CONVERSATION === #

    def _whatsapp_scope(self):
        partner = self.partner_id
        is_readable = partner and partner.has_access("read")
        return {
            "lead_ids": self.ids,
            "partner_ids": partner.ids if is_readable else [],
        }

    def _whatsapp_links(self):
        return {"lead_id": self.id, "partner_id": self.partner_id.id}
