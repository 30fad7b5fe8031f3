# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import fields, models

from ..engine import queries

#: Days after a message in which a lead that is won counts for its broadcast.
ATTRIBUTION_DAYS = 30


class WhatsappBroadcast(models.Model):
    """What a broadcast brought in: clicks, leads, and leads that were won."""

    _inherit = "whatsapp.broadcast"

    campaign_id = fields.Many2one(
        "utm.campaign", help="Leads that come of replies belong to it."
    )
    source_id = fields.Many2one(
        "utm.source", readonly=True, copy=False, ondelete="set null"
    )
    clicked_count = fields.Integer(compute="_compute_counters")
    won_count = fields.Integer(
        "Won",
        compute="_compute_counters",
        help="Leads that were won within 30 days after their message.",
    )
    lead_count = fields.Integer("New Leads", compute="_compute_lead_count")

    def _compute_lead_count(self):
        groups = self.env["crm.lead"]._read_group(
            [("source_id", "in", self.source_id.ids)], ["source_id"], ["__count"]
        )
        counts = {source.id: count for source, count in groups}
        for broadcast in self:
            broadcast.lead_count = counts.get(broadcast.source_id.id, 0)

    def _utm_source(self):
        """Return the source that leads of this broadcast have."""
        self.ensure_one()
        if not self.source_id:
            sources_sudo = self.env["utm.source"].sudo()
            names = self.env["utm.mixin"]._get_unique_names("utm.source", [self.name])
            source = sources_sudo.create({"name": names[0]})
            self._write_protected({"source_id": source.id})
        return self.source_id

    def _utm_medium(self):
        """Return the medium of all that comes of broadcasts."""
        return self.env["utm.medium"]._fetch_or_create_utm_medium(
            "WhatsApp", module="whatsapp_broadcast"
        )

    def action_open_leads(self):
        """Open the leads that replies to this broadcast became."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("crm.crm_lead_all_leads")
        action["domain"] = [("source_id", "=", self._utm_source().id)]
        action["context"] = {}
        return action


class CrmLead(models.Model):
    _inherit = "crm.lead"

    def _handle_won_lost(self, old_status_by_lead, new_status_by_lead):
        """Count what is won, and what is won no more, for the broadcasts before it."""
        result = super()._handle_won_lost(old_status_by_lead, new_status_by_lead)

        def won(status_by_lead):
            return self.filtered(
                lambda lead: status_by_lead.get(lead.id, {}).get("is_won")
            )

        before, after = won(old_status_by_lead), won(new_status_by_lead)
        (after - before)._count_won(1)
        (before - after)._count_won(-1)
        return result

    def _count_won(self, delta):
        if self:
            self.env.cr.execute(
                queries.COUNT_WON,
                {"lead_ids": self.ids, "delta": delta, "days": ATTRIBUTION_DAYS},
            )
