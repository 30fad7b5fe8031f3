"""What people write opens windows, answers rows, changes what they get."""

from .clock import NOW

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
