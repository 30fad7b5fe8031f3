"""How a broadcast goes on and ends, and who is told."""

from .clock import NOW
from .events import INBOX
from .messages import FAILURE_IS_TO_TELL
from .notices import NEEDS_ATTENTION
from .pauses import PAUSE_IS_TO_TELL

CANCEL_REMAINING = """
WITH remaining AS MATERIALIZED (
    SELECT due.id FROM whatsapp_broadcast b
    CROSS JOIN LATERAL (
        -- in the order of an index, as the others' rows may be a million
        SELECT r.id FROM whatsapp_broadcast_recipient r
        WHERE r.broadcast_id = b.id AND r.due_at IS NOT NULL
        ORDER BY r.due_at, r.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE b.state IN ('cancelled', 'failed')
    LIMIT %(limit)s
)
UPDATE whatsapp_broadcast_recipient r SET state = 'cancelled', due_at = NULL
FROM remaining WHERE r.id = remaining.id
RETURNING r.broadcast_id
"""

CANCEL_REVIEWED = """
UPDATE whatsapp_broadcast_recipient r SET state = 'cancelled'
FROM whatsapp_broadcast b
WHERE b.id = ANY(%(ids)s) AND b.audience_cursor IS NULL AND r.broadcast_id = b.id
    AND r.state = 'queued' AND r.due_at IS NULL
"""

#: The first in the order of an index. For EXISTS the planner thinks that such a row is
#: near, and where there is none it reads a million others.
_HAS_QUEUED = """(
        SELECT r.due_at FROM whatsapp_broadcast_recipient r
        WHERE r.broadcast_id = b.id AND r.due_at IS NOT NULL
        ORDER BY r.due_at LIMIT 1
    ) IS NOT NULL"""
_HAS_SENDING = """EXISTS (
        SELECT FROM whatsapp_broadcast_recipient r
        WHERE r.lease_until IS NOT NULL AND r.broadcast_id = b.id
    )"""

#: A row may be queued again by an answer that came after the end.
REOPEN = f"""
UPDATE whatsapp_broadcast b SET state = 'sending', completed_at = NULL
WHERE b.state = 'done' AND {_HAS_QUEUED}
"""

LOCK_BROADCAST = """
SELECT id FROM whatsapp_broadcast WHERE id = %(id)s FOR NO KEY UPDATE
"""

#: Those of which a row was ever taken in hand: folded counters stay, even at zero.
EVER_CLAIMED = """
SELECT DISTINCT broadcast_id FROM whatsapp_broadcast_counter
WHERE broadcast_id = ANY(%(ids)s)
    AND name NOT IN ('queued', 'skipped', 'cancelled', 'country_guessed')
"""

WAS_CLAIMED = """
SELECT EXISTS (
    SELECT FROM whatsapp_broadcast_recipient WHERE broadcast_id = %(broadcast_id)s
        AND (attempt_count > 0 OR token IS NOT NULL)
)
"""

LOCK_SENDING = """
SELECT id FROM whatsapp_broadcast WHERE state = 'sending'
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

#: Done: nothing queued, nothing in flight. Held and unknown rows may remain.
FINISH = f"""
UPDATE whatsapp_broadcast b SET
    state = 'done', completed_at = {NOW}, write_date = {NOW}
WHERE b.state = 'sending' AND b.id = ANY(%(ids)s)
    AND NOT {_HAS_QUEUED} AND NOT {_HAS_SENDING}
RETURNING b.id
"""

#: Whether a lease expired, or a broadcast is not what its rows are.
UNSETTLED = f"""
SELECT COALESCE(LEAST(
    (SELECT min(lease_until) FROM whatsapp_broadcast_recipient),
    (SELECT min(lease_until) FROM whatsapp_broadcast_message)
) < {NOW}, FALSE) OR EXISTS (
    SELECT FROM whatsapp_broadcast b
    WHERE b.state IN ('cancelled', 'failed', 'done') AND {_HAS_QUEUED}
        OR b.state = 'sending' AND NOT {_HAS_QUEUED} AND NOT {_HAS_SENDING}
)
"""

#: When a row of broadcast b may be claimed, as far as the broadcast is concerned.
_NEXT = """GREATEST(due.at, b.resting_until, (
        SELECT p.next_slot_at FROM whatsapp_broadcast_pace p
        WHERE p.kind = 'broadcast' AND p.key = b.id AND b.messages_per_minute > 0
    ))"""
_WITH_DUE = """
    FROM whatsapp_broadcast b
    CROSS JOIN LATERAL (
        SELECT r.due_at AS at FROM whatsapp_broadcast_recipient r
        WHERE r.broadcast_id = b.id AND r.due_at IS NOT NULL
        ORDER BY r.due_at LIMIT 1
    ) AS due
    WHERE b.state = 'sending'
