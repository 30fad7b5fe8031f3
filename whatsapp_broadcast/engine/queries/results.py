"""What the tries proved, and what their errors are about."""

from .addresses import key
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

#: The provider knows of an opt-out that no webhook told us.
OPT_OUT = {
    table: f"""
WITH refused AS (
    SELECT DISTINCT ON (address) r.id, r.company_id,
        {key("r.phone")} AS address, r.user_ref, r.number_id
    FROM whatsapp_broadcast_{table} r
    WHERE r.id = ANY(%(ids)s) AND r.phone IS NOT NULL
    ORDER BY address
), said AS (
    INSERT INTO whatsapp_broadcast_consent (address, company_id, kind, purpose, channel,
        at, recorded_at, evidence)
    SELECT address, company_id, 'opt_out', 'marketing', 'preference', {NOW}, {NOW},
        %(evidence)s
    FROM refused RETURNING id, address
), names AS (
    SELECT address, company_id, address AS name FROM refused
    UNION
    SELECT address, company_id, user_ref FROM refused WHERE user_ref IS NOT NULL
    UNION
    SELECT r.address, r.company_id, same.address
    FROM refused r
    JOIN whatsapp_broadcast_alias x
        ON x.number_id = r.number_id AND x.address = r.address
    JOIN whatsapp_broadcast_alias same ON same.contact_id = x.contact_id
)
INSERT INTO whatsapp_broadcast_choice
    (kind, address, company_id, purpose, channel, since, consent_id)
SELECT 'opt_out', name, company_id, 'marketing', 'preference', {NOW}, said.id
FROM names JOIN said USING (address)
ORDER BY name  -- two at once lock the rows in the same order
ON CONFLICT DO NOTHING
"""
    for table in TABLES
}
