"""Pasted rows: bulk in, marked, taken over by a broadcast."""

from .addresses import key
from .clock import NOW

INSERT_ROWS = """
INSERT INTO whatsapp_broadcast_custom_row (broadcast_id, paste_id, row, name, phone,
    phone_sanitized, country_guessed, problem, "values", consent_at, consent_evidence)
SELECT %(broadcast_id)s, %(paste_id)s, row, name, phone, phone_sanitized,
    country_guessed, problem, "values"::jsonb, consent_at, consent_evidence
FROM unnest(%(row)s::int[], %(name)s::text[], %(phone)s::text[],
    %(phone_sanitized)s::text[], %(country_guessed)s::bool[], %(problem)s::text[],
    %(values)s::text[], %(consent_at)s::timestamp[], %(consent_evidence)s::text[])
    AS v (row, name, phone, phone_sanitized, country_guessed, problem, "values",
        consent_at, consent_evidence)
"""


#: Else the planner takes many new rows for a handful, and joins them one by one.
ANALYZE_ROWS = "ANALYZE whatsapp_broadcast_custom_row"


def _mark_duplicates(owner):
    """The first row of each phone counts; those after it are its duplicates."""
    # An array, not a join: of new rows the planner does not know how many they are.
    return f"""
UPDATE whatsapp_broadcast_custom_row
SET problem = CASE WHEN problem IS NULL THEN 'duplicate' END
WHERE id = ANY(ARRAY(
    SELECT id FROM (
        SELECT id, problem, row_number() OVER (
            PARTITION BY {key("phone_sanitized")} ORDER BY row, id
        ) AS place
        FROM whatsapp_broadcast_custom_row
        WHERE {owner} = %(id)s AND phone_sanitized IS NOT NULL
    ) AS placed
    WHERE (place > 1) <> (problem IS NOT NULL)
))
"""


MARK_DUPLICATES = {
    owner: _mark_duplicates(owner) for owner in ("broadcast_id", "paste_id")
}

#: Rows that are added follow those that are there.
TAKE_ROWS = """
UPDATE whatsapp_broadcast_custom_row SET
    broadcast_id = %(broadcast_id)s, paste_id = NULL,
    row = row + (
        SELECT COALESCE(max(o.row), 0) FROM whatsapp_broadcast_custom_row o
        WHERE o.broadcast_id = %(broadcast_id)s
    )
WHERE paste_id = %(paste_id)s
"""

COPY_ROWS = """
INSERT INTO whatsapp_broadcast_custom_row (broadcast_id, row, name, phone,
    phone_sanitized, country_guessed, problem, "values")
SELECT %(copy_id)s, row, name, phone, phone_sanitized, country_guessed, problem,
    "values"
FROM whatsapp_broadcast_custom_row WHERE broadcast_id = %(id)s ORDER BY id
"""

#: Consents of pasted rows: logged, and in force by each name of the person, unless a
#: later word took it back. What :data:`consents.CHOOSE` does, for many. The caller
#: holds LOCK_PEOPLE.
RECORD_CONSENTS = f"""
WITH given AS MATERIALIZED (
    SELECT DISTINCT ON (1) {key("phone_sanitized")} AS address, consent_at AS at,
        consent_evidence AS evidence
    FROM whatsapp_broadcast_custom_row
    WHERE paste_id = %(paste_id)s AND phone_sanitized IS NOT NULL
        AND consent_at IS NOT NULL
    ORDER BY 1, 2 DESC
), new AS (
    INSERT INTO whatsapp_broadcast_consent (address, company_id, kind, purpose,
        channel, at, recorded_at, user_id, evidence)
    SELECT address, %(company_id)s, 'opt_in', 'marketing', 'import', at, {NOW},
        %(user_id)s, evidence
    FROM given
    ON CONFLICT DO NOTHING RETURNING id, address
), said AS (
    SELECT id, address FROM new
    UNION ALL
    SELECT c.id, c.address FROM given
    JOIN whatsapp_broadcast_consent c ON c.address = given.address
        AND c.at = given.at AND c.kind = 'opt_in' AND c.channel = 'import'
        AND c.company_id = %(company_id)s
), named AS MATERIALIZED (
    SELECT address, at, address AS name FROM given
    UNION
    SELECT given.address, given.at, same.address
    FROM given
    JOIN whatsapp_broadcast_alias x ON x.address = given.address
    JOIN whatsapp_broadcast_contact c ON c.id = x.contact_id
    JOIN whatsapp_broadcast_account a ON a.id = c.account_id
        AND (a.company_id IS NULL OR a.company_id = %(company_id)s)
    JOIN whatsapp_broadcast_alias same ON same.contact_id = x.contact_id
), withdrawn AS MATERIALIZED (
    SELECT DISTINCT named.address FROM named
    JOIN whatsapp_broadcast_consent later ON later.address = named.name
        AND later.kind = 'withdrawal' AND later.at > named.at
        AND later.company_id = %(company_id)s
)
INSERT INTO whatsapp_broadcast_choice AS o
    (kind, address, company_id, purpose, channel, since, consent_id)
SELECT DISTINCT ON (named.name) 'opt_in', named.name, %(company_id)s, 'marketing',
    'import', named.at, said.id
FROM named JOIN said ON said.address = named.address
WHERE named.address NOT IN (SELECT address FROM withdrawn)
ORDER BY named.name, named.at DESC
ON CONFLICT (kind, address, COALESCE(company_id, 0), purpose, channel) DO UPDATE SET
    since = GREATEST(o.since, EXCLUDED.since),
    consent_id = CASE
        WHEN EXCLUDED.since >= o.since THEN EXCLUDED.consent_id ELSE o.consent_id
    END
"""

DELETE_ROWS = """
DELETE FROM whatsapp_broadcast_custom_row WHERE broadcast_id = %(broadcast_id)s
"""

DELETE_ROWS_WITH_PROBLEMS = """
DELETE FROM whatsapp_broadcast_custom_row
WHERE broadcast_id = %(broadcast_id)s AND problem IS NOT NULL
"""

#: Of a paste whose rows with problems are not wanted.
DELETE_PASTED_PROBLEMS = """
DELETE FROM whatsapp_broadcast_custom_row
WHERE paste_id = %(paste_id)s AND problem IS NOT NULL
"""

DELETE_PASTED_ROWS = """
DELETE FROM whatsapp_broadcast_custom_row WHERE paste_id = %(paste_id)s
"""
