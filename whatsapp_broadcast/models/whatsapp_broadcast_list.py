from odoo import fields, models


class WhatsappBroadcastList(models.Model):
    """An audience that is used again: its members, or a saved filter."""

    _name = "whatsapp.broadcast.list"
    _description = "WhatsApp List"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    description = fields.Text()
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", default=lambda self: self.env.company, index=True
    )
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user
    )
    list_type = fields.Selection(
        [("members", "Members"), ("filter", "Saved filter")],
        required=True,
        default="members",
        help="A saved filter is read anew for each broadcast, with the rights of "
        "whoever launches it.",
    )
    model = fields.Selection(
        [("crm.lead", "Leads"), ("res.partner", "Contacts")],
        "Filter on",
        required=True,
        default="crm.lead",
    )
    domain = fields.Char("Filter")
    member_ids = fields.One2many("whatsapp.broadcast.list.member", "list_id")

    def _main_model(self):
        """Return ``res.partner`` if no list has a lead, else ``crm.lead``."""
        saved = self.filtered(lambda one: one.list_type == "filter")
        if "crm.lead" in saved.mapped("model"):
            return "crm.lead"
        members = self.env["whatsapp.broadcast.list.member"]
        domain = [("list_id", "in", self.ids)]
        has_leads = members.search_count([*domain, ("lead_id", "!=", False)], limit=1)
        others = [*domain, ("partner_id", "!=", False)]
        has_partners = saved or members.search_count(others, limit=1)
        return "res.partner" if has_partners and not has_leads else "crm.lead"
