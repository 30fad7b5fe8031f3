"""Lanes: who may send from which number, and what a turn of a lane begins with."""

from .clock import NOW
from .pauses import TEMPLATE_IDS, UNSENDABLE_REASON, WORST_TEMPLATE
from .places import PORTFOLIO
from .windows import WINDOW_COLUMNS

#: Lanes that a number needs: one process holds %(lane_rate)s messages a second.
_LANES_OF_NUMBER = "CEIL(n.messages_per_second / %(lane_rate)s::float)::int"

#: The lanes, and the paces that their turns lock, of every number that sends.
_ADDED = f"""
WITH wanted AS (
    SELECT n.id AS number_id, {_LANES_OF_NUMBER} AS lanes
    FROM whatsapp_broadcast_number n
    WHERE EXISTS (
        SELECT FROM whatsapp_broadcast b
        WHERE b.number_id = n.id AND b.state = 'sending'
    ) OR EXISTS (
        SELECT FROM whatsapp_broadcast_message m
        WHERE m.number_id = n.id AND m.due_at IS NOT NULL
    )
), paces AS (
    INSERT INTO whatsapp_broadcast_pace (kind, key, next_slot_at)
    SELECT kind, number_id, {NOW}
    FROM wanted, unnest(ARRAY['number', 'warm_up']) AS kind
    UNION ALL
    SELECT 'portfolio', id, {NOW} FROM whatsapp_broadcast_account
    UNION ALL
    SELECT 'broadcast', id, {NOW} FROM whatsapp_broadcast WHERE state = 'sending'
    ON CONFLICT (kind, key) DO NOTHING
), added AS (
    INSERT INTO whatsapp_broadcast_lane (number_id, position)
    SELECT number_id, position FROM wanted, generate_series(0, lanes - 1) AS position
    ON CONFLICT (number_id, position) DO NOTHING
)
"""
ADD_LANES = f"{_ADDED} SELECT"

#: Something to do for a lane l.
_HAS_WORK = f"""(EXISTS (
        SELECT FROM whatsapp_broadcast b
        WHERE b.number_id = l.number_id AND b.state = 'sending'
            AND (b.resting_until IS NULL OR b.resting_until <= {NOW})
    ) OR EXISTS (
        SELECT FROM whatsapp_broadcast_message m
        WHERE m.number_id = l.number_id AND m.due_at <= {NOW}
    ))"""

#: Lanes without a living owner that have something to do.
_FREE = f"""
    FROM whatsapp_broadcast_lane l
    JOIN whatsapp_broadcast_number n ON n.id = l.number_id
    WHERE (l.lease_until IS NULL OR l.lease_until < {NOW})
        AND l.position < {_LANES_OF_NUMBER} AND {_HAS_WORK}
"""

#: Takes free lanes, those that waited longest first, until their rates add up to what
#: one process can hold; at least one.
LEASE_LANES = f"""
WITH free AS MATERIALIZED (
    SELECT l.id, l.leased_at, LEAST(n.messages_per_second, %(lane_rate)s) AS rate
    {_FREE}
    ORDER BY l.leased_at NULLS FIRST, l.id
    LIMIT %(limit)s FOR UPDATE OF l SKIP LOCKED
), taken AS (
    SELECT id FROM (
        SELECT id, rate, sum(rate) OVER (ORDER BY leased_at NULLS FIRST, id) AS total
        FROM free
    ) AS added
    WHERE total - rate < %(lane_rate)s
)
UPDATE whatsapp_broadcast_lane l SET
    owner = %(owner)s,
    leased_at = {NOW},
    lease_until = {NOW} + %(seconds)s * interval '1 second'
FROM taken WHERE l.id = taken.id
RETURNING l.id, l.number_id
"""

#: Whether lanes are free, and whether there are some whose owner may be dead: by the
#: seconds left of its lease it is silent, or the asking driver has outlived it.
LANES_LEFT = f"""
SELECT EXISTS (SELECT {_FREE}), EXISTS (
    SELECT FROM whatsapp_broadcast_lane l
    WHERE l.lease_until >= {NOW} AND (
        l.lease_until < {NOW} + %(seconds)s * interval '1 second'
        OR split_part(l.owner, ':', 1) = split_part(%(owner)s, ':', 1)
    ) AND {_HAS_WORK}
)
"""

#: Also adds the paces of what was launched meanwhile.
RENEW_LANES = f"""
{_ADDED}
UPDATE whatsapp_broadcast_lane SET
    lease_until = {NOW} + %(seconds)s * interval '1 second'
WHERE owner = %(owner)s
RETURNING id
"""

FREE_LANES = """
UPDATE whatsapp_broadcast_lane SET owner = NULL, lease_until = NULL
WHERE owner = %(owner)s
"""

