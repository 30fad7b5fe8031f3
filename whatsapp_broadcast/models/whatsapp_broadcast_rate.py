import csv
from io import StringIO
from pathlib import Path

from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: What a provider charges by. Meta's names, with _ for -.
CATEGORIES = [
    ("marketing", "Marketing"),
    ("utility", "Utility"),
    ("authentication", "Authentication"),
    ("authentication_international", "Authentication, International"),
    ("service", "Service"),
]
#: Where Meta has its present card.
CARD_URL = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/pricing"
)
#: (first day, file, source) of the cards that come with the addon, in Meta's layout.
SHIPPED_CARDS = [
    (
        "2026-10-01",
        "meta_usd_2026-10-01.txt",
        "Meta, list rates in USD effective 1 October 2026",
    )
]
CARDS = Path(__file__).parents[1] / "cards"


class WhatsappBroadcastRate(models.Model):
    """One price of the provider's card: per delivered message, from a day on.

    The newest that is in force counts. What is not charged at all is in
    ``whatsapp.broadcast.rate.exemption``.
    """

    _name = "whatsapp.broadcast.rate"
    _description = "WhatsApp Rate"
    _order = "valid_from desc, market_id, category"
    _rec_name = "market_id"

    active = fields.Boolean(default=True)
    market_id = fields.Many2one(
        "whatsapp.broadcast.market", required=True, ondelete="cascade", index=True
    )
    category = fields.Selection(CATEGORIES, required=True)
    price = fields.Float(
        required=True, digits=(12, 6), help="For each message that is delivered."
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.ref("base.USD"),
        ondelete="restrict",
        context={"active_test": False},
    )
    valid_from = fields.Date(required=True, default=fields.Date.context_today)
    valid_until = fields.Date(help="The last day; empty: until there is a newer price.")
    source = fields.Char(help="Where the price was read.")

    _price_positive = models.Constraint(
        "CHECK (price >= 0)", "A price cannot be negative."
    )
    _valid_until_after = models.Constraint(
        "CHECK (valid_until >= valid_from)", "The last day is before the first one."
    )
    _market_category_unique = models.Constraint(
        "UNIQUE (market_id, category, valid_from)",
        "There is a price for this market and category from this day on already.",
    )

    @api.model
    def _load_shipped_cards(self):
        """Import each card that comes with the addon, unless its day has one."""
        for day, name, source in SHIPPED_CARDS:
            rates = self.with_context(active_test=False)
            if not rates.search_count([("valid_from", "=", day)], limit=1):
                self._import_card((CARDS / name).read_text(), day, source)

    @api.model
    def _import_card(self, text, valid_from, source):
        """Add the prices of a card; those of the same day are replaced.

        :param str text: CSV as Meta publishes it: titles, then a line that begins with
            ``Market,Currency`` and names categories, then one line a market
        :return: the rates
        :raise ValidationError: if it is no such file; says where
        """
        prices = self._read_card(text)
        known = {
            (rate.market_id, rate.category): rate
            for rate in self.with_context(active_test=False).search(
                [("valid_from", "=", valid_from)]
            )
        }
        rates = self.browse()
        for (market, category), values in prices.items():
            values = {**values, "active": True, "source": source}
            if rate := known.get((market, category)):
                rate.write(values)
            else:
                rate = self.create(
                    {
                        "market_id": market.id,
                        "category": category,
                        "valid_from": valid_from,
                        **values,
                    }
                )
            rates += rate
        return rates

    def _read_card(self, text):
        """Return {(market, category): {price, currency_id}}."""
        lines = [[cell.strip() for cell in line] for line in csv.reader(StringIO(text))]
        heads = [
            n for n, line in enumerate(lines) if line[:2] == ["Market", "Currency"]
        ]
        if not heads:
            raise ValidationError(
                self.env._(
                    "No line begins with Market,Currency. Download the list rates as "
                    "CSV from the provider's page of prices."
                )
            )
        head = heads[0]
        categories = [_category(name) for name in lines[head]]
        prices = {}
        for number, line in enumerate(lines[head + 1 :], start=head + 2):
            if any(line):
                prices.update(self._read_line(number, line, categories))
        return prices

    def _read_line(self, number, line, categories):
        market = self.env["whatsapp.broadcast.market"]._of_name(line[0])
        currencies = self.env["res.currency"].with_context(active_test=False)
        currency = currencies.search([("name", "=", line[1])])
        if not currency:
            raise ValidationError(
                self.env._(
                    "Line %(line)s: there is no currency %(name)s.",
                    line=number,
                    name=line[1],
                )
            )
        return {
            (market, category): {
                "price": self._read_price(number, cell),
                "currency_id": currency.id,
            }
            for category, cell in zip(categories, line, strict=False)
            if category in dict(CATEGORIES) and cell.lower() not in ("", "n/a")
        }

    def _read_price(self, number, cell):
        try:
            return float(cell.lstrip("$"))
        except ValueError:
            raise ValidationError(
                self.env._(
                    "Line %(line)s: %(cell)s is no price. Write it as in 0.0250.",
                    line=number,
                    cell=cell,
                )
            ) from None


class WhatsappBroadcastRateExemption(models.Model):
    """When the provider charges nothing, from a day on and until another."""

    _name = "whatsapp.broadcast.rate.exemption"
    _description = "WhatsApp Message Free of Charge"
    _order = "valid_from desc, category"
    _rec_name = "condition"

    active = fields.Boolean(default=True)
    category = fields.Selection(CATEGORIES, help="Empty: all.")
    condition = fields.Selection(
        [
            ("service_window", "Within 24 hours of what the person wrote"),
            ("free_entry_point", "Within 72 hours of a chat that an ad began"),
        ],
        required=True,
    )
    valid_from = fields.Date(required=True, default=fields.Date.context_today)
    valid_until = fields.Date(help="The last day; empty: until further notice.")
    source = fields.Char(help="Where it was read.")

    _valid_until_after = models.Constraint(
        "CHECK (valid_until >= valid_from)", "The last day is before the first one."
    )

    @api.model
    def _is_free(self, category, condition, day):
        """Tell whether nothing is charged for a category under a condition."""
        domain = [
            ("category", "in", [category, False]),
            ("condition", "=", condition),
            ("valid_from", "<=", day),
            "|",
            ("valid_until", "=", False),
            ("valid_until", ">=", day),
        ]
        return bool(self.search_count(domain, limit=1))


def _category(name):
    """Return our name of a column: ``Authentication-\\nInternational`` has a break."""
    return "_".join(name.replace("-", " ").lower().split())
