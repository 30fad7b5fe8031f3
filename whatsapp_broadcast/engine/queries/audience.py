"""The audience becomes recipients.

Run through ``odoo.tools.SQL`` in the launcher's environment, around a query of the
records that the launcher may read.
"""

from .addresses import forms, has_forms, key
from .clock import NOW
from .consents import is_blacklisted
from .recent import last_message

#: A chunk is a few hundred milliseconds: to compile its plan costs a tenth of it.
WITHOUT_JIT = "SET LOCAL jit = off"

#: What the freeze reads of a record. %(position)s orders the chunks; %(texts)s are the
#: values of the variables as text[], or NULL.
LEAD_COLUMNS = """
    crm_lead.id AS lead_id, crm_lead.partner_id, NULL::text AS name,
    NULLIF(crm_lead.phone_sanitized, '') AS phone, crm_lead.phone AS given,
    (NOT crm_lead.active OR crm_lead.won_status IN ('won', 'lost')) AS closed,
    crm_lead.write_date AS activity, crm_lead.id AS rank,
    crm_lead.country_id IS NULL AND (crm_lead.partner_id IS NULL OR (
        SELECT p.country_id FROM res_partner p WHERE p.id = crm_lead.partner_id
    ) IS NULL) AS without_country,
    CASE WHEN %(by_language)s THEN COALESCE(
        (SELECT l.code FROM res_lang l WHERE l.id = crm_lead.lang_id),
        (SELECT p.lang FROM res_partner p WHERE p.id = crm_lead.partner_id)
    ) END AS person_lang,
    %(position)s AS position, %(texts)s AS texts
"""

PARTNER_COLUMNS = """
    NULL::integer AS lead_id, res_partner.id AS partner_id, NULL::text AS name,
    NULLIF(res_partner.phone_sanitized, '') AS phone, res_partner.phone AS given,
    NOT res_partner.active AS closed, res_partner.write_date AS activity,
    res_partner.id AS rank, res_partner.country_id IS NULL AS without_country,
    res_partner.lang AS person_lang,
    %(position)s AS position, %(texts)s AS texts
"""


def _phone_columns(table, phone="phone_sanitized", guessed="FALSE"):
    """Return what the freeze reads of a phone number that is no record's."""
    return f"""
    NULL::integer AS lead_id, NULL::integer AS partner_id, {table}.name::text,
    NULLIF({table}.{phone}, '') AS phone, {table}.phone AS given, FALSE AS closed,
    NULL::timestamp AS activity, {table}.id AS rank, {guessed} AS without_country,
    NULL::text AS person_lang,
    %(position)s AS position, %(texts)s AS texts
"""


MEMBER_COLUMNS = _phone_columns("whatsapp_broadcast_list_member", guessed="TRUE")
ROW_COLUMNS = _phone_columns(
    "whatsapp_broadcast_custom_row",
    guessed="whatsapp_broadcast_custom_row.country_guessed",
)
RECIPIENT_COLUMNS = _phone_columns("whatsapp_broadcast_recipient", phone="address")

#: The next records in order. Those with one phone meet in one chunk.
NEXT_RECORDS = """
    %(records)s ORDER BY position FETCH FIRST %(limit)s ROWS WITH TIES
"""

#: The same of several queries, each in order: the first of all are the first of each.
NEXT_OF_ALL = """
SELECT * FROM (%(records)s) AS every
ORDER BY position FETCH FIRST %(limit)s ROWS WITH TIES
"""

#: Of lists that are left out, where there is none.
NO_PHONES = "SELECT NULL::text AS phone LIMIT 0"

#: A condition of what is asked beside a chunk.
WITHIN_CHUNK = """
%(phone)s >= (SELECT min(phone) FROM source)
    AND %(phone)s <= (SELECT max(phone) FROM source)
"""

