"""The inbox of webhook deliveries."""

from .clock import NOW

ADD_EVENT = f"""
INSERT INTO whatsapp_broadcast_event
    (account_id, received_at, payload, state, attempt_count)
VALUES (%(account_id)s, {NOW}, %(payload)s, 'new', 0)
"""

#: Follows SELECT and columns; LIMIT follows. Only the inbox's own index has this order:
#: by any other way all that was ever received might be read.
INBOX = f"""FROM whatsapp_broadcast_event
WHERE processed_at IS NULL AND (retry_at IS NULL OR retry_at <= {NOW})
ORDER BY received_at, id"""

#: The oldest: so many, or the first of them that have so many bytes together.
TAKE_EVENTS = f"""
WITH oldest AS MATERIALIZED (
    SELECT id, account_id, payload, attempt_count,
        COALESCE(octet_length(payload), 0) AS size {INBOX}
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), summed AS (
    SELECT *, sum(size) OVER (ORDER BY id) - size AS before FROM oldest
)
SELECT id, account_id, payload, attempt_count FROM summed
WHERE before < %(bytes)s ORDER BY id
"""

FINISH_EVENTS = f"""
UPDATE whatsapp_broadcast_event e SET
    processed_at = {NOW}, state = v.state, event_type = v.event_type,
    error_message = v.error_message, keys = v.keys::int8[]
FROM unnest(
    %(ids)s::int[], %(states)s::text[], %(event_types)s::text[],
    %(error_messages)s::text[], %(keys)s::text[]
) AS v (id, state, event_type, error_message, keys)
WHERE e.id = v.id
"""

RETRY_EVENT = f"""
UPDATE whatsapp_broadcast_event SET
    attempt_count = attempt_count + 1,
    error_message = %(error_message)s,
    keys = %(keys)s::int8[],
    retry_at = {NOW} + power(4, attempt_count + 1) * interval '1 second'
WHERE id = %(id)s
"""

#: Ids rise with time: nothing is read that is younger.
PURGE_EVENTS = f"""
DELETE FROM whatsapp_broadcast_event WHERE id IN (
    SELECT id FROM whatsapp_broadcast_event
    WHERE processed_at IS NOT NULL AND id < COALESCE((
        SELECT id FROM whatsapp_broadcast_event
        WHERE received_at >= {NOW} - %(days)s * interval '1 day' ORDER BY id LIMIT 1
    ), 2147483647) AND (
        state = 'processed'
        OR received_at < {NOW} - %(longer_days)s * interval '1 day'
    )
    ORDER BY id LIMIT %(limit)s
)
"""

#: What the merge finds in a delivery, so that people can: see ``engine.event_keys``.
#: Entries wait in a list until there are some thousands: the merge waits for none.
INDEX_EVENT_KEYS = """
ALTER TABLE whatsapp_broadcast_event ADD COLUMN IF NOT EXISTS keys int8[];
CREATE INDEX IF NOT EXISTS whatsapp_broadcast_event__keys_index
    ON whatsapp_broadcast_event USING gin (keys)
    WITH (fastupdate = on, gin_pending_list_limit = 4096)
"""

EVENTS_OF = "SELECT id FROM whatsapp_broadcast_event WHERE keys && %s::int8[]"

#: The row stays, and what it was.
ERASE_EVENTS = """
UPDATE whatsapp_broadcast_event SET payload = NULL, keys = NULL
WHERE keys && %(keys)s::int8[]
"""

FORGET_ACCOUNTS = """
DELETE FROM whatsapp_broadcast_event WHERE account_id = ANY(%(account_ids)s)
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
