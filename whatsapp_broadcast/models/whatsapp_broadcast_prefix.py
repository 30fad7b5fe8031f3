from odoo import fields, models

from ..engine import phone_countries, queries


class WhatsappBroadcastPrefix(models.Model):
    """The country of a phone number: joined on its first characters, in SQL."""

    _name = "whatsapp.broadcast.prefix"
    _description = "Phone Prefix"
    _log_access = False
    _rec_name = "prefix"

    prefix = fields.Char(required=True, readonly=True)
    country_code = fields.Char(required=True, readonly=True)

    _prefix_unique = models.UniqueIndex("(prefix)")

    def init(self):
        countries = phone_countries.prefixes()
        self.env.cr.execute(
            queries.FILL_PREFIXES,
            {"prefixes": list(countries), "codes": list(countries.values())},
        )