#: A condition: one of so many phones, or of the records without one. The planner lets a
#: third of rows pass a comparison; with an equation it would expect next to none.
IN_SAMPLE = """
hashtext(COALESCE(%(phone)s, %(id)s::text)) < -2147483648 + 4294967296 / %(step)s
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

#: What is known of the people in a chunk: what they agreed to, whether an earlier run
#: of the series has them, what this company sent them of late by any broadcast, and
#: whether they are on a list that is left out. Phones come in order, so that each of
#: these is one stretch of an index. Who goes by a phone's other form is found by the
#: claim.
_PEOPLE = f"""
source AS MATERIALIZED (
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
), recent AS MATERIALIZED (
    SELECT {key("o.address")} AS key,
        count(*) FILTER (WHERE b.launched_category = 'marketing'
            AND last.at > {NOW} - %(cap_days)s * interval '1 day') AS marketing_count,
        bool_or(%(exclude_days)s > 0
            AND last.at > {NOW} - %(exclude_days)s * interval '1 day') AS is_excluded,
        bool_or(last.is_limited) AS is_limited
    FROM whatsapp_broadcast_recipient o
    JOIN whatsapp_broadcast b ON b.id = o.broadcast_id
    CROSS JOIN LATERAL {last_message("o", "b")} AS last
    WHERE o.company_id = %(company_id)s AND o.token IS NOT NULL
        AND o.address >= (SELECT min(phone) FROM source)
        AND o.address <= (SELECT max(phone) FROM source)
        AND %(looks_back)s AND o.broadcast_id <> %(broadcast_id)s
        AND (last.at > {NOW} - %(look_back)s * interval '1 day' OR last.is_limited)
    GROUP BY 1
), excluded AS MATERIALIZED (
    SELECT DISTINCT {key("phone")} AS key FROM (%(excluded)s) AS found
)"""

#: Who of a chunk is written to: ``reason`` says why not. Of several records with one
#: phone the open, newest, lowest one is kept.
_AUDIENCE = f"""
SELECT source.*, prefix.country_code,
    CASE WHEN %(by_recipient)s THEN COALESCE((
        SELECT NULLIF(p.tz, '') FROM res_partner p WHERE p.id = source.partner_id
    ), zones.timezones) END AS timezones,
    phone IS NOT NULL AND without_country AND given !~ '^\\s*(\\+|00)' AS guessed,
    COALESCE(last_inbound_at > {NOW} - interval '23 hours 58 minutes', FALSE)
        AS in_window,
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
        WHEN excluded.key IS NOT NULL THEN 'excluded'
        WHEN prefix.country_code = ANY(%(refused_countries)s::text[]) THEN 'country'
        WHEN %(skip_country_guessed)s AND without_country
            AND given !~ '^\\s*(\\+|00)' THEN 'country_guessed'
        WHEN %(requires_consent)s AND consent_id IS NULL THEN 'no_consent'
        WHEN %(needs_window)s AND NOT COALESCE(
            last_inbound_at > {NOW} - interval '23 hours 58 minutes', FALSE
        ) THEN 'outside_window'
        WHEN earlier.address IS NOT NULL THEN 'already_messaged'
        WHEN recent.is_excluded THEN 'recently_messaged'
        WHEN %(is_marketing)s AND recent.is_limited THEN 'marketing_limit'
        WHEN %(is_marketing)s AND recent.marketing_count >= %(cap_count)s
        THEN 'frequency_cap'
        WHEN row_number() OVER (
            PARTITION BY COALESCE('@' || contact_id, source.key)
            ORDER BY closed, activity DESC NULLS LAST, rank
        ) > 1 OR {GOES_BY_ANOTHER_NAME} THEN 'duplicate'
        WHEN '' = ANY(texts) THEN 'variable_missing'
        WHEN %(too_long)s THEN 'too_long'
    END AS reason
FROM source
LEFT JOIN whatsapp_broadcast_prefix prefix ON prefix.prefix = left(source.phone, 5)
LEFT JOIN (
    SELECT x.address AS name, x.contact_id,
        CASE WHEN x.is_former IS NOT TRUE THEN c.last_inbound_at END AS last_inbound_at
    FROM whatsapp_broadcast_alias x
    JOIN whatsapp_broadcast_contact c ON c.id = x.contact_id
    WHERE x.number_id = %(number_id)s
) AS person ON person.name = source.key
LEFT JOIN unnest(%(prefixes)s::text[], %(prefix_timezones)s::text[])
    AS zones (prefix, timezones) ON zones.prefix = left(source.phone, %(prefix_length)s)
