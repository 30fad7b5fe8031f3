"""The audience becomes recipients.

Run through ``odoo.tools.SQL`` in the launcher's environment, around a query of the
records that the launcher may read.
"""

from .addresses import forms, has_forms, key
from .clock import NOW
from .consents import is_blacklisted

#: A chunk is a few hundred milliseconds: to compile its plan costs a tenth of it.
WITHOUT_JIT = "SET LOCAL jit = off"

#: What the freeze reads of a record. %(position)s orders the chunks; %(texts)s are the
#: values of the variables as text[], or NULL.
LEAD_COLUMNS = """
    crm_lead.id AS lead_id, crm_lead.partner_id,
    NULLIF(crm_lead.phone_sanitized, '') AS phone, crm_lead.phone AS given,
    (NOT crm_lead.active OR crm_lead.won_status IN ('won', 'lost')) AS closed,
    crm_lead.write_date AS activity, crm_lead.id AS rank,
    crm_lead.country_id IS NULL AND (
        SELECT p.country_id FROM res_partner p WHERE p.id = crm_lead.partner_id
    ) IS NULL AS without_country,
    (SELECT NULLIF(p.tz, '') FROM res_partner p WHERE p.id = crm_lead.partner_id)
        AS timezone,
    %(position)s AS position, %(texts)s AS texts
"""

PARTNER_COLUMNS = """
    NULL::integer AS lead_id, res_partner.id AS partner_id,
    NULLIF(res_partner.phone_sanitized, '') AS phone, res_partner.phone AS given,
    NOT res_partner.active AS closed, res_partner.write_date AS activity,
    res_partner.id AS rank, res_partner.country_id IS NULL AS without_country,
    NULLIF(res_partner.tz, '') AS timezone,
    %(position)s AS position, %(texts)s AS texts
"""

#: The next records in order. Those with one phone meet in one chunk.
NEXT_RECORDS = """
    %(records)s ORDER BY position FETCH FIRST %(limit)s ROWS WITH TIES
"""

#: One phone number of each prefix among records, or among rows that wait.
PHONE_PREFIXES = """
SELECT DISTINCT ON (prefix) left(phone, %(length)s) AS prefix, phone
FROM (%(records)s) AS found
"""

#: Whether an earlier chunk has the person of ``source`` by another name. Few phones
#: have several forms, and few people several names: the others are not looked for.
GOES_BY_ANOTHER_NAME = f"""(
                    {has_forms("source.phone")} AND EXISTS (
                        SELECT FROM unnest({forms("source.phone")}) AS form
                        JOIN whatsapp_broadcast_recipient o ON o.address = form
                            AND o.broadcast_id = %(broadcast_id)s
                    )
                ) OR (
                    person.contact_id IS NOT NULL AND EXISTS (
                        SELECT FROM whatsapp_broadcast_alias same
                        CROSS JOIN unnest({forms("same.address")}) AS form
                        JOIN whatsapp_broadcast_recipient o ON o.address = form
                            AND o.broadcast_id = %(broadcast_id)s
                        WHERE same.contact_id = person.contact_id
                    )
                )"""

