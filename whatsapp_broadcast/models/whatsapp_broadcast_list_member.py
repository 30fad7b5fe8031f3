from odoo import fields, models


class WhatsappBroadcastListMember(models.Model):
    """A lead, a contact, or a bare phone number on a list."""

    _name = "whatsapp.broadcast.list.member"
    _description = "WhatsApp List Member"
    _order = "list_id, id"

    list_id = fields.Many2one(
        "whatsapp.broadcast.list", required=True, ondelete="cascade", index=True
    )
    lead_id = fields.Many2one("crm.lead", ondelete="cascade", index="btree_not_null")
    partner_id = fields.Many2one(
        "res.partner", ondelete="cascade", index="btree_not_null"
    )
    name = fields.Char(help="Of a bare phone number.")
    phone = fields.Char(help="Of a bare phone number, as it was given.")
    phone_sanitized = fields.Char(
        readonly=True, index="btree_not_null", help="E.164, of a bare phone number."
    )
    state = fields.Selection(
        [("subscribed", "Subscribed"), ("unsubscribed", "Unsubscribed")],
        required=True,
        default="subscribed",
    )
    source = fields.Char(readonly=True, help="How the member came onto the list.")

    _one_of = models.Constraint(
        "CHECK (num_nonnulls(lead_id, partner_id, phone) = 1)",
        "A member is a lead, a contact or a phone number.",
    )
    _lead_unique = models.UniqueIndex(
        "(list_id, lead_id) WHERE lead_id IS NOT NULL", "The list has this lead."
    )
    _partner_unique = models.UniqueIndex(
        "(list_id, partner_id) WHERE partner_id IS NOT NULL",
        "The list has this contact.",
    )
    _phone_unique = models.UniqueIndex(
        "(list_id, phone_sanitized) WHERE phone_sanitized IS NOT NULL",
        "The list has this phone number.",
    )
