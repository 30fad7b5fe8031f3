"""Rows are taken in hand."""

from .clock import NOW
from .consents import is_blacklisted, permission
from .people import names, person
from .recent import marketing_count
from .table import TABLES

#: What the claims of both tables ask of row r and its template t, when it is ``now``.
PERSON = f"{person('r', 'r.number_id')} AS person"
PERMISSION = f"{permission('r', 't.category', 'r.company_id')} AS permission"
BLACKLISTED = is_blacklisted("r.phone")
WINDOW_IS_CLOSED = """NOT COALESCE(
                person.last_inbound_at > now - interval '23 hours 58 minutes', FALSE
            )"""
NEEDS_PLACE = """(%(portfolio)s::int IS NOT NULL AND NOT COALESCE(
            person.last_inbound_at > now - interval '24 hours', FALSE
        ) AND NOT EXISTS (
            SELECT FROM whatsapp_broadcast_reach w
            WHERE w.portfolio = %(portfolio)s AND w.address = r.address
                AND w.at > now - interval '24 hours'
        ))"""


def booking(link):
    """Return the CTEs that book slots and places for what is ``decided``.

    A slot is a time by the clock of the database, in seconds. The pace moves by as many
    as were really used.

    :param str link: the column of a place that names its row
    """
    return f"""sending AS (
    SELECT count(*) AS slots, count(*) FILTER (WHERE needs_place) AS places
    FROM decided WHERE sends
), slot AS MATERIALIZED (
    SELECT GREATEST(
        LEAST(next_slot_at, now + interval '1 minute'),
        now + CASE
            WHEN next_slot_at < now - %(idle)s * interval '1 second'
            THEN %(lead_idle)s ELSE %(lead)s
        END * interval '1 second'
    ) AS first
    FROM clock, whatsapp_broadcast_pace
    WHERE kind = 'number' AND key = %(number_id)s
), moved AS (
    UPDATE whatsapp_broadcast_pace SET
        next_slot_at = CASE kind
            WHEN 'number' THEN first + slots * %(spacing)s * interval '1 second'
            WHEN 'broadcast' THEN GREATEST(next_slot_at, now)
                + slots * %(own_spacing)s * interval '1 second'
            ELSE next_slot_at
        END,
        used = used + places
    FROM sending, slot, clock
    WHERE slots > 0 AND (
        (kind IN ('number', 'warm_up') AND key = %(number_id)s)
        OR (kind = 'broadcast' AND key = %(broadcast_id)s)
        OR (kind = 'portfolio' AND key = %(portfolio)s)
    )
), reached AS (
    INSERT INTO whatsapp_broadcast_reach (portfolio, number_id, address, at, {link})
    SELECT %(portfolio)s, %(number_id)s, address, now, id
    FROM decided CROSS JOIN clock WHERE sends AND needs_place
    ON CONFLICT (portfolio, address) DO UPDATE SET
        number_id = EXCLUDED.number_id, at = EXCLUDED.at,
        recipient_id = EXCLUDED.recipient_id, message_id = EXCLUDED.message_id
)"""


def taking(letter):
    """Return the assignments that take in hand what ``sends``.

    The token names the row, so that no index on it is needed.

    :param str letter: what tokens of the table begin with
    """
    return f"""lease_until = CASE
        WHEN sends THEN now + %(lease)s * interval '1 second'
    END,
    token = CASE
        WHEN sends THEN '{letter}' || r.id || '-' || md5(gen_random_uuid()::text)
        ELSE r.token
    END,
    attempt_count = attempt_count + CASE WHEN sends THEN 1 ELSE 0 END"""


