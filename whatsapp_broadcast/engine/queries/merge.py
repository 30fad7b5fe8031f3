"""Webhook events become states, contacts, templates, numbers."""

from .clock import NOW
from .table import TABLES


def _merge_statuses(table):
    return f"""
WITH status AS (
    SELECT * FROM unnest(
        %(positions)s::int[], %(account_ids)s::int[], %(row_ids)s::int[],
        %(tokens)s::text[], %(message_ids)s::text[], %(statuses)s::text[],
        %(times)s::timestamp[], %(error_codes)s::text[], %(error_classes)s::text[],
        %(error_messages)s::text[], %(categories)s::text[], %(billables)s::bool[],
        %(user_refs)s::text[]
    ) AS s (position, account_id, row_id, token, message_id, status, at, error_code,
        error_class, error_message, category, billable, user_ref)
), matched AS MATERIALIZED (
    SELECT r.id, s.* FROM status s
    JOIN whatsapp_broadcast_{table} r
        ON r.id = s.row_id AND r.token = s.token AND r.account_id = s.account_id
    UNION ALL
    SELECT r.id, s.* FROM status s
    JOIN whatsapp_broadcast_{table} r
        ON r.provider_message_id = s.message_id AND r.account_id = s.account_id
    WHERE s.row_id IS NULL
), locked AS MATERIALIZED (
    SELECT id, state, broadcast_id FROM whatsapp_broadcast_{table}
    WHERE id IN (SELECT id FROM matched) ORDER BY id FOR UPDATE
), merged AS MATERIALIZED (
    SELECT m.id, l.state,
        max(array_position(%(order)s, m.status)) AS rank,
        min(at) FILTER (WHERE status IN ('accepted', 'held')) AS accepted_at,
        min(at) FILTER (WHERE status = 'sent') AS sent_at,
        min(at) FILTER (WHERE status = 'delivered') AS delivered_at,
        min(at) FILTER (WHERE status = 'read') AS read_at,
        min(at) FILTER (WHERE status = 'failed') AS failed_at,
        max(message_id) AS message_id,
        max(error_code) AS error_code,
        max(error_class) AS error_class,
        max(error_message) AS error_message,
        max(category) AS category,
        bool_or(billable) AS billable,
        max(user_ref) AS user_ref
    FROM matched m JOIN locked l ON l.id = m.id GROUP BY m.id, l.state
), updated AS (
    UPDATE whatsapp_broadcast_{table} r SET
        state = CASE
            WHEN m.rank > COALESCE(array_position(%(order)s, m.state::text), 0)
            THEN (%(order)s)[m.rank] ELSE m.state
        END,
        due_at = NULL,
        lease_until = NULL,
        provider_message_id = COALESCE(r.provider_message_id, m.message_id),
        user_ref = COALESCE(r.user_ref, m.user_ref),
        accepted_at = LEAST(r.accepted_at, m.accepted_at, m.sent_at),
        sent_at = LEAST(r.sent_at, m.sent_at),
        delivered_at = LEAST(r.delivered_at, m.delivered_at),
        read_at = LEAST(r.read_at, m.read_at),
        failed_at = LEAST(r.failed_at, m.failed_at),
        error_code = COALESCE(m.error_code, r.error_code),
        error_class = COALESCE(m.error_class, r.error_class),
        error_message = COALESCE(m.error_message, r.error_message),
        price_category = COALESCE(m.category, r.price_category),
        billable = COALESCE(m.billable, r.billable)
    FROM merged m
    WHERE r.id = m.id AND m.state NOT IN ('skipped', 'cancelled')
)
SELECT m.position, m.id, l.broadcast_id,
    m.status = 'failed' AND l.state NOT IN
        ('failed', 'delivered', 'read', 'skipped', 'cancelled') AS newly_failed,
    m.status IN ('sent', 'delivered', 'read') AND l.state = 'held' AS released,
    m.status IN ('delivered', 'read') AS delivered
FROM matched m JOIN locked l ON l.id = m.id
"""


