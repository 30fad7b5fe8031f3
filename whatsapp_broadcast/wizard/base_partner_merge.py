from odoo import api, models

from ..engine import queries


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Move memberships first: Odoo drops all of them where one is double."""
        members = self.env["whatsapp.broadcast.list.member"]
        members.flush_model()
        self.env.cr.execute(
            queries.MOVE_MEMBERS_TO_PARTNER,
            {"partner_ids": src_partners.ids, "partner_id": dst_partner.id},
        )
        members.invalidate_model()
        return super()._update_foreign_keys(src_partners, dst_partner)
