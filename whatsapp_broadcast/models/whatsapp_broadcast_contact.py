from odoo import api, fields, models


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
    last_inbound_at = fields.Datetime("Last Message From", readonly=True)
    last_outgoing_at = fields.Datetime("Last Message To", readonly=True)
    marketing_opt_out = fields.Boolean(readonly=True)
    marketing_opt_out_at = fields.Datetime(readonly=True)

    _phone_unique = models.UniqueIndex(
        "(number_id, phone) WHERE phone IS NOT NULL",
        "The number knows this phone already.",
    )
    _user_ref_unique = models.UniqueIndex(
        "(number_id, user_ref) WHERE user_ref IS NOT NULL AND phone IS NULL",
        "The number knows this user already.",
    )
    _phone_index = models.Index("(account_id, phone)")
    _user_ref_index = models.Index("(account_id, user_ref)")

    @api.depends("name", "phone", "user_ref")
    def _compute_display_name(self):
        for contact in self:
            contact.display_name = contact.name or contact.phone or contact.user_ref
