from odoo import api, fields, models
from odoo.fields import Domain


class WhatsappBroadcastRestriction(models.Model):
    """A country that the provider delivers nothing, or no marketing, to."""

    _name = "whatsapp.broadcast.restriction"
    _description = "WhatsApp Country Restriction"
    _order = "country_id, valid_from desc"
    _rec_name = "country_id"

    country_id = fields.Many2one("res.country", required=True, ondelete="cascade")
    scope = fields.Selection(
        [("marketing", "Marketing"), ("all", "All messages")],
        "Refused",
        required=True,
        default="marketing",
    )
    valid_from = fields.Date("From", help="The first day. Empty: for long.")
    valid_until = fields.Date("Until", help="The last day. Empty: still in force.")
    source = fields.Char(help="Where the provider says so.")
    active = fields.Boolean(default=True)

    _dates_ordered = models.Constraint(
        "CHECK (valid_until >= valid_from)", "It must end after it begins."
    )

    @api.model
    def _in_force(self, category, day):
        """Return the ISO codes of the countries that are left out on a day.

        :param str category: of the template, False for a text
        """
        scopes = ("all", "marketing") if category == "marketing" else ("all",)
        found = self.search(
            Domain("scope", "in", scopes)
            & (Domain("valid_from", "=", False) | Domain("valid_from", "<=", day))
            & (Domain("valid_until", "=", False) | Domain("valid_until", ">=", day))
        )
        return found.mapped("country_id.code")
