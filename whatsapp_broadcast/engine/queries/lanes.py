"""Lanes: who may send from which number, and what keeps it from sending."""

from .clock import NOW

#: One lane a number; a free or dead one is taken, a living one is left alone.
ADD_LANES = """
INSERT INTO whatsapp_broadcast_lane (number_id)
SELECT DISTINCT b.number_id FROM whatsapp_broadcast b
WHERE b.state = 'sending'
    AND NOT EXISTS (
        SELECT FROM whatsapp_broadcast_lane l WHERE l.number_id = b.number_id
    )
ON CONFLICT (number_id) DO NOTHING
"""

LEASE_LANES = f"""
WITH free AS MATERIALIZED (
    SELECT l.id FROM whatsapp_broadcast_lane l
    WHERE (l.lease_until IS NULL OR l.lease_until < {NOW})
        AND EXISTS (
            SELECT FROM whatsapp_broadcast b
            WHERE b.number_id = l.number_id AND b.state = 'sending'
        )
    ORDER BY l.leased_at NULLS FIRST, l.id
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_broadcast_lane l SET
    owner = %(owner)s,
    leased_at = {NOW},
    lease_until = {NOW} + %(seconds)s * interval '1 second'
FROM free WHERE l.id = free.id
RETURNING l.id, l.number_id
"""

RENEW_LANE = f"""
UPDATE whatsapp_broadcast_lane SET
    lease_until = {NOW} + %(seconds)s * interval '1 second'
WHERE id = %(lane_id)s AND owner = %(owner)s
RETURNING id
"""

FREE_LANES = """
UPDATE whatsapp_broadcast_lane SET owner = NULL, lease_until = NULL
WHERE owner = %(owner)s
"""

#: What keeps a broadcast from sending, in the words of ``state_reason``.
PAUSE_UNSENDABLE = f"""
UPDATE whatsapp_broadcast b SET
    state = 'paused', state_reason = v.reason, state_detail = v.detail,
    write_date = {NOW}
FROM (
    SELECT b.id, CASE
            WHEN NOT a.active OR a.state IN ('draft', 'error') THEN 'account'
            WHEN NOT n.active OR n.state <> 'connected' THEN 'number'
            WHEN t.state <> 'approved' THEN 'template'
            WHEN t.category <> b.launched_category THEN 'category'
        END AS reason,
        CASE
            WHEN NOT a.active OR a.state IN ('draft', 'error') THEN a.error_message
            WHEN NOT n.active OR n.state <> 'connected'
                THEN COALESCE(n.error_message, n.state)
            WHEN t.state <> 'approved' THEN t.state
            ELSE t.category
        END AS detail
    FROM whatsapp_broadcast b
    JOIN whatsapp_broadcast_number n ON n.id = b.number_id
    JOIN whatsapp_broadcast_account a ON a.id = n.account_id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = b.template_id
    WHERE b.state = 'sending' AND b.number_id = ANY(%(number_ids)s)
) AS v
WHERE b.id = v.id AND v.reason IS NOT NULL
RETURNING b.id
"""

#: FOR SHARE: a pause that was committed is seen, one that comes now waits its turn.
SENDING_BROADCASTS = """
SELECT b.id, b.messages_per_minute, b.batch_size, n.messages_per_second
FROM whatsapp_broadcast b JOIN whatsapp_broadcast_number n ON n.id = b.number_id
WHERE b.number_id = %(number_id)s AND b.state = 'sending'
ORDER BY b.id
FOR SHARE OF b
"""

#: What each message of a broadcast shares; it does not change after launch.
CONTENTS = """
SELECT b.id, b.message_type, b.body, b.media_kind, b.media_id, b.media_link,
    b.media_caption, b.media_filename, t.name AS template, t.language, t.header_type
FROM whatsapp_broadcast b
LEFT JOIN whatsapp_broadcast_template t ON t.id = b.template_id
WHERE b.id = ANY(%(ids)s)
"""
