"""What the tries proved, and what their errors are about."""

from .clock import NOW
from .table import TABLES


def _write_results(table):
    return f"""
WITH locked AS MATERIALIZED (
    -- in the order in which the merge locks them
    SELECT id FROM whatsapp_broadcast_{table}
    WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE
)
UPDATE whatsapp_broadcast_{table} r SET
    state = CASE WHEN r.state IN ('sending', 'unknown') THEN v.state ELSE r.state END,
    due_at = CASE
        WHEN r.state IN ('sending', 'unknown') AND v.delay IS NOT NULL
        THEN {NOW} + v.delay * interval '1 second'
    END,
    lease_until = NULL,
    provider_message_id = COALESCE(NULLIF(v.message_id, ''), r.provider_message_id),
    user_ref = COALESCE(r.user_ref, NULLIF(v.user_ref, '')),
    accepted_at = CASE
        WHEN v.state IN ('accepted', 'held') THEN COALESCE(r.accepted_at, {NOW})
        ELSE r.accepted_at
    END,
    failed_at = CASE
        WHEN v.state = 'failed' AND r.state IN ('sending', 'unknown') THEN {NOW}
        ELSE r.failed_at
    END,
    error_code = NULLIF(v.error_code, ''),
    error_class = NULLIF(v.error_class, ''),
    error_message = NULLIF(v.error_message, ''),
    attempt_count = r.attempt_count - v.uncounted
FROM unnest(
    %(ids)s::int[], %(tokens)s::text[], %(states)s::text[], %(delays)s::float[],
    %(message_ids)s::text[], %(user_refs)s::text[], %(error_codes)s::text[],
    %(error_classes)s::text[], %(error_messages)s::text[], %(uncounted)s::int[]
) AS v (id, token, state, delay, message_id, user_ref, error_code, error_class,
    error_message, uncounted)
JOIN locked ON locked.id = v.id
WHERE r.id = v.id AND r.token = v.token AND r.state <> 'failed'
RETURNING r.id
"""


#: Guarded by the token: a late answer cannot touch a newer try, and a status that
#: came by webhook before our own commit is not lowered.
WRITE_RESULTS = {table: _write_results(table) for table in TABLES}

OPT_OUT = f"""
INSERT INTO whatsapp_broadcast_contact
    (account_id, number_id, phone, marketing_opt_out, marketing_opt_out_at,
     create_date, write_date)
SELECT DISTINCT account_id, number_id, phone, TRUE, {NOW}, {NOW}, {NOW}
FROM unnest(%(account_ids)s::int[], %(number_ids)s::int[], %(phones)s::text[])
    AS r (account_id, number_id, phone)
WHERE phone <> ''
ON CONFLICT (number_id, phone) WHERE phone IS NOT NULL DO UPDATE SET
    marketing_opt_out = TRUE, marketing_opt_out_at = {NOW}
"""