#: Statuses only go up. A token finds its row by the id that it starts with; a status
#: without a token is found by message id. What was left out or cancelled stays so.
MERGE_STATUSES = {table: _merge_statuses(table) for table in TABLES}

ROWS = {
    table: f"""
SELECT '{table}' AS table, id, broadcast_id, number_id, account_id, template_id, phone
FROM whatsapp_broadcast_{table} WHERE id = ANY(%(ids)s)
"""
    for table in TABLES
}

#: A status of an earlier try never changes the row; if it proves that the try was
#: accepted, the person got two messages, and that is shown.
MERGE_ATTEMPTS = """
WITH status AS (
    SELECT * FROM unnest(
        %(positions)s::int[], %(account_ids)s::int[], %(tokens)s::text[],
        %(message_ids)s::text[], %(statuses)s::text[]
    ) AS s (position, account_id, token, message_id, status)
), found AS (
    SELECT a.id, a.recipient_id, s.* FROM status s
    JOIN whatsapp_broadcast_attempt a ON a.token = s.token
    UNION
    SELECT a.id, a.recipient_id, s.* FROM status s
    JOIN whatsapp_broadcast_attempt a ON a.provider_message_id = s.message_id
), matched AS (
    SELECT f.id, f.position, f.status FROM found f
    JOIN whatsapp_broadcast_recipient r
        ON r.id = f.recipient_id AND r.account_id = f.account_id
), proven AS (
    UPDATE whatsapp_broadcast_attempt a SET result = 'accepted'
    FROM matched m
    WHERE a.id = m.id AND m.status IN ('sent', 'delivered', 'read')
        AND a.result <> 'treated_as_sent'
)
SELECT position FROM matched
"""

#: The phones of people whom webhooks name by user id only, where a send told us.
PHONES = """
SELECT DISTINCT ON (r.account_id, r.user_ref) r.account_id, r.user_ref, r.phone
FROM whatsapp_broadcast_recipient r
JOIN unnest(%(account_ids)s::int[], %(user_refs)s::text[]) AS v (account_id, user_ref)
    ON r.account_id = v.account_id AND r.user_ref = v.user_ref
WHERE r.phone IS NOT NULL
ORDER BY r.account_id, r.user_ref, r.id DESC
"""

#: The newest message from each person opens or extends the window of that number.
MERGE_INBOUND = f"""
INSERT INTO whatsapp_broadcast_contact AS c
    (account_id, number_id, phone, user_ref, name, last_inbound_at,
     create_date, write_date)
SELECT account_id, number_id, phone, max(user_ref), max(name), max(at), {NOW}, {NOW}
FROM unnest(
    %(account_ids)s::int[], %(number_ids)s::int[], %(phones)s::text[],
    %(user_refs)s::text[], %(names)s::text[], %(times)s::timestamp[]
) AS v (account_id, number_id, phone, user_ref, name, at)
WHERE phone IS NOT NULL GROUP BY 1, 2, 3
ORDER BY 2, 3  -- two merges at once lock the rows in the same order
ON CONFLICT (number_id, phone) WHERE phone IS NOT NULL DO UPDATE SET
    user_ref = COALESCE(EXCLUDED.user_ref, c.user_ref),
    name = COALESCE(EXCLUDED.name, c.name),
    last_inbound_at = GREATEST(EXCLUDED.last_inbound_at, c.last_inbound_at),
    write_date = {NOW}
"""

