"""Send-time windows: what is needed to keep one, and rows that must wait for it."""

from .clock import NOW

#: Of broadcast ``b``: what ``windows.Window.of`` reads.
WINDOW_COLUMNS = """
b.send_window, b.send_window_start, b.send_window_end,
array_remove(ARRAY[
    CASE WHEN b.mon THEN 0 END, CASE WHEN b.tue THEN 1 END, CASE WHEN b.wed THEN 2 END,
    CASE WHEN b.thu THEN 3 END, CASE WHEN b.fri THEN 4 END, CASE WHEN b.sat THEN 5 END,
    CASE WHEN b.sun THEN 6 END
], NULL) AS send_window_days,
b.company_tz, b.recipient_timezones
"""

#: Of the rows that are next, those whose window is closed wait for its opening.
#: %(timezones)s and %(openings)s are what is closed now; a row without zones is "" in
#: them. No more rows are looked at, or a search for none would read them all.
WAIT_FOR_OPENING = f"""
WITH next AS MATERIALIZED (
    SELECT id, timezones FROM whatsapp_broadcast_recipient
    WHERE broadcast_id = %(broadcast_id)s AND due_at <= (SELECT {NOW})
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), waiting AS (
    SELECT next.id, closed.opening FROM next
    JOIN unnest(%(timezones)s::text[], %(openings)s::timestamp[])
        AS closed (timezones, opening)
        ON closed.timezones = COALESCE(next.timezones, '')
)
UPDATE whatsapp_broadcast_recipient r SET due_at = waiting.opening
FROM waiting WHERE r.id = waiting.id
"""

WAITING_PHONES = """
SELECT phone FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %(broadcast_id)s AND due_at IS NOT NULL AND state = 'queued'
"""

#: A window was changed: every row that waits for nothing else may go out at once, or
#: when the engine finds the new window open. One that failed keeps its own delay.
CHANGE_WINDOW = f"""
WITH changed AS (
    UPDATE whatsapp_broadcast_recipient r SET
        timezones = CASE WHEN %(by_recipient)s
            THEN COALESCE(NULLIF(p.tz, ''), zones.timezones) END,
        due_at = CASE WHEN r.error_class IS NULL THEN {NOW} ELSE r.due_at END
    FROM whatsapp_broadcast_recipient same
    LEFT JOIN res_partner p ON p.id = same.partner_id
    LEFT JOIN unnest(%(prefixes)s::text[], %(prefix_timezones)s::text[])
        AS zones (prefix, timezones)
        ON zones.prefix = left(same.phone, %(prefix_length)s)
    WHERE r.id = same.id AND same.broadcast_id = %(broadcast_id)s
        AND same.due_at IS NOT NULL AND same.state = 'queued'
    RETURNING r.timezones
)
SELECT DISTINCT COALESCE(timezones, '') FROM changed
"""

REVIEWED_PHONES = """
SELECT phone FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %(broadcast_id)s AND state = 'queued'
"""
