"""What messages cost: by the country of the phone, the category and the day."""

from .clock import NOW
from .people import person
from .prefixes import country

#: The country of row r; a person who is known by a user id alone has it in that id.
_COUNTRY = (
    f"""COALESCE({country("r.phone")}, substring(r.user_ref FROM '^([A-Z]{{2}})\\.'))"""
)

#: The provider's name for a category of row r, as the card has it.
_CATEGORY = """CASE replace(r.price_category, '-', '_')
        WHEN 'marketing_lite' THEN 'marketing'
        ELSE replace(r.price_category, '-', '_')
    END"""


def price(country_code, category, day):
    """Return a lateral query: ``price`` and ``currency_id`` that the card has.

    The market with the fewest countries goes first: one that became a market of its own
    stays in its former group, whose price counts for the days before.
    """
    return f"""(
        SELECT rate.price, rate.currency_id
        FROM whatsapp_broadcast_rate rate
        JOIN whatsapp_broadcast_market market ON market.id = rate.market_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS countries, bool_or(c.code = {country_code}) AS is_in
            FROM whatsapp_broadcast_market_country_rel rel
            JOIN res_country c ON c.id = rel.country_id
            WHERE rel.market_id = market.id
        ) AS size
        WHERE rate.active AND rate.category = {category} AND rate.valid_from <= {day}
            AND (rate.valid_until IS NULL OR rate.valid_until >= {day})
            AND (market.is_other OR size.is_in) AND {country_code} IS NOT NULL
        ORDER BY market.is_other NULLS FIRST, size.countries, rate.valid_from DESC
        LIMIT 1
    )"""


#: {code: price} of one category on one day; what has none is not there.
PRICES = f"""
SELECT asked.code, price.price, price.currency_id
FROM unnest(%(codes)s::text[]) AS asked (code)
CROSS JOIN LATERAL {price("asked.code", "%(category)s", "%(day)s::date")} AS price
"""

#: (country code, inside the service window, people) of who is still to be written to.
COUNT_RECIPIENTS_BY_COUNTRY = f"""
SELECT {_COUNTRY},
    COALESCE(person.last_inbound_at > {NOW} - interval '24 hours', FALSE), count(*)
FROM whatsapp_broadcast_recipient r
CROSS JOIN LATERAL {person("r", "r.number_id")} AS person
WHERE r.broadcast_id = %(broadcast_id)s AND r.state = 'queued'
GROUP BY 1, 2
"""

#: Of an account's messages in a category, those delivered and all that were tried.
#: Where nothing was delivered, nothing was heard.
DELIVERIES = f"""
SELECT COALESCE(sum(delivered), 0), COALESCE(sum(tried), 0) FROM (
    SELECT sum(c.delta) FILTER (WHERE c.name IN ('delivered', 'read')) AS delivered,
        sum(c.delta) AS tried
    FROM whatsapp_broadcast b
    JOIN whatsapp_broadcast_counter c ON c.broadcast_id = b.id
        AND c.name IN ('accepted', 'held', 'sent', 'delivered', 'read', 'failed')
    WHERE b.account_id = %(account_id)s AND b.state = 'done'
        AND b.completed_at > {NOW} - interval '90 days'
        AND COALESCE(b.launched_category, 'service') = %(category)s
    GROUP BY b.id
) AS broadcast WHERE delivered > 0
"""


def _rate(currency):
    """Return an expression: the rate of a currency on the day, as Odoo takes it."""
    return f"""(
            SELECT x.rate FROM res_currency_rate x WHERE x.currency_id = {currency}
                AND (x.company_id IS NULL
                    OR x.company_id = split_part(company.parent_path, '/', 1)::int)
            ORDER BY x.name > sums.day, x.company_id, abs(x.name - sums.day) LIMIT 1
        )"""


#: What was charged, by broadcast, country, category and day. Charged is a delivery
#: that the provider calls so; its price is the card's on the day.
COSTS = f"""
SELECT sums.id, sums.broadcast_id, b.company_id, b.account_id, b.number_id,
    b.template_id, b.user_id, company.currency_id,
    c.id AS country_id, sums.category, sums.day, sums.is_charged, sums.people,
    NOT sums.is_charged OR price.price IS NOT NULL AND rates.factor IS NOT NULL
        AS is_known,
    price.price, price.currency_id AS card_currency_id,
    CASE WHEN sums.is_charged THEN price.price * sums.people ELSE 0 END AS card_cost,
    CASE WHEN sums.is_charged THEN price.price * sums.people * rates.factor ELSE 0 END
        AS cost
FROM (
    SELECT min(r.id) AS id, r.broadcast_id, {_COUNTRY} AS code,
        {_CATEGORY} AS category,
        COALESCE(r.delivered_at, r.read_at)::date AS day,
        COALESCE(left(r.price_type, 4) <> 'free', r.billable) AS is_charged,
        count(*)::integer AS people
    FROM whatsapp_broadcast_recipient r
    WHERE COALESCE(r.delivered_at, r.read_at) IS NOT NULL
        AND COALESCE(left(r.price_type, 4) <> 'free', r.billable) IS NOT NULL
    GROUP BY 2, 3, 4, 5, 6
) AS sums
JOIN whatsapp_broadcast b ON b.id = sums.broadcast_id
JOIN res_company company ON company.id = b.company_id
LEFT JOIN res_country c ON c.code = sums.code
LEFT JOIN LATERAL {price("sums.code", "sums.category", "sums.day")} AS price ON TRUE
LEFT JOIN LATERAL (
    SELECT CASE
        WHEN price.currency_id = company.currency_id THEN 1
        WHEN rate.card IS NOT NULL OR rate.own IS NOT NULL
        THEN COALESCE(rate.own, 1) / COALESCE(rate.card, 1)
    END AS factor
    FROM (SELECT
        {_rate("price.currency_id")} AS card, {_rate("company.currency_id")} AS own
    ) AS rate
) AS rates ON TRUE
"""