LEFT JOIN earlier ON earlier.address = source.phone
LEFT JOIN recent ON recent.key = source.key
LEFT JOIN excluded ON excluded.key = source.key
"""

#: A number from 0 on by which a person is drawn for a test.
_DRAW = "(hashtext(audience.key || %(broadcast_id)s)::bigint + 2147483648)"

#: Inserts a chunk and returns its last position, NULL if nothing was left, and the
#: combinations of time zones in it, "" for none. A row whose window is closed is due at
#: its opening: nothing has to move it later. Rows go in by id, as the index on the
#: record's id is the largest: phones come in no order of it.
FREEZE = f"""
WITH {_PEOPLE}, inserted AS (
    INSERT INTO whatsapp_broadcast_recipient (
        broadcast_id, company_id, account_id, number_id, template_id, lang,
        lead_id, partner_id, name, address, phone, country_guessed, variables,
        state, skip_reason, due_at, timezones, consent_id, variant, attempt_count
    )
    SELECT %(broadcast_id)s, %(company_id)s, %(account_id)s, %(number_id)s,
        COALESCE(drawn.template_id, translation.template_id, %(template_id)s),
        COALESCE(drawn.lang, translation.lang, %(lang)s), lead_id, partner_id, name,
        CASE WHEN reason IS NULL THEN phone END,
        COALESCE(phone, given), guessed,
        CASE
            WHEN reason IS NULL OR reason IN ('variable_missing', 'too_long')
            THEN %(variables)s
        END,
        CASE WHEN reason IS NULL THEN 'queued' ELSE 'skipped' END, reason,
        CASE
            WHEN reason IS NOT NULL OR NOT %(is_due)s THEN NULL
            WHEN %(is_ab_test)s AND drawn.variant IS NULL THEN %(waits)s
            ELSE GREATEST((SELECT {NOW}), opening)
        END,
        CASE WHEN reason IS NULL THEN audience.timezones END,
        CASE WHEN reason IS NULL THEN consent_id END,
        CASE WHEN reason IS NULL THEN drawn.variant END, 0
    FROM ({_AUDIENCE}) AS audience
    -- who gets which message of a test: by chance, and the same after a review
    LEFT JOIN unnest(%(variants)s::text[], %(variant_template_ids)s::int[],
        %(variant_langs)s::text[]) WITH ORDINALITY
        AS drawn (variant, template_id, lang, number)
        ON %(is_ab_test)s AND {_DRAW} %% 100 < %(ab_share)s
            AND {_DRAW} / 100 %% cardinality(%(variants)s::text[]) = drawn.number - 1
    LEFT JOIN unnest(%(closed)s::text[], %(openings)s::timestamp[])
        AS closed (timezones, opening)
        ON closed.timezones = COALESCE(audience.timezones, '')
    LEFT JOIN unnest(%(langs)s::text[], %(lang_template_ids)s::int[],
        %(template_langs)s::text[]) AS translation (person_lang, template_id, lang)
        USING (person_lang)
    ORDER BY rank
    RETURNING due_at, timezones
)
SELECT (SELECT max(position) FROM source),
    (SELECT array_agg(DISTINCT COALESCE(timezones, '')) FROM inserted
     WHERE due_at IS NOT NULL AND %(by_recipient)s)
"""

#: What FREEZE would insert, counted: (reason, country, in the window, guessed, rows).
AUDIENCE_FIGURES = f"""
WITH {_PEOPLE}
SELECT reason, country_code, in_window, guessed, count(*)
FROM ({_AUDIENCE}) AS audience GROUP BY 1, 2, 3, 4
"""

#: Whom FREEZE would write down, in its order: what a message says to each, or why not.
AUDIENCE_PEOPLE = f"""
WITH {_PEOPLE}
SELECT lead_id, partner_id, name, phone, texts, person_lang, reason
FROM ({_AUDIENCE}) AS audience ORDER BY position, rank
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
