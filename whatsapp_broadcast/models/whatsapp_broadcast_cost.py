from odoo import fields, models

from ..engine import queries
from .whatsapp_broadcast_rate import CATEGORIES


class WhatsappBroadcastCost(models.Model):
    """What was charged for deliveries, by the provider's word and the card."""

    _name = "whatsapp.broadcast.cost"
    _description = "Cost of WhatsApp Broadcasts"
    _auto = False
    _order = "day desc, cost desc"
    _rec_name = "broadcast_id"
    _depends = {
        "whatsapp.broadcast": ["company_id", "number_id", "template_id", "user_id"],
        "whatsapp.broadcast.recipient": ["phone", "price_category", "price_type"],
        "whatsapp.broadcast.rate": ["price", "valid_from", "valid_until", "active"],
        "whatsapp.broadcast.market": ["country_ids", "is_other"],
        "res.currency.rate": ["rate", "name"],
    }

    broadcast_id = fields.Many2one("whatsapp.broadcast", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    account_id = fields.Many2one("whatsapp.broadcast.account", readonly=True)
    number_id = fields.Many2one("whatsapp.broadcast.number", readonly=True)
    template_id = fields.Many2one("whatsapp.broadcast.template", readonly=True)
    user_id = fields.Many2one("res.users", "Responsible", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    country_id = fields.Many2one("res.country", readonly=True)
    category = fields.Selection(CATEGORIES, readonly=True)
    day = fields.Date(readonly=True)
    is_charged = fields.Boolean("Charged", readonly=True)
    is_known = fields.Boolean(
        "Price Known",
        readonly=True,
        help="No: the card has no price for it, or its currency no rate.",
    )
    people = fields.Integer("Delivered", readonly=True)
    price = fields.Float(
        digits=(12, 6), readonly=True, aggregator=None, help="In the card's currency."
    )
    card_currency_id = fields.Many2one("res.currency", readonly=True)
    card_cost = fields.Monetary(
        "Cost on the Card", currency_field="card_currency_id", readonly=True
    )
    cost = fields.Monetary(currency_field="currency_id", readonly=True)

    @property
    def _table_query(self):
        return queries.COSTS
