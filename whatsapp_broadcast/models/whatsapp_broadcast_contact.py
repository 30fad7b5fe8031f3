from odoo import api, fields, models

from ..engine import queries
from ..engine.addresses import canonical


class WhatsappBroadcastContact(models.Model):
    """One person as one number knows them.

    Kept per number, not per account: numbers of one account may belong to several
    companies, and the service window is the number's.
    """

    _name = "whatsapp.broadcast.contact"
    _description = "WhatsApp Contact"
    _order = "last_inbound_at desc, id desc"

    account_id = fields.Many2one(
        "whatsapp.broadcast.account", required=True, ondelete="cascade", index=True
    )
    number_id = fields.Many2one(
        "whatsapp.broadcast.number", required=True, ondelete="cascade"
    )
    phone = fields.Char(readonly=True)
    user_ref = fields.Char("User ID", readonly=True)
    name = fields.Char(readonly=True)
    lead_id = fields.Many2one(
        "crm.lead", ondelete="set null", readonly=True, index="btree_not_null"
    )
    partner_id = fields.Many2one(
        "res.partner", ondelete="set null", readonly=True, index="btree_not_null"
    )
    last_inbound_at = fields.Datetime("Last Message From", readonly=True)
    last_outgoing_at = fields.Datetime("Last Message To", readonly=True)
    alias_ids = fields.One2many("whatsapp.broadcast.alias", "contact_id")
    marketing_opt_out = fields.Boolean(
        compute="_compute_opt_out", search="_search_marketing_opt_out"
    )
    marketing_opt_out_at = fields.Datetime(compute="_compute_opt_out")

    _phone_index = models.Index("(account_id, phone)")
    _user_ref_index = models.Index("(account_id, user_ref)")

    @api.depends("name", "phone", "user_ref")
    def _compute_display_name(self):
        for contact in self:
            contact.display_name = contact.name or contact.phone or contact.user_ref

    # === WHAT THEY CHOSE === #

    @api.depends("alias_ids.address")
    def _compute_opt_out(self):
        since = self._opted_out_since()
        for contact in self:
            contact.marketing_opt_out = contact.id in since
            contact.marketing_opt_out_at = since.get(contact.id)

    def _search_marketing_opt_out(self, operator, value):
        if operator != "in":
            return NotImplemented
        opted_out = (
            self.env["whatsapp.broadcast.choice"]
            .sudo()
            ._search(
                [
                    ("kind", "=", "opt_out"),
                    ("company_id", "in", [*self.env.companies.ids, False]),
                ]
            )
        )
        aliases = (
            self.env["whatsapp.broadcast.alias"]
            .sudo()
            ._search([("address", "in", opted_out.subselect("address"))])
        )
        inside = "in" if True in value else "not in"
        return [("id", inside, aliases.subselect("contact_id"))]

    def _opted_out_since(self):
        """Return {contact id: since when somebody by one of its names is opted out}."""
        self.env["whatsapp.broadcast.choice"].flush_model()
        self.env["whatsapp.broadcast.alias"].flush_model()
        self.env.cr.execute(
            queries.OPTED_OUT_SINCE,
            {"contact_ids": self.ids, "company_ids": self.env.companies.ids},
        )
        return dict(self.env.cr.fetchall())

    # === NAMES === #

    @api.model_create_multi
    def create(self, vals_list):
        """Who is entered here is known by his phone and user id, as who writes is."""
        contacts = super().create(vals_list)
        self.env["whatsapp.broadcast.alias"].create(
            [
                {
                    "number_id": contact.number_id.id,
                    "contact_id": contact.id,
                    "address": address,
                }
                for contact in contacts
                for address in (canonical(contact.phone or ""), contact.user_ref)
                if address
            ]
        )
        return contacts
