"""What people write becomes messages, linked to what they answer."""

from .addresses import forms
from .clock import NOW

#: Broadcasts of a number in which the newest message to a person is looked for.
LOOK_BACK = 100

#: Which message each one answers: by its context, else the newest to that person. A
#: reaction, an edit, what is taken back: their context is any message, in or out.
MATCH_MESSAGES = f"""
WITH said AS (
    SELECT * FROM unnest(
        %(positions)s::int[], %(account_ids)s::int[], %(number_ids)s::int[],
        %(contact_ids)s::int[], %(context_ids)s::text[], %(times)s::timestamp[]
    ) AS v (position, account_id, number_id, contact_id, context_id, at)
), sent AS (
    SELECT s.position, r.id AS recipient_id, NULL::int AS message_id, 1 AS rank,
        r.accepted_at
    FROM said s JOIN whatsapp_broadcast_recipient r
        ON r.provider_message_id = s.context_id AND r.account_id = s.account_id
    UNION ALL
    SELECT s.position, r.id, NULL, 1, r.accepted_at
    FROM said s
    JOIN whatsapp_broadcast_attempt a ON a.provider_message_id = s.context_id
    JOIN whatsapp_broadcast_recipient r
        ON r.id = a.recipient_id AND r.account_id = s.account_id
    UNION ALL
    SELECT s.position, NULL, m.id, 1, m.create_date
    FROM said s JOIN whatsapp_broadcast_message m
        ON m.provider_message_id = s.context_id AND m.account_id = s.account_id
    UNION ALL
    SELECT s.position, newest.id, NULL, 2, newest.accepted_at
    FROM said s CROSS JOIN LATERAL (
        SELECT r.id, r.accepted_at
        FROM whatsapp_broadcast_alias x
        CROSS JOIN LATERAL unnest({forms("x.address")}) AS form
        CROSS JOIN (
            SELECT id FROM whatsapp_broadcast b
            WHERE b.number_id = s.number_id AND b.started_at IS NOT NULL
            ORDER BY b.id DESC LIMIT {LOOK_BACK}
        ) AS b
        CROSS JOIN LATERAL (
            SELECT r.id, r.accepted_at FROM whatsapp_broadcast_recipient r
            WHERE r.broadcast_id = b.id AND r.address = form
                AND (r.accepted_at IS NOT NULL OR r.state = 'unknown')
                -- what came before it is no answer, as in a history
                AND COALESCE(r.accepted_at <= s.at + interval '1 minute', TRUE)
            LIMIT 1  -- has the planner ask the unique index, one by one
        ) AS r
        WHERE x.contact_id = s.contact_id
        ORDER BY r.accepted_at DESC NULLS LAST LIMIT 1
    ) AS newest
    UNION ALL
    SELECT s.position, NULL, newest.id, 2, newest.accepted_at
    FROM said s CROSS JOIN LATERAL (
        SELECT m.id, m.accepted_at
        FROM whatsapp_broadcast_alias x
        CROSS JOIN LATERAL unnest({forms("x.address")}) AS form
        JOIN whatsapp_broadcast_message m
            ON m.number_id = s.number_id AND m.address = form
        WHERE x.contact_id = s.contact_id AND m.direction = 'out'
            AND m.accepted_at IS NOT NULL
            AND COALESCE(m.accepted_at <= s.at + interval '1 minute', TRUE)
        ORDER BY m.accepted_at DESC LIMIT 1
    ) AS newest
), chosen AS (
    SELECT DISTINCT ON (position) * FROM sent
    ORDER BY position, rank, accepted_at DESC NULLS LAST
)
SELECT c.position, COALESCE(r.id, m.recipient_id) AS recipient_id,
    COALESCE(r.broadcast_id, m.broadcast_id) AS broadcast_id,
    COALESCE(r.company_id, m.company_id) AS company_id,
    COALESCE(r.lead_id, m.lead_id) AS lead_id,
    COALESCE(r.partner_id, m.partner_id) AS partner_id,
    COALESCE(r.template_id, m.template_id) AS template_id
FROM chosen c
LEFT JOIN whatsapp_broadcast_recipient r ON r.id = c.recipient_id
LEFT JOIN whatsapp_broadcast_message m ON m.id = c.message_id
"""