#: Takes due rows of one broadcast and books their slots; those that no longer qualify
#: are left out, and those that must wait are due later. The number's pace is locked
#: (see TURN), so what is read here is what others left. The limit is a number, no
#: subquery: the planner would take it for a tenth of the table, and compile for it.
CLAIM = f"""
WITH clock AS MATERIALIZED (
    SELECT {NOW} AS now
), due AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE broadcast_id = %(broadcast_id)s AND due_at <= (SELECT now FROM clock)
        AND NOT COALESCE(timezones, '') = ANY(%(closed)s::text[])
    ORDER BY due_at, id
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), checked AS MATERIALIZED (
    SELECT r.id, r.address,
        CASE
            WHEN {BLACKLISTED} OR permission.opted_out THEN 'opted_out'
            WHEN t.category = 'marketing' AND permission.consent_id IS NULL
                AND company.whatsapp_consent_rule = 'require'
            THEN 'no_consent'
            WHEN b.message_type <> 'template' AND {WINDOW_IS_CLOSED}
            THEN 'outside_window'
            WHEN recent.marketing_count >= company.whatsapp_cap_count
            THEN 'frequency_cap'
            WHEN b.skip_closed_leads AND NOT COALESCE(b.include_closed, FALSE)
                AND (NOT l.active OR l.won_status IN ('won', 'lost'))
            THEN 'lead_closed'
        END AS reason,
        permission.consent_id, pair.free_at, {NEEDS_PLACE} AS needs_place
    FROM due JOIN whatsapp_broadcast_recipient r ON r.id = due.id
    CROSS JOIN clock
    JOIN whatsapp_broadcast b ON b.id = r.broadcast_id
    LEFT JOIN whatsapp_broadcast_template t ON t.id = r.template_id
    LEFT JOIN crm_lead l ON l.id = r.lead_id
    LEFT JOIN res_company company ON company.id = r.company_id
    CROSS JOIN LATERAL {PERSON}
    CROSS JOIN LATERAL {PERMISSION}
    CROSS JOIN LATERAL {names("r")} AS known
    LEFT JOIN LATERAL {marketing_count("r")} AS recent
        ON t.category = 'marketing' AND company.whatsapp_cap_count > 0
    -- the same person in another broadcast of this number
    CROSS JOIN LATERAL (
        SELECT max(CASE WHEN o.lease_until IS NULL THEN o.accepted_at ELSE now END)
            + %(pair_seconds)s * interval '1 second' AS free_at
        FROM whatsapp_broadcast_recipient o
        WHERE o.broadcast_id = ANY(%(others)s) AND o.address = ANY(known.names)
            AND o.number_id = r.number_id AND (
                o.lease_until IS NOT NULL
                OR o.accepted_at > now - %(pair_seconds)s * interval '1 second'
            )
    ) AS pair
), counted AS (
    SELECT *, reason IS NULL AND free_at IS NULL AS sends,
        count(*) FILTER (WHERE needs_place AND reason IS NULL AND free_at IS NULL)
            OVER (ORDER BY id) AS place
    FROM checked
), decided AS MATERIALIZED (
    -- who finds no place stays as he is
    SELECT *, row_number() OVER (PARTITION BY sends ORDER BY id) - 1 AS turn
    FROM counted WHERE NOT (sends AND needs_place AND place > %(places)s)
), {booking("recipient_id")}
UPDATE whatsapp_broadcast_recipient r SET
    state = CASE
        WHEN sends THEN 'sending' WHEN reason IS NOT NULL THEN 'skipped'
        ELSE r.state
    END,
    skip_reason = reason,
    consent_id = CASE WHEN sends THEN decided.consent_id ELSE r.consent_id END,
    due_at = CASE WHEN reason IS NULL THEN free_at END,
    {taking("r")}
FROM decided CROSS JOIN clock CROSS JOIN slot WHERE r.id = decided.id
RETURNING 'recipient' AS table, r.id, r.broadcast_id, r.number_id, r.account_id,
    r.template_id, r.token, r.phone, r.user_ref, r.variables, r.attempt_count, r.state,
    needs_place,
    (EXTRACT(EPOCH FROM first) + turn * %(spacing)s)::float AS slot
"""


def _expire_leases(table):
    return f"""
WITH expired AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_{table}
    WHERE lease_until < {NOW} AND state = 'sending'
    LIMIT 5000 FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_broadcast_{table} r SET
    state = 'unknown', lease_until = NULL,
    error_message = 'The sender stopped before the answer came'
FROM expired WHERE r.id = expired.id
"""


#: Rows whose sender died after the claim: nobody knows whether they went out.
EXPIRE_LEASES = {table: _expire_leases(table) for table in TABLES}
