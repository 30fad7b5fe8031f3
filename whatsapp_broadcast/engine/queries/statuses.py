"""Statuses find the rows that they are about."""

from .table import TABLES

#: What came in has ids, too.
GOES_OUT = {"recipient": "TRUE", "message": "r.direction = 'out'"}


def _merge_statuses(table):
    return f"""
WITH status AS (
    SELECT * FROM unnest(
        %(positions)s::int[], %(account_ids)s::int[], %(row_ids)s::int[],
        %(tokens)s::text[], %(message_ids)s::text[], %(statuses)s::text[],
        %(times)s::timestamp[], %(error_codes)s::text[], %(error_classes)s::text[],
        %(error_messages)s::text[], %(categories)s::text[], %(price_types)s::text[],
        %(billables)s::bool[], %(user_refs)s::text[]
    ) AS s (position, account_id, row_id, token, message_id, status, at, error_code,
        error_class, error_message, category, price_type, billable, user_ref)
), matched AS MATERIALIZED (
    SELECT r.id, s.* FROM status s
    JOIN whatsapp_broadcast_{table} r
        ON r.id = s.row_id AND r.token = s.token AND r.account_id = s.account_id
    UNION ALL
    SELECT r.id, s.* FROM status s
    JOIN whatsapp_broadcast_{table} r
        ON r.provider_message_id = s.message_id AND r.account_id = s.account_id
    WHERE s.row_id IS NULL AND {GOES_OUT[table]}
), locked AS MATERIALIZED (
    SELECT id, state, broadcast_id, user_ref AS known_ref
    FROM whatsapp_broadcast_{table}
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
        max(price_type) AS price_type,
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
        price_type = COALESCE(m.price_type, r.price_type),
        billable = COALESCE(m.billable, r.billable)
    FROM merged m
    WHERE r.id = m.id AND m.state NOT IN ('skipped', 'cancelled')
)
SELECT m.position, m.id, l.broadcast_id,
    m.status = 'failed' AND l.state NOT IN
        ('failed', 'delivered', 'read', 'skipped', 'cancelled') AS newly_failed,
    m.status IN ('sent', 'delivered', 'read') AND l.state = 'held' AS released,
    m.status IN ('delivered', 'read') AS delivered,
    m.user_ref IS NOT NULL AND l.known_ref IS NULL AS met
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
