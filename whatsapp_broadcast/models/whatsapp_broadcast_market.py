from odoo import api, fields, models
from odoo.exceptions import ValidationError


class WhatsappBroadcastMarket(models.Model):
    """Countries that a provider charges one price for, by the provider's name."""

    _name = "whatsapp.broadcast.market"
    _description = "WhatsApp Market"
    _order = "name"

    name = fields.Char(required=True, help="As in the provider's list of prices.")
    country_ids = fields.Many2many(
        "res.country",
        "whatsapp_broadcast_market_country_rel",
        "market_id",
        "country_id",
        "Countries",
        help="Of several markets with a country, the one with the fewest counts.",
    )
    is_other = fields.Boolean(
        "All Other Countries", help="Holds the countries that are in no other market."
    )

    _name_unique = models.Constraint(
        "UNIQUE (name)", "There is a market of this name already."
    )

    @api.constrains("is_other")
    def _check_is_other(self):
        if self.search_count([("is_other", "=", True)]) > 1:
            raise ValidationError(
                self.env._("Only one market holds all other countries.")
            )

    def _of_name(self, name):
        """Return the market of a name; one country that is new becomes a market.

        :raise ValidationError: if it names neither
        """
        if market := self.search([("name", "=", name)]):
            return market
        countries = self.env["res.country"].with_context(lang="en_US")
        if country := countries.search([("name", "=", name)], limit=1):
            return self.create({"name": name, "country_ids": country.ids})
        raise ValidationError(
            self.env._(
                "%s is neither a known market nor a country. Add it under Markets "
                "with its countries, then import again.",
                name,
            )
        )
