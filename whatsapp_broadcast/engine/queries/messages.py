"""Single messages are taken in hand, and told of."""

from .claim import (
    BLACKLISTED,
    NEEDS_PLACE,
    PERMISSION,
    PERSON,
    WINDOW_IS_CLOSED,
    booking,
    taking,
)
from .clock import NOW
from .pauses import SENDER_DETAIL, SENDER_REASON

#: Who wrote after saying STOP wants an answer; the confirmation of a STOP may go out.
MUST_NOT = f"""(r.is_confirmation IS NOT TRUE AND (
                {BLACKLISTED} OR permission.opted_out
            ) AND NOT (r.message_type <> 'template' AND NOT {BLACKLISTED}
                AND person.last_inbound_at > permission.opted_out_at))"""

#: As CLAIM, for single messages of one number, of which each address gets one at a
#: time. A person waits for each: what cannot go out fails, or is left out, at once.
#: The pair's rule is a token bucket: messages since an hour ago, laid end to end at
#: the pair's spacing, may reach no further ahead than a burst.
CLAIM_MESSAGES = f"""
WITH clock AS MATERIALIZED (
    SELECT {NOW} AS now
), due AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_message
    WHERE number_id = %(number_id)s AND due_at <= (SELECT now FROM clock)
    ORDER BY due_at, id
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT DISTINCT ON (m.address) m.*
    FROM due JOIN whatsapp_broadcast_message m ON m.id = due.id
    ORDER BY m.address, m.id
), past AS (
    SELECT o.address, CASE WHEN o.lease_until IS NULL THEN o.accepted_at ELSE now END
        AS at
    FROM chosen CROSS JOIN clock
    JOIN whatsapp_broadcast_message o
        ON o.number_id = chosen.number_id AND o.address = chosen.address
    WHERE o.lease_until IS NOT NULL OR o.accepted_at > now - interval '1 hour'
), pair AS (
    SELECT address,
        max(at + (place - %(pair_burst)s + 1) * %(pair_seconds)s * interval '1 second')
            AS free_at
    FROM (
        SELECT *, row_number() OVER (PARTITION BY address ORDER BY at DESC) AS place
        FROM past
    ) AS placed GROUP BY address
), checked AS MATERIALIZED (
    SELECT r.id, r.address, t.name, t.language, t.header_type,
        CASE {SENDER_REASON}
            WHEN r.message_type = 'template' AND t.state IS DISTINCT FROM 'approved'
            THEN 'template'
        END AS error_class,
        CASE {SENDER_DETAIL}
            ELSE COALESCE(t.state, 'deleted')
        END AS error_message,
        CASE
            WHEN {MUST_NOT} THEN 'opted_out'
            WHEN r.message_type <> 'template' AND {WINDOW_IS_CLOSED}
            THEN 'outside_window'
        END AS reason,
        CASE WHEN pair.free_at > now THEN pair.free_at END AS free_at,
        {NEEDS_PLACE} AS needs_place
    FROM chosen r
    CROSS JOIN clock
    JOIN whatsapp_broadcast_number n ON n.id = r.number_id
    JOIN whatsapp_broadcast_account a ON a.id = n.account_id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = r.template_id
    LEFT JOIN pair ON pair.address = r.address
    CROSS JOIN LATERAL {PERSON}
    CROSS JOIN LATERAL {PERMISSION}
), judged AS (
    SELECT *, COALESCE(error_class, reason, free_at::text) IS NULL AS may_send
    FROM checked
), placed AS (
    SELECT *, may_send AND needs_place AND %(places)s < count(*) FILTER (
        WHERE may_send AND needs_place
    ) OVER (ORDER BY id) AS finds_no_place
    FROM judged
), decided AS MATERIALIZED (
    SELECT *, may_send AND NOT finds_no_place AS sends,
        row_number() OVER (PARTITION BY may_send AND NOT finds_no_place ORDER BY id) - 1
            AS turn
    FROM placed
), {booking("message_id")}
UPDATE whatsapp_broadcast_message r SET
    state = CASE
        WHEN sends THEN 'sending'
        WHEN decided.error_class IS NOT NULL OR finds_no_place THEN 'failed'
        WHEN reason IS NOT NULL THEN 'skipped'
        ELSE r.state
    END,
    error_class = CASE
        WHEN finds_no_place THEN 'daily_limit' ELSE decided.error_class
    END,
    error_message = CASE
        WHEN finds_no_place THEN 'The limit of people a day is reached'
        WHEN decided.error_class IS NOT NULL THEN decided.error_message
    END,
    skip_reason = CASE WHEN decided.error_class IS NULL THEN reason END,
    failed_at = CASE WHEN NOT sends AND free_at IS NULL THEN now END,
    due_at = CASE
        WHEN decided.error_class IS NULL AND reason IS NULL THEN free_at
    END,
    {taking("m")}
FROM decided CROSS JOIN clock CROSS JOIN slot WHERE r.id = decided.id
RETURNING 'message' AS table, r.id, r.broadcast_id, r.number_id, r.account_id,
    r.template_id, r.token, r.phone, r.user_ref, r.variables, r.attempt_count, r.state,
    needs_place, r.message_type, r.body, r.media_kind, r.media_id, r.media_link,
    r.media_caption, r.media_filename, r.context_message_id,
    decided.name AS template, decided.language, decided.header_type,
    (EXTRACT(EPOCH FROM first) + turn * %(spacing)s)::float AS slot
"""

#: Of one account, or all: what cannot be claimed any more must not wait for ever.
FAIL_DUE_MESSAGES = f"""
UPDATE whatsapp_broadcast_message SET
    state = 'failed', due_at = NULL, failed_at = {NOW},
    error_class = %(error_class)s, error_message = %(error_message)s
WHERE due_at IS NOT NULL
    AND (%(account_id)s::int IS NULL OR account_id = %(account_id)s)
"""

FAILURE_IS_TO_TELL = "failed_at IS NOT NULL AND is_told IS NOT TRUE"
FAILURES_TO_TELL = f"""
SELECT id FROM whatsapp_broadcast_message WHERE {FAILURE_IS_TO_TELL}
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
"""
