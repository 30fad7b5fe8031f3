"""Places: how many people may still be reached in these 24 hours.

The provider limits the unique people of a business portfolio outside an open service
window. Each person reached is a row that is dated when it was claimed, and again when
the message was delivered; a refused message gives its place back.
"""

from .clock import NOW
from .table import TABLES

#: The portfolio of a number: its key (the first account), its limit of people a day
#: (NULL: none known) and the share of it that is left for others.
PORTFOLIO = """
    SELECT min(p.id) AS id, min(d.daily_limit) AS daily_limit,
        max(p.reach_margin) AS margin
    FROM whatsapp_broadcast_number n
    JOIN whatsapp_broadcast_account a ON a.id = n.account_id
    JOIN whatsapp_broadcast_account p ON p.id = a.id OR (
        a.business_portfolio_id <> ''
        AND p.business_portfolio_id = a.business_portfolio_id
    )
    LEFT JOIN whatsapp_broadcast_number d
        ON d.account_id = p.id AND d.active AND d.daily_limit > 0
    WHERE n.id = %(number_id)s
"""

#: What a number may reach, as far as it is known now.
REACH_OF_NUMBER = f"""
SELECT portfolio.daily_limit, portfolio.margin,
    {NOW}::date - n.warm_up_started_on AS warm_up_day,
    (SELECT count(*) FROM whatsapp_broadcast_reach w WHERE w.portfolio = portfolio.id
        AND w.at > {NOW} - interval '24 hours') AS portfolio_used,
    (SELECT count(*) FROM whatsapp_broadcast_reach w WHERE w.number_id = n.id
        AND w.at > {NOW} - interval '24 hours') AS warm_up_used
FROM whatsapp_broadcast_number n CROSS JOIN ({PORTFOLIO}) AS portfolio
WHERE n.id = %(number_id)s
"""


def _count_places(column):
    """The places in use, counted anew every ten seconds: claims add theirs between.

    Locks the count, so that numbers of one portfolio follow one another.
    """
    return f"""
UPDATE whatsapp_broadcast_pace SET
    used = CASE
        WHEN counted_at > {NOW} - interval '10 seconds' THEN used
        ELSE (
            SELECT count(*) FROM whatsapp_broadcast_reach
            WHERE {column} = %(key)s AND at > {NOW} - interval '24 hours'
        )
    END,
    counted_at = CASE
        WHEN counted_at > {NOW} - interval '10 seconds' THEN counted_at ELSE {NOW}
    END
WHERE kind = %(kind)s AND key = %(key)s
RETURNING used
"""


def _next_place(column):
    """Seconds until the first place is free again."""
    return f"""
SELECT EXTRACT(EPOCH FROM min(at) + interval '24 hours' - {NOW})::float
FROM whatsapp_broadcast_reach
WHERE {column} = %(key)s AND at > {NOW} - interval '24 hours'
"""


COUNT_PLACES = {
    "portfolio": _count_places("portfolio"),
    "warm_up": _count_places("number_id"),
}
NEXT_PLACE = {
    "portfolio": _next_place("portfolio"),
    "warm_up": _next_place("number_id"),
}


def _redate_places(table):
    return f"""
UPDATE whatsapp_broadcast_reach w SET at = GREATEST(w.at, r.delivered_at)
FROM whatsapp_broadcast_{table} r
WHERE w.{table}_id = ANY(%(ids)s) AND r.id = w.{table}_id AND r.delivered_at > w.at
"""


FREE_PLACES = {
    table: f"DELETE FROM whatsapp_broadcast_reach WHERE {table}_id = ANY(%(ids)s)"
    for table in TABLES
}

#: Counted is who was delivered to, and that may be much later than the claim.
REDATE_PLACES = {table: _redate_places(table) for table in TABLES}

#: A message may be delivered for 30 days; until then its date may have to move.
PURGE_PLACES = f"""
DELETE FROM whatsapp_broadcast_reach WHERE id IN (
    SELECT w.id FROM whatsapp_broadcast_reach w
    LEFT JOIN whatsapp_broadcast_recipient r ON r.id = w.recipient_id
    LEFT JOIN whatsapp_broadcast_message m ON m.id = w.message_id
    WHERE w.at < {NOW} - interval '25 hours' AND (
        COALESCE(r.id, m.id) IS NULL OR 'read' IN (r.state, m.state)
        OR COALESCE(r.delivered_at, m.delivered_at) IS NOT NULL
        OR w.at < {NOW} - interval '31 days'
    )
    LIMIT %(limit)s
)
"""
