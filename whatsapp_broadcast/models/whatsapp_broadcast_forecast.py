# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from collections import defaultdict

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, formatLang

from ..engine import queries

#: Deliveries that are believed in before any was seen: the first failures of a new
#: account do not say much.
BELIEVED = 20


class WhatsappBroadcast(models.Model):
    """What a broadcast is going to cost, and what it did cost."""

    _inherit = "whatsapp.broadcast"

    forecast = fields.Json(
        readonly=True, copy=False, help="What it was to cost when it was launched."
    )

    # === FORECAST === #

    def _forecast(self, counts=None):
        """Foretell the cost of the messages that are still to be sent.

        :param dict counts: {(country code or None, inside the service window): people};
            by default those of :meth:`_count_by_country`
        :return: ``rows`` (dicts ``code in_window people price currency_id is_free
            cost``; price and currency as on the card, cost in ``currency_id``),
            ``people cost currency_id share`` (of the messages that are expected to be
            delivered) and ``unpriced`` {code: people}, who are not in ``cost``
        :rtype: dict
        """
        self.ensure_one()
        counts = self._count_by_country() if counts is None else counts
        category, day = self._billing_category(), self._billing_day()
        prices = self._card_prices({code for code, _in in counts}, category, day)
        currency = self._forecast_currency(prices)
        share = self._expected_share(category)
        exemptions = self.env["whatsapp.broadcast.rate.exemption"]
        is_free_inside = exemptions._is_free(category, "service_window", day)
        rows, unpriced = [], defaultdict(int)
        for (code, in_window), people in sorted(counts.items(), key=_largest_first):
            price, card = prices.get(code, (None, self.env["res.currency"]))
            is_free = in_window and is_free_inside
            cost = 0.0 if is_free else self._convert_price(price, card, currency, day)
            if cost is None:
                unpriced[code or ""] += people
            rows.append(
                {
                    "code": code,
                    "in_window": in_window,
                    "people": people,
                    "price": price,
                    "currency_id": card.id,
                    "is_free": is_free,
                    "cost": None if cost is None else cost * people * share,
                }
            )
        return {
            "rows": rows,
            "people": sum(counts.values()),
            "cost": sum(row["cost"] or 0 for row in rows),
            "currency_id": currency.id,
            "share": share,
            "unpriced": dict(unpriced),
        }

    def _convert_price(self, price, card, currency, day):
        """Return a price of the card in another currency, None if it is not known."""
        if price is None or not self._converts(card, currency):
            return None
        return card._convert(price, currency, self.company_id, day, round=False)

    def _count_by_country(self):
        """Return {(country code or None, inside the window): people} of who waits.

        From the recipients where there are some, as after a review; else from the
        figures of the audience, which are a sample's if it is large.
        """
        if not self.recipient_count:
            return dict(self._figures().reachable)
        self.env["whatsapp.broadcast.recipient"].flush_model()
        query = SQL(queries.COUNT_RECIPIENTS_BY_COUNTRY, broadcast_id=self.id)
        return {
            (code, in_window): people
            for code, in_window, people in self.env.execute_query(query)
        }

    def _billing_category(self):
        if self.message_type != "template":
            return "service"
        return self.template_category

    def _billing_day(self):
        """Return the day on which it is planned to be sent; the card has days, too."""
        return max(self.scheduled_at or self._now(), self._now()).date()

    def _card_prices(self, codes, category, day):
        """Return {country code: (price, currency)} of those that the card has."""
        self.env["whatsapp.broadcast.rate"].flush_model()
        self.env["whatsapp.broadcast.market"].flush_model()
        self.env.cr.execute(
            queries.PRICES,
            {"codes": [c for c in codes if c], "category": category, "day": day},
        )
        currencies = self.env["res.currency"]
        return {
            code: (float(price), currencies.browse(currency_id))
            for code, price, currency_id in self.env.cr.fetchall()
        }

    def _expected_share(self, category):
        """Return the share of messages that this account's last ones let expect."""
        self.env.flush_all()
        self.env.cr.execute(
            queries.DELIVERIES,
            {"account_id": self.account_id.id, "category": category},
        )
        delivered, settled = map(float, self.env.cr.fetchone())
        return min(1.0, (delivered + BELIEVED) / (settled + BELIEVED))

    def _forecast_currency(self, prices):
        """Return the company's currency; the card's if that cannot be converted."""
        own = self.company_id.currency_id
        cards = {currency for _price, currency in prices.values()}
        if len(cards) == 1 and not self._converts(*cards, own):
            return cards.pop()
        return own

    def _converts(self, currency, other):
        """Tell whether one of two currencies has a rate: else Odoo takes 1 for it."""
        if currency == other:
            return True
        rates = self.env["res.currency.rate"]
        root = self.company_id.root_id.id
        domain = [
            ("currency_id", "in", (currency + other).ids),
            ("company_id", "in", (False, root)),
        ]
        return bool(rates.search_count(domain, limit=1))

    # === BILLED === #

    def get_costs(self):
        """Return what the broadcast was to cost and what was charged so far.

        :return: ``billed`` and ``forecast`` (False if none was made) in ``currency``
            (an ISO code), the same as ``billed_text`` and ``forecast_text``, and the
            messages ``charged_count free_count unpriced_count``; those without a price
            are in no sum
        :rtype: dict
        """
        self.check_access("read")
        if len(self) != 1:
            raise UserError(self.env._("Ask for the costs of one broadcast."))
        sums = self._billed_sums()
        billed, charged = sums["charged"]
        currency = self.company_id.currency_id
        foretold = self.forecast or {}
        in_same = foretold.get("currency_id") == currency.id
        return {
            "currency": currency.name,
            "billed": billed,
            "billed_text": formatLang(self.env, billed, currency_obj=currency),
            "forecast": foretold["cost"] if in_same else False,
            "forecast_text": self._forecast_text(foretold),
            "charged_count": charged,
            "free_count": sums["free"][1],
            "unpriced_count": sums["unpriced"][1],
        }

    def _billed_sums(self):
        """Return {charged, free, unpriced: (cost, messages)}."""
        sums = dict.fromkeys(("charged", "free", "unpriced"), (0.0, 0))
        groups = self.env["whatsapp.broadcast.cost"]._read_group(
            [("broadcast_id", "=", self.id)],
            ["is_charged", "is_known"],
            ["cost:sum", "people:sum"],
        )
        for is_charged, is_known, cost, people in groups:
            kind = "free" if not is_charged else "charged" if is_known else "unpriced"
            sums[kind] = (cost, people)
        return sums

    def _forecast_text(self, forecast):
        """Return the cost in words, with what is not in it."""
        if not forecast:
            return ""
        currency = self.env["res.currency"].browse(forecast["currency_id"])
        cost = formatLang(self.env, forecast["cost"], currency_obj=currency)
        unpriced = sum(forecast["unpriced"].values())
        if not unpriced:
            return cost
        return self.env._(
            "%(cost)s and %(count)s messages without a known price",
            cost=cost,
            count=unpriced,
        )

    def action_open_costs(self):
        """Open what was charged, by country and day."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_cost_action"
        )
        action["domain"] = [("broadcast_id", "=", self.id)]
        action["context"] = {}
        return action


def _largest_first(item):
    (code, in_window), people = item
    return -people, code or "", in_window
