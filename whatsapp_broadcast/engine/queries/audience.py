"""The audience becomes recipients.

Run through ``odoo.tools.SQL`` in the launcher's environment: %(audience)s is the
subselect of ids that the launcher may read.
"""

#: The upper end of the next chunk in phone order: duplicates must meet in one chunk.
CHUNK_END = "SELECT max(phone) FROM (%(phones)s) AS chunk (phone)"

SOURCE_LEADS = """
    SELECT l.id AS lead_id, l.partner_id, l.phone_sanitized AS phone, l.phone AS given,
        (NOT l.active OR l.won_status IN ('won', 'lost')) AS closed,
        l.write_date AS activity, l.id AS rank,
        (l.country_id IS NULL AND p.country_id IS NULL) AS without_country
    FROM crm_lead l LEFT JOIN res_partner p ON p.id = l.partner_id
    WHERE l.id IN %(audience)s
"""

SOURCE_PARTNERS = """
    SELECT NULL::integer AS lead_id, p.id AS partner_id, p.phone_sanitized AS phone,
        p.phone AS given, NOT p.active AS closed, p.write_date AS activity,
        p.id AS rank, p.country_id IS NULL AS without_country
    FROM res_partner p
    WHERE p.id IN %(audience)s
"""

#: Of several records with one phone the open, newest, lowest one is kept.
FREEZE = """
INSERT INTO whatsapp_broadcast_recipient (
    broadcast_id, company_id, account_id, number_id, template_id, lang,
    lead_id, partner_id, address, phone, country_guessed,
    state, skip_reason, due_at, attempt_count
)
SELECT %(broadcast_id)s, %(company_id)s, %(account_id)s, %(number_id)s,
    %(template_id)s, %(lang)s,
    lead_id, partner_id, CASE WHEN reason IS NULL THEN phone END,
    COALESCE(phone, given), guessed,
    CASE WHEN reason IS NULL THEN 'queued' ELSE 'skipped' END, reason,
    CASE WHEN reason IS NULL THEN %(due_at)s::timestamp END, 0
FROM (
    SELECT *,
        phone IS NOT NULL AND without_country AND given !~ '^\\s*(\\+|00)' AS guessed,
        CASE
            WHEN closed AND NOT %(include_closed)s THEN 'lead_closed'
            WHEN COALESCE(btrim(given), '') = '' THEN 'no_phone'
            WHEN phone IS NULL THEN 'bad_phone'
            WHEN EXISTS (
                SELECT FROM phone_blacklist b WHERE b.number = phone AND b.active
            ) THEN 'opted_out'
            WHEN %(is_marketing)s AND EXISTS (
                SELECT FROM whatsapp_broadcast_contact c
                WHERE c.account_id = %(account_id)s AND c.phone = source.phone
                    AND c.marketing_opt_out
            ) THEN 'opted_out'
            WHEN %(needs_window)s AND NOT EXISTS (
                SELECT FROM whatsapp_broadcast_contact c
                WHERE c.number_id = %(number_id)s AND c.phone = source.phone
                    AND c.last_inbound_at > %(window_start)s
            ) THEN 'outside_window'
            WHEN row_number() OVER (
                PARTITION BY phone ORDER BY closed, activity DESC NULLS LAST, rank
            ) > 1 THEN 'duplicate'
        END AS reason
    FROM (%(source)s) AS source
) AS audience
ON CONFLICT (broadcast_id, address) DO NOTHING
RETURNING id, lead_id, partner_id, state
"""

#: Records that the launcher may not read are counted, not named.
FREEZE_WITHOUT_ACCESS = """
INSERT INTO whatsapp_broadcast_recipient (
    broadcast_id, company_id, account_id, number_id, state, skip_reason, attempt_count
)
SELECT %(broadcast_id)s, %(company_id)s, %(account_id)s, %(number_id)s, 'skipped',
    'no_access', 0
FROM generate_series(1, %(count)s)
"""

CLEAR_RECIPIENTS = """
DELETE FROM whatsapp_broadcast_recipient WHERE broadcast_id = ANY(%(broadcast_ids)s)
"""

#: Names, as in ``template_params``, of variables that have no value for somebody.
MISSING_VARIABLES = """
SELECT DISTINCT component.key || '.' || (pair.value ->> 0)
FROM whatsapp_broadcast_recipient r
CROSS JOIN jsonb_each(r.variables) AS component
CROSS JOIN jsonb_array_elements(component.value) AS pair
WHERE r.broadcast_id = %(broadcast_id)s AND r.skip_reason = 'variable_missing'
    AND pair.value ->> -1 = ''
ORDER BY 1
"""

SET_VARIABLES = """
UPDATE whatsapp_broadcast_recipient r SET
    variables = v.variables::jsonb,
    state = CASE WHEN v.missing THEN 'skipped' ELSE r.state END,
    skip_reason = CASE WHEN v.missing THEN 'variable_missing' END,
    address = CASE WHEN v.missing THEN NULL ELSE r.address END,
    due_at = CASE WHEN v.missing THEN NULL ELSE r.due_at END
FROM unnest(%(ids)s::int[], %(variables)s::text[], %(missing)s::bool[])
    AS v (id, variables, missing)
WHERE r.id = v.id
"""
