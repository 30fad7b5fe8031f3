"""A conversation: what went to a lead or partner, and what came from there."""

from .clock import NOW
from .consents import is_blacklisted, permission
from .people import person


def _scope(row):
    """Rows with a lead are the lead's; without one they are the partner's."""
    return f"""({row}.lead_id = ANY(%(lead_ids)s)
        OR {row}.lead_id IS NULL AND {row}.partner_id = ANY(%(partner_ids)s))"""


#: One page from the newest on, or from before a place. A reaction, an edit, what is
#: taken back is shown on the message that it is about, if there is one.
TALK = f"""
WITH talk AS (
    SELECT COALESCE(r.accepted_at, r.failed_at, b.started_at, b.create_date) AS at,
        'recipient' AS source, r.id
    FROM whatsapp_broadcast_recipient r
    JOIN whatsapp_broadcast b ON b.id = r.broadcast_id
    WHERE {_scope("r")} AND r.company_id = ANY(%(company_ids)s)
        AND r.state NOT IN ('queued', 'skipped', 'cancelled')
    UNION ALL
    SELECT COALESCE(m.received_at, m.create_date), 'message', m.id
    FROM whatsapp_broadcast_message m
    WHERE {_scope("m")} AND (m.company_id = ANY(%(company_ids)s)
            OR m.company_id IS NULL AND m.number_id = ANY(%(number_ids)s))
        AND (m.message_type NOT IN ('reaction', 'edit', 'revoke') OR NOT EXISTS (
            SELECT FROM whatsapp_broadcast_recipient x
            WHERE x.provider_message_id = m.context_message_id
        ) AND NOT EXISTS (
            SELECT FROM whatsapp_broadcast_message x
            WHERE x.provider_message_id = m.context_message_id
        ))
)
SELECT at, source, id FROM talk
WHERE %(at)s::timestamp IS NULL
    OR (at, source, id) < (%(at)s::timestamp, %(source)s, %(id)s)
ORDER BY at DESC, source DESC, id DESC
LIMIT %(limit)s
"""

#: What may go to people from numbers now; the window as claims keep it. Columns of
#: each opt-out: of all messages, and of marketing.
MAY_WRITE = f"""
SELECT r.number_id, person.contact_id, person.last_inbound_at,
    person.last_inbound_at + interval '23 hours 58 minutes' AS open_until,
    EXTRACT(EPOCH FROM person.last_inbound_at + interval '23 hours 58 minutes'
        - {NOW})::int AS seconds_left,
    {is_blacklisted("r.phone")} AS is_blacklisted,
    everything.opted_out_at, marketing.opted_out_at AS marketing_opted_out_at
FROM unnest(%(number_ids)s::int[], %(phones)s::text[], %(user_refs)s::text[])
    AS r (number_id, phone, user_ref)
CROSS JOIN LATERAL {person("r", "r.number_id")} AS person
CROSS JOIN LATERAL {permission("r", "NULL::text", "%(company_id)s")} AS everything
CROSS JOIN LATERAL {permission("r", "'marketing'", "%(company_id)s")} AS marketing
"""

#: Of each person, what came in last.
LATEST_MESSAGES = """
SELECT m.id FROM whatsapp_broadcast_message m
WHERE m.direction = 'in' AND NOT EXISTS (
    SELECT FROM whatsapp_broadcast_message o
    WHERE o.contact_id = m.contact_id AND o.direction = 'in' AND o.id > m.id
)
"""

#: What came in from people to whom something single went out since.
ANSWERED_MESSAGES = """
SELECT m.id FROM whatsapp_broadcast_message m
WHERE m.direction = 'in' AND EXISTS (
    SELECT FROM whatsapp_broadcast_message o
    WHERE o.contact_id = m.contact_id AND o.direction = 'out' AND o.id > m.id
        AND o.is_confirmation IS NOT TRUE
)
"""

#: Rows that follow a lead or partner.
_FOLLOWERS = ("recipient", "message", "consent", "contact")

MOVE_TO_LEAD = tuple(
    f"""
UPDATE whatsapp_broadcast_{table} SET lead_id = %(lead_id)s
WHERE lead_id = ANY(%(lead_ids)s)
"""
    for table in _FOLLOWERS
)

#: A survivor is chosen where any of the others was.
CHOOSE_LEAD = """
INSERT INTO crm_lead_whatsapp_broadcast_rel (whatsapp_broadcast_id, crm_lead_id)
SELECT DISTINCT whatsapp_broadcast_id, %(lead_id)s
FROM crm_lead_whatsapp_broadcast_rel WHERE crm_lead_id = ANY(%(lead_ids)s)
ON CONFLICT DO NOTHING
"""

FILL_PARTNER = tuple(
    f"""
UPDATE whatsapp_broadcast_{table} SET partner_id = %(partner_id)s
WHERE lead_id = ANY(%(lead_ids)s) AND partner_id IS NULL
"""
    for table in _FOLLOWERS
)

#: What a person of nobody's wrote, and the messages of broadcasts that it answers.
GIVE_TO_LEAD = """
WITH given AS (
    UPDATE whatsapp_broadcast_message SET
        lead_id = %(lead_id)s, partner_id = COALESCE(partner_id, %(partner_id)s)
    WHERE lead_id IS NULL AND (id = %(id)s OR contact_id = %(contact_id)s
        AND (partner_id IS NULL OR partner_id = %(partner_id)s))
    RETURNING recipient_id
)
UPDATE whatsapp_broadcast_recipient r SET lead_id = %(lead_id)s
FROM given WHERE r.id = given.recipient_id
    AND r.lead_id IS NULL AND r.partner_id IS NULL
"""