#: Locks the number's pace: turns of lanes that share a number follow one another.
#: FOR SHARE: a pause that was committed is seen, one that comes now waits its turn.
#: ``rate`` is what the number may send in a second now. Where nothing but a single
#: message is due, the one row has no ``id``.
TURN = f"""
WITH pace AS MATERIALIZED (
    SELECT next_slot_at, key,
        LEAST(1, factor + %(recovery)s * EXTRACT(EPOCH FROM {NOW} - slowed_at))::float
            AS factor
    FROM whatsapp_broadcast_pace
    WHERE kind = 'number' AND key = %(number_id)s FOR UPDATE
), portfolio AS ({PORTFOLIO})
SELECT sending.*,
    n.messages_per_second * (1 - n.reserve) * COALESCE(pace.factor, 1) AS rate,
    EXTRACT(EPOCH FROM pace.next_slot_at - {NOW})::float AS ahead,
    EXISTS (
        SELECT FROM whatsapp_broadcast_message m
        WHERE m.number_id = pace.key AND m.due_at <= {NOW}
    ) AS message_is_due,
    portfolio.id AS portfolio, portfolio.daily_limit, portfolio.margin,
    {NOW}::date - n.warm_up_started_on AS warm_up_day,
    EXTRACT(EPOCH FROM clock_timestamp())::float AS now
FROM pace
CROSS JOIN portfolio
JOIN whatsapp_broadcast_number n ON n.id = pace.key
LEFT JOIN LATERAL (
    SELECT b.id, b.messages_per_minute, b.batch_size, b.held_since IS NOT NULL AS held,
        EXTRACT(EPOCH FROM own.next_slot_at - {NOW})::float AS own_ahead,
        ARRAY(
            -- where the same people may have been written to in the last seconds
            SELECT o.id FROM whatsapp_broadcast o
            WHERE o.number_id = pace.key AND o.id <> b.id
                AND (o.state = 'sending' OR o.write_date > {NOW} - interval '1 minute')
                AND o.state NOT IN ('draft', 'to_approve', 'scheduled', 'preparing')
        ) AS others,
        {WINDOW_COLUMNS},
        {UNSENDABLE_REASON} AS unsendable
    FROM whatsapp_broadcast b
    JOIN whatsapp_broadcast_account a ON a.id = n.account_id
    LEFT JOIN LATERAL {WORST_TEMPLATE} AS t ON TRUE
    LEFT JOIN LATERAL (
        -- locked after the number's, and so as others left it
        SELECT p.next_slot_at FROM whatsapp_broadcast_pace p
        WHERE p.kind = 'broadcast' AND p.key = b.id AND pace.key IS NOT NULL FOR UPDATE
    ) AS own ON TRUE
    WHERE b.number_id = pace.key AND b.state = 'sending'
        AND (b.resting_until IS NULL OR b.resting_until <= {NOW})
        -- launched since lanes were added: its pace comes with the next look
        AND (b.messages_per_minute = 0 OR own.next_slot_at IS NOT NULL)
    FOR SHARE OF b
) AS sending ON TRUE
ORDER BY sending.id
"""

#: What the messages of a broadcast by one template share; it does not change after
#: launch.
CONTENTS = f"""
SELECT b.id, b.message_type, b.body, b.media_kind, b.media_id, b.media_link,
    b.media_caption, b.media_filename, b.tracked_links,
    t.id AS template_id, t.name AS template, t.language, t.header_type
FROM whatsapp_broadcast b
LEFT JOIN whatsapp_broadcast_template t ON t.id = ANY({TEMPLATE_IDS})
WHERE b.id = ANY(%(ids)s)
"""

#: One of these crons that does not run: a worker holds the row of its cron.
IDLE_CRON = """
SELECT id FROM ir_cron WHERE id = ANY(%(ids)s) AND active
ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""

#: For how many seconds a cron has been due that is none of those that send or merge,
#: and does not run (a worker holds its row); NULL if there is none.
OTHER_CRONS_WAIT = f"""
WITH waiting AS (
    SELECT LEAST(c.nextcall, (
        SELECT min(t.call_at) FROM ir_cron_trigger t WHERE t.cron_id = c.id
    )) AS due_at
    FROM ir_cron c
    WHERE c.active AND NOT EXISTS (
        SELECT FROM ir_model_data d
        WHERE d.model = 'ir.cron' AND d.res_id = c.id
            AND d.module = 'whatsapp_broadcast'
            AND d.name NOT IN ('ir_cron_prepare', 'ir_cron_attend', 'ir_cron_daily')
    )
    FOR SHARE OF c SKIP LOCKED
)
SELECT EXTRACT(EPOCH FROM {NOW} - min(due_at))::float FROM waiting
WHERE due_at <= {NOW}
"""