#: A delivery that comes twice adds nothing.
ADD_MESSAGES = f"""
INSERT INTO whatsapp_broadcast_message (
    direction, state, account_id, number_id, company_id, contact_id, recipient_id,
    broadcast_id, lead_id, partner_id, phone, user_ref, profile_name, message_type,
    body, payload, details, context_message_id, provider_message_id, media_id,
    media_mimetype, media_sha256, media_filename, media_state, error_code,
    error_message, received_at, needs_attention, attempt_count, create_date, write_date
)
SELECT direction, CASE direction WHEN 'in' THEN 'received' ELSE 'sent' END,
    account_id, number_id,
    -- a lead may have gone since it was written to
    (SELECT id FROM res_company x WHERE x.id = v.company_id),
    contact_id, recipient_id,
    (SELECT id FROM whatsapp_broadcast x WHERE x.id = v.broadcast_id),
    (SELECT id FROM crm_lead x WHERE x.id = v.lead_id),
    (SELECT id FROM res_partner x WHERE x.id = v.partner_id),
    NULLIF(phone, ''), NULLIF(user_ref, ''), NULLIF(profile_name, ''), message_type,
    NULLIF(body, ''), NULLIF(payload, ''), details::jsonb, NULLIF(context_id, ''),
    NULLIF(message_id, ''), NULLIF(media_id, ''), NULLIF(mimetype, ''),
    NULLIF(sha256, ''), NULLIF(filename, ''),
    CASE WHEN media_id <> '' THEN 'pending' END, NULLIF(error_code, ''),
    NULLIF(error_message, ''), at, needs_attention, 0, {NOW}, {NOW}
FROM unnest(
    %(directions)s::text[], %(account_ids)s::int[], %(number_ids)s::int[],
    %(company_ids)s::int[], %(contact_ids)s::int[], %(recipient_ids)s::int[],
    %(broadcast_ids)s::int[], %(lead_ids)s::int[], %(partner_ids)s::int[],
    %(phones)s::text[], %(user_refs)s::text[], %(profile_names)s::text[],
    %(message_types)s::text[], %(bodies)s::text[], %(payloads)s::text[],
    %(details)s::text[], %(context_ids)s::text[], %(message_ids)s::text[],
    %(media_ids)s::text[], %(mimetypes)s::text[], %(sha256s)s::text[],
    %(filenames)s::text[], %(error_codes)s::text[], %(error_messages)s::text[],
    %(times)s::timestamp[], %(needs_attention)s::bool[]
) AS v (direction, account_id, number_id, company_id, contact_id, recipient_id,
    broadcast_id, lead_id, partner_id, phone, user_ref, profile_name, message_type,
    body, payload, details, context_id, message_id, media_id, mimetype, sha256,
    filename, error_code, error_message, at, needs_attention)
ON CONFLICT (number_id, provider_message_id, message_type, received_at)
    WHERE received_at IS NOT NULL DO NOTHING
RETURNING provider_message_id, message_type, received_at
"""

MERGE_REPLIES = """
WITH reply AS (
    SELECT id, min(at) AS at, min(at) FILTER (WHERE is_click) AS clicked_at
    FROM unnest(%(ids)s::int[], %(times)s::timestamp[], %(clicks)s::bool[])
        AS v (id, at, is_click)
    GROUP BY 1
), locked AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE id IN (SELECT id FROM reply) ORDER BY id FOR UPDATE
)
UPDATE whatsapp_broadcast_recipient r SET
    replied_at = LEAST(r.replied_at, reply.at),
    clicked_at = LEAST(r.clicked_at, reply.clicked_at)
FROM reply JOIN locked USING (id) WHERE r.id = reply.id
"""

#: Follow a WHERE; the index knows what needs attention.
MESSAGE_NEEDS_ATTENTION = f"""needs_attention AND (
    is_told IS NOT TRUE OR attend_at IS NULL OR attend_at <= {NOW}
)"""

#: Those of which nobody was told come first: a file may take its time.
MESSAGES_TO_TELL = """
SELECT id FROM whatsapp_broadcast_message
WHERE needs_attention AND is_told IS NOT TRUE ORDER BY id LIMIT %(limit)s
"""

FILE_TO_FETCH = f"""
SELECT id FROM whatsapp_broadcast_message
WHERE needs_attention AND media_state = 'pending'
    AND (attend_at IS NULL OR attend_at <= {NOW})
ORDER BY id LIMIT 1
"""

FORMS = "SELECT whatsapp_broadcast_forms(%(address)s)"

ONLY_NUMBERS = """
SELECT account_id, min(id) FROM whatsapp_broadcast_number
WHERE account_id = ANY(%(account_ids)s) AND active
GROUP BY 1 HAVING count(*) = 1
"""