"""
#: The same for each number that has something to send.
_DUE = f"""(
    SELECT b.number_id, {_NEXT} AS at {_WITH_DUE}
    UNION ALL
    SELECT number_id, due_at FROM whatsapp_broadcast_message WHERE due_at IS NOT NULL
) AS due"""

#: Seconds until a driver is needed; NULL if none is. Where each lane of the number has
#: its driver, that is some time after the first of them would have died: they live
#: longer as a rule, and each look costs.
NEXT_DUE = f"""
SELECT EXTRACT(EPOCH FROM min(GREATEST(due.at, (
    SELECT min(COALESCE(l.lease_until + interval '30 seconds', {NOW}))
    FROM whatsapp_broadcast_lane l WHERE l.number_id = due.number_id
))) - {NOW})::float
FROM {_DUE}
"""

LANE_HAS_WORK = f"""
SELECT EXISTS (
    SELECT FROM {_DUE} WHERE due.number_id = %(number_id)s
        AND due.at < {NOW} + %(seconds)s * interval '1 second'
)
"""

#: When each broadcast that waits for longer than this goes on.
WAITING = f"""
SELECT b.id, due.at {_WITH_DUE} AND b.id = ANY(%(ids)s)
    AND due.at > {NOW} + %(seconds)s * interval '1 second'
    AND NOT {_HAS_SENDING}
"""

#: When the last row of a broadcast may be claimed.
LAST_DUE = """
SELECT max(due_at) FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %(broadcast_id)s AND due_at IS NOT NULL
"""

TREAT_AS_SENT = f"""
UPDATE whatsapp_broadcast_recipient
SET state = 'accepted', accepted_at = COALESCE(accepted_at, {NOW})
WHERE id = ANY(%(ids)s) AND state = 'unknown'
"""

#: Failed rows of a broadcast that may be sent again by hand. What the provider keeps
#: from a person for a while ('later') may be tried twice more.
RETRYABLE = """
SELECT r.id FROM whatsapp_broadcast_recipient r
WHERE r.broadcast_id = %(broadcast_id)s AND r.state = 'failed'
    AND r.error_class = ANY(%(classes)s)
    AND (r.error_class <> 'later' OR (
        SELECT count(*) FROM whatsapp_broadcast_attempt a
        WHERE a.recipient_id = r.id AND a.error_class = 'later'
    ) < 2)
ORDER BY r.id FOR UPDATE OF r
"""

#: Before a second send the first one is kept: statuses may still come for it.
KEEP_ATTEMPTS = f"""
INSERT INTO whatsapp_broadcast_attempt (recipient_id, token, provider_message_id,
    number_id, result, error_code, error_class, at, by)
SELECT id, token, provider_message_id, number_id, %(result)s, error_code, error_class,
    {NOW}, %(user_id)s
FROM whatsapp_broadcast_recipient WHERE id = ANY(%(ids)s)
"""

#: After KEEP_ATTEMPTS: a limit of the person's waits longer each time.
REQUEUE = f"""
UPDATE whatsapp_broadcast_recipient r SET
    state = 'queued', lease_until = NULL, token = NULL,
    due_at = CASE
        WHEN error_class = 'later' THEN GREATEST({NOW}, failed_at + (
            SELECT count(*) FROM whatsapp_broadcast_attempt a
            WHERE a.recipient_id = r.id AND a.error_class = 'later'
        ) * interval '24 hours')
        ELSE {NOW}
    END,
    provider_message_id = NULL, error_code = NULL, error_class = NULL,
    error_message = NULL, attempt_count = 0, accepted_at = NULL, sent_at = NULL,
    failed_at = NULL
WHERE id = ANY(%(ids)s) AND state IN ('unknown', 'failed')
"""

#: What a driver looks for between claims: whether there is something in the inbox, a
#: pause, or a failure of a single message, that nobody was told of, or something to
#: attend to, the last change, and [broadcast id, state, id of its user's partner] of
#: each broadcast that changed since ``last_id``.
NEWS = f"""
SELECT
    (SELECT id {INBOX} LIMIT 1) IS NOT NULL,
    EXISTS (SELECT FROM whatsapp_broadcast WHERE {PAUSE_IS_TO_TELL}),
    EXISTS (SELECT FROM whatsapp_broadcast_message WHERE {FAILURE_IS_TO_TELL}),
    {NEEDS_ATTENTION},
    (SELECT COALESCE(max(id), 0) FROM whatsapp_broadcast_counter),
    ARRAY(
        SELECT jsonb_build_array(b.id, b.state, u.partner_id)
        FROM whatsapp_broadcast b JOIN res_users u ON u.id = b.user_id
        WHERE b.id IN (
            SELECT broadcast_id FROM whatsapp_broadcast_counter WHERE id > %(last_id)s
        )
    )
"""
