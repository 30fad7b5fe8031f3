"""The inbox of webhook deliveries."""

from .clock import NOW

ADD_EVENT = f"""
INSERT INTO whatsapp_broadcast_event
    (account_id, received_at, payload, state, attempt_count)
SELECT id, {NOW}, %(payload)s, 'new', 0
FROM whatsapp_broadcast_account WHERE id = %(account_id)s
"""

#: Follows SELECT and columns.
INBOX = f"""FROM whatsapp_broadcast_event
WHERE processed_at IS NULL AND (retry_at IS NULL OR retry_at <= {NOW})"""

TAKE_EVENTS = f"""
SELECT id, account_id, payload, attempt_count {INBOX}
ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""

FINISH_EVENTS = f"""
UPDATE whatsapp_broadcast_event e SET
    processed_at = {NOW}, state = v.state, event_type = v.event_type,
    error_message = NULLIF(v.error_message, '')
FROM unnest(
    %(ids)s::int[], %(states)s::text[], %(event_types)s::text[],
    %(error_messages)s::text[]
) AS v (id, state, event_type, error_message)
WHERE e.id = v.id
"""

RETRY_EVENTS = f"""
UPDATE whatsapp_broadcast_event SET
    attempt_count = attempt_count + 1,
    error_message = %(error_message)s,
    retry_at = {NOW} + power(4, attempt_count + 1) * interval '1 second'
WHERE id = ANY(%(ids)s)
"""

PURGE_EVENTS = """
DELETE FROM whatsapp_broadcast_event WHERE id IN (
    SELECT id FROM whatsapp_broadcast_event
    WHERE processed_at < %(before)s ORDER BY id LIMIT %(limit)s
)
"""

#: All accounts that may speak through a door are those of its app, which both prove
#: by its secret: the app's id is no secret, and anybody may type it.
ROUTES = """
SELECT door.id, owner.id, owner.business_account_id, n.id, n.external_id
FROM whatsapp_broadcast_account door
JOIN whatsapp_broadcast_account owner ON owner.id = door.id
    OR (owner.provider = door.provider AND owner.app_id = door.app_id
        AND owner.app_secret_fingerprint = door.app_secret_fingerprint)
LEFT JOIN whatsapp_broadcast_number n ON n.account_id = owner.id
WHERE door.id = ANY(%(account_ids)s)
"""

HEARD = f"""
UPDATE whatsapp_broadcast_account SET
    last_webhook_at = {NOW},
    state = CASE WHEN state = 'deaf' THEN 'connected' ELSE state END
WHERE id = ANY(%(account_ids)s) AND (
    state = 'deaf' OR last_webhook_at IS NULL
    OR last_webhook_at < {NOW} - interval '1 minute'
)
"""