MERGE_INBOUND_WITHOUT_PHONE = f"""
WITH said AS (
    SELECT account_id, number_id, user_ref, max(name) AS name, max(at) AS at
    FROM unnest(
        %(account_ids)s::int[], %(number_ids)s::int[], %(phones)s::text[],
        %(user_refs)s::text[], %(names)s::text[], %(times)s::timestamp[]
    ) AS v (account_id, number_id, phone, user_ref, name, at)
    WHERE phone IS NULL AND user_ref IS NOT NULL GROUP BY 1, 2, 3
), known AS (
    UPDATE whatsapp_broadcast_contact c SET
        last_inbound_at = GREATEST(s.at, c.last_inbound_at), write_date = {NOW}
    FROM said s
    WHERE c.number_id = s.number_id AND c.user_ref = s.user_ref
    RETURNING c.number_id, c.user_ref
)
INSERT INTO whatsapp_broadcast_contact
    (account_id, number_id, user_ref, name, last_inbound_at, create_date, write_date)
SELECT account_id, number_id, user_ref, name, at, {NOW}, {NOW} FROM said s
WHERE NOT EXISTS (
    SELECT FROM known k WHERE k.number_id = s.number_id AND k.user_ref = s.user_ref
)
ON CONFLICT (number_id, user_ref) WHERE user_ref IS NOT NULL AND phone IS NULL
DO UPDATE SET last_inbound_at = EXCLUDED.last_inbound_at
"""

MERGE_REPLIES = """
UPDATE whatsapp_broadcast_recipient r SET replied_at = LEAST(r.replied_at, v.at)
FROM (
    SELECT account_id, context_id, min(at) AS at
    FROM unnest(
        %(account_ids)s::int[], %(context_ids)s::text[], %(times)s::timestamp[]
    ) AS replies (account_id, context_id, at)
    GROUP BY 1, 2
) AS v
WHERE r.provider_message_id = v.context_id AND r.account_id = v.account_id
"""

MERGE_PREFERENCE = f"""
WITH known AS (
    UPDATE whatsapp_broadcast_contact SET
        -- an older word never undoes a newer one; stop wins a tie
        marketing_opt_out = CASE
            WHEN marketing_opt_out_at > %(at)s::timestamp
                OR (marketing_opt_out_at = %(at)s::timestamp AND marketing_opt_out)
            THEN marketing_opt_out ELSE %(opted_out)s
        END,
        marketing_opt_out_at
            = GREATEST(marketing_opt_out_at, COALESCE(%(at)s::timestamp, {NOW}))
    WHERE number_id = %(number_id)s
        AND (phone = %(phone)s OR (%(phone)s = '' AND user_ref = %(user_ref)s))
    RETURNING id
)
INSERT INTO whatsapp_broadcast_contact (account_id, number_id, phone, user_ref,
    marketing_opt_out, marketing_opt_out_at, create_date, write_date)
SELECT %(account_id)s, %(number_id)s, NULLIF(%(phone)s, ''), NULLIF(%(user_ref)s, ''),
    %(opted_out)s, COALESCE(%(at)s::timestamp, {NOW}), {NOW}, {NOW}
WHERE NOT EXISTS (SELECT FROM known)
"""

MERGE_TEMPLATE = f"""
UPDATE whatsapp_broadcast_template SET
    state = COALESCE(NULLIF(%(state)s, ''), state),
    category = COALESCE(NULLIF(%(category)s, ''), category),
    quality = COALESCE(NULLIF(%(quality)s, ''), quality),
    rejected_reason = COALESCE(NULLIF(%(reason)s, ''), rejected_reason),
    write_date = {NOW}
WHERE account_id = %(account_id)s AND (
    external_id = %(external_id)s
    OR (%(external_id)s = '' AND name = %(name)s AND language = %(language)s)
)
"""

MERGE_NUMBER = f"""
UPDATE whatsapp_broadcast_number SET
    messages_per_second = COALESCE(NULLIF(%(rate)s, 0), messages_per_second),
    daily_limit = COALESCE(%(daily_limit)s, daily_limit),
    quality = COALESCE(NULLIF(%(quality)s, ''), quality),
    write_date = {NOW}
WHERE account_id = %(account_id)s AND (
    external_id = %(external_id)s OR (%(external_id)s = '' AND phone = %(phone)s)
    OR (%(external_id)s = '' AND %(phone)s = '')
)
RETURNING id
"""
