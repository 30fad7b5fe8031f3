from odoo import fields, models

from ..engine import queries


class WhatsappBroadcastAlias(models.Model):
    """A name by which a number knows a person: a phone's key, a user id.

    Phones are kept by their key (``engine.addresses``), so that two forms of one phone
    are one alias.
    """

    _name = "whatsapp.broadcast.alias"
    _description = "WhatsApp Alias"
    _log_access = False

    number_id = fields.Many2one(
        "whatsapp.broadcast.number", required=True, ondelete="cascade", readonly=True
    )
    contact_id = fields.Many2one(
        "whatsapp.broadcast.contact",
        required=True,
        ondelete="cascade",
        index=True,
        readonly=True,
    )
    address = fields.Char(required=True, readonly=True)
    is_former = fields.Boolean(
        readonly=True,
        help="The person has another phone now: who writes from this one is new.",
    )

    def init(self):
        self.env.cr.execute(queries.CREATE_ADDRESS_FUNCTIONS)

    # By address first: one person is looked for over all numbers, too.
    _address_unique = models.UniqueIndex(
        "(address, number_id)", "The number knows this person already."
    )