#: Inserts a chunk and returns its last position, NULL if nothing was left, and the
#: combinations of time zones in it, "" for none. A row whose window is closed is due at
#: its opening: nothing has to move it later. Whom earlier runs of a series wrote to, or
#: still may, is left out. Of several records with one phone the open, newest, lowest
#: one is kept. Rows go in by id, as the index on the record's id is the largest: phones
#: come in no order of it.
FREEZE = f"""
WITH source AS MATERIALIZED (
    SELECT keyed.*, CASE WHEN %(is_marketing)s THEN (
        SELECT max(o.consent_id) FROM whatsapp_broadcast_choice o
        WHERE o.address = keyed.key AND o.kind = 'opt_in'
            AND (o.company_id IS NULL OR o.company_id = %(company_id)s)
    ) END AS consent_id
    FROM (
        SELECT chunk.*, {key("chunk.phone")} AS key FROM (%(chunk)s) AS chunk
    ) AS keyed
), earlier AS (
    SELECT DISTINCT address FROM whatsapp_broadcast_recipient
    WHERE broadcast_id = ANY(%(earlier_runs)s::int[])
        AND address >= (SELECT min(phone) FROM source)
        AND address <= (SELECT max(phone) FROM source)
        AND state NOT IN ('skipped', 'failed', 'cancelled')
), inserted AS (
    INSERT INTO whatsapp_broadcast_recipient (
        broadcast_id, company_id, account_id, number_id, template_id, lang,
        lead_id, partner_id, address, phone, country_guessed, variables,
        state, skip_reason, due_at, timezones, consent_id, attempt_count
    )
    SELECT %(broadcast_id)s, %(company_id)s, %(account_id)s, %(number_id)s,
        %(template_id)s, %(lang)s,
        lead_id, partner_id, CASE WHEN reason IS NULL THEN phone END,
        COALESCE(phone, given), guessed,
        CASE
            WHEN reason IS NULL OR reason = 'variable_missing' THEN %(variables)s
        END,
        CASE WHEN reason IS NULL THEN 'queued' ELSE 'skipped' END, reason,
        CASE
            WHEN reason IS NULL AND %(is_due)s THEN GREATEST((SELECT {NOW}), opening)
        END,
        CASE WHEN reason IS NULL THEN audience.timezones END,
        CASE WHEN reason IS NULL THEN consent_id END, 0
    FROM (
        SELECT source.*,
            CASE WHEN %(by_recipient)s
                THEN COALESCE(timezone, zones.timezones) END AS timezones,
            phone IS NOT NULL AND without_country AND given !~ '^\\s*(\\+|00)'
                AS guessed,
            CASE
                WHEN closed AND NOT %(include_closed)s THEN 'lead_closed'
                WHEN COALESCE(btrim(given), '') = '' THEN 'no_phone'
                WHEN phone IS NULL THEN 'bad_phone'
                WHEN {is_blacklisted("source.phone")} THEN 'opted_out'
                WHEN EXISTS (
                    SELECT FROM whatsapp_broadcast_choice o
                    WHERE o.address = source.key AND o.kind = 'opt_out'
                        AND (o.company_id IS NULL OR o.company_id = %(company_id)s)
                        AND (o.purpose = 'all' OR %(is_marketing)s)
                ) THEN 'opted_out'
                WHEN %(requires_consent)s AND consent_id IS NULL THEN 'no_consent'
                WHEN %(needs_window)s AND NOT COALESCE(
                    last_inbound_at > {NOW} - interval '23 hours 58 minutes', FALSE
                ) THEN 'outside_window'
                WHEN earlier.address IS NOT NULL THEN 'already_messaged'
                WHEN row_number() OVER (
                    PARTITION BY COALESCE('@' || contact_id, key)
                    ORDER BY closed, activity DESC NULLS LAST, rank
                ) > 1 OR {GOES_BY_ANOTHER_NAME} THEN 'duplicate'
                WHEN '' = ANY(texts) THEN 'variable_missing'
            END AS reason
        FROM source
        LEFT JOIN (
            SELECT x.address AS name, x.contact_id,
                CASE WHEN x.is_former IS NOT TRUE THEN c.last_inbound_at END
                    AS last_inbound_at
            FROM whatsapp_broadcast_alias x
            JOIN whatsapp_broadcast_contact c ON c.id = x.contact_id
            WHERE x.number_id = %(number_id)s
        ) AS person ON person.name = source.key
        LEFT JOIN unnest(%(prefixes)s::text[], %(prefix_timezones)s::text[])
            AS zones (prefix, timezones)
            ON zones.prefix = left(source.phone, %(prefix_length)s)
        LEFT JOIN earlier ON earlier.address = source.phone
    ) AS audience
    LEFT JOIN unnest(%(closed)s::text[], %(openings)s::timestamp[])
        AS closed (timezones, opening)
        ON closed.timezones = COALESCE(audience.timezones, '')
    ORDER BY rank
    RETURNING due_at, timezones
)
SELECT (SELECT max(position) FROM source),
    (SELECT array_agg(DISTINCT COALESCE(timezones, '')) FROM inserted
     WHERE due_at IS NOT NULL AND %(by_recipient)s)
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
