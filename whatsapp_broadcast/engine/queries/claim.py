"""Rows are taken in hand."""

from .clock import NOW

#: Takes due rows of one broadcast; those that no longer qualify are left out instead.
#: The token names the row, so that no index on it is needed.
CLAIM = f"""
WITH due AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE broadcast_id = %(broadcast_id)s AND due_at <= {NOW}
    ORDER BY due_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), checked AS MATERIALIZED (
    SELECT r.id, CASE
        WHEN EXISTS (
            SELECT FROM phone_blacklist p WHERE p.number = r.phone AND p.active
        ) THEN 'opted_out'
        WHEN t.category = 'marketing' AND EXISTS (
            SELECT FROM whatsapp_broadcast_contact c
            WHERE c.account_id = r.account_id AND c.phone = r.phone
                AND c.marketing_opt_out
        ) THEN 'opted_out'
        WHEN b.message_type <> 'template' AND NOT EXISTS (
            SELECT FROM whatsapp_broadcast_contact c
            WHERE c.number_id = r.number_id AND c.phone = r.phone
                AND c.last_inbound_at > {NOW} - interval '23 hours 58 minutes'
        ) THEN 'outside_window'
    END AS reason
    FROM due JOIN whatsapp_broadcast_recipient r ON r.id = due.id
    JOIN whatsapp_broadcast b ON b.id = r.broadcast_id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = b.template_id
)
UPDATE whatsapp_broadcast_recipient r SET
    state = CASE WHEN reason IS NULL THEN 'sending' ELSE 'skipped' END,
    skip_reason = reason,
    due_at = NULL,
    lease_until = CASE
        WHEN reason IS NULL THEN {NOW} + %(lease)s * interval '1 second'
    END,
    token = CASE
        WHEN reason IS NULL THEN 'r' || r.id || '-' || md5(gen_random_uuid()::text)
    END,
    attempt_count = attempt_count + CASE WHEN reason IS NULL THEN 1 ELSE 0 END
FROM checked WHERE r.id = checked.id
RETURNING r.id, r.broadcast_id, r.number_id, r.token, r.phone, r.user_ref,
    r.variables, r.attempt_count, r.state
"""

#: Rows whose sender died after the claim: nobody knows whether they went out.
EXPIRE_LEASES = f"""
WITH expired AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE lease_until < {NOW} AND state = 'sending'
    LIMIT 5000 FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_broadcast_recipient r SET
    state = 'unknown', lease_until = NULL,
    error_message = 'The sender stopped before the answer came'
FROM expired WHERE r.id = expired.id
RETURNING r.broadcast_id
"""
