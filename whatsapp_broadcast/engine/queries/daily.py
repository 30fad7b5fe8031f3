"""Totals of each day, which stay when the details go."""

from .clock import NOW
from .report import ACCEPTED_STATES, DELIVERED_STATES, WRITTEN_STATES

#: Days for which a message may still be delivered, and one for time zones.
SETTLING_DAYS = 31

_COUNTS = (
    "written_count", "accepted_count", "delivered_count", "read_count",
    "replied_count", "clicked_count", "failed_count", "opt_out_count",
)  # fmt: skip
_KEY = "date, company_id, account_id, number_id, category"

#: The day on which something happened, on the clock of its company.
_DAY = "(({at}) AT TIME ZONE 'UTC' AT TIME ZONE COALESCE(p.tz, 'UTC'))::date"
_COMPANY = """LEFT JOIN res_company c ON c.id = {company}
    LEFT JOIN res_partner p ON p.id = c.partner_id"""

#: Counts the last days anew and leaves older ones as they are: however often it runs,
#: it ends the same. Broadcasts that ended before need not be looked at.
REFRESH_DAILY = f"""
WITH since AS (
    SELECT ({NOW} - interval '{SETTLING_DAYS} days')::date AS date
), message AS (
    SELECT {_DAY.format(at="COALESCE(r.accepted_at, r.failed_at)")} AS date,
        r.company_id, r.account_id, r.number_id,
        COALESCE(b.launched_category, t.category) AS category,
        r.state, r.replied_at, r.clicked_at
    FROM whatsapp_broadcast b
    CROSS JOIN since
    JOIN whatsapp_broadcast_recipient r ON r.broadcast_id = b.id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = r.template_id
    {_COMPANY.format(company="r.company_id")}
    WHERE b.started_at IS NOT NULL AND r.state IN {WRITTEN_STATES}
        AND COALESCE(b.completed_at >= since.date - 1, TRUE)
), opt_out AS (
    SELECT {_DAY.format(at="o.at")} AS date,
        COALESCE(o.company_id, m.company_id) AS company_id, m.account_id, m.number_id
    FROM whatsapp_broadcast_consent o
    CROSS JOIN since
    LEFT JOIN LATERAL (
        SELECT company_id, account_id, number_id FROM whatsapp_broadcast_message
        WHERE provider_message_id = o.evidence LIMIT 1
    ) AS m ON TRUE
    {_COMPANY.format(company="COALESCE(o.company_id, m.company_id)")}
    WHERE o.kind = 'opt_out' AND o.at >= since.date - 1
), happened AS (
    SELECT {_KEY}, 1 AS written_count,
        (state IN {ACCEPTED_STATES})::int AS accepted_count,
        (state IN {DELIVERED_STATES})::int AS delivered_count,
        (state = 'read')::int AS read_count,
        (replied_at IS NOT NULL)::int AS replied_count,
        (clicked_at IS NOT NULL)::int AS clicked_count,
        (state = 'failed')::int AS failed_count,
        0 AS opt_out_count
    FROM message
    UNION ALL
    SELECT date, company_id, account_id, number_id, NULL, 0, 0, 0, 0, 0, 0, 0, 1
    FROM opt_out
), fresh AS (
    SELECT {_KEY}, {", ".join(f"sum({name}) AS {name}" for name in _COUNTS)}
    FROM happened WHERE date >= (SELECT date FROM since) GROUP BY {_KEY}
), gone AS (
    DELETE FROM whatsapp_broadcast_daily d
    WHERE d.date >= (SELECT date FROM since) AND NOT EXISTS (
        SELECT FROM fresh f
        WHERE (f.date, f.company_id, f.account_id, f.number_id, f.category)
            IS NOT DISTINCT FROM
            (d.date, d.company_id, d.account_id, d.number_id, d.category)
    )
)
INSERT INTO whatsapp_broadcast_daily ({_KEY}, {", ".join(_COUNTS)})
SELECT {_KEY}, {", ".join(_COUNTS)} FROM fresh
ON CONFLICT (date, COALESCE(company_id, 0), COALESCE(account_id, 0),
    COALESCE(number_id, 0), COALESCE(category, ''))
DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in _COUNTS)}
"""
