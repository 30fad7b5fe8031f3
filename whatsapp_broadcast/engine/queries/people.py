"""Who is meant: people as a number knows them, by any of their names."""

from .addresses import forms, key
from .clock import NOW

#: Held to the end of the transaction by whoever may add names: two at once would make
#: two people of one. Taken before any row is locked.
LOCK_PEOPLE = "SELECT pg_advisory_xact_lock(hashtext('whatsapp_broadcast_people'))"

FIND_ALIASES = """
SELECT number_id, address, contact_id, is_former
FROM unnest(%(number_ids)s::int[], %(addresses)s::text[]) AS v (number_id, address)
JOIN whatsapp_broadcast_alias USING (number_id, address)
"""

FIND_CONTACTS = """
SELECT id, phone, user_ref FROM whatsapp_broadcast_contact WHERE id = ANY(%(ids)s)
"""

#: The phones of people whom webhooks name by user id only, where a send told us.
PHONES = """
SELECT DISTINCT ON (r.account_id, r.user_ref) r.account_id, r.user_ref, r.phone
FROM unnest(%(account_ids)s::int[], %(user_refs)s::text[]) AS v (account_id, user_ref)
JOIN whatsapp_broadcast_recipient r
    ON r.account_id = v.account_id AND r.user_ref = v.user_ref
WHERE r.phone IS NOT NULL
ORDER BY r.account_id, r.user_ref, r.id DESC
"""

NEW_CONTACT_IDS = """
SELECT nextval('whatsapp_broadcast_contact_id_seq')
FROM generate_series(1, %(count)s)
"""

#: The newest message from each person opens or extends the window of that number.
PUT_CONTACTS = f"""
INSERT INTO whatsapp_broadcast_contact AS c (id, account_id, number_id, phone,
    user_ref, name, last_inbound_at, create_date, write_date)
SELECT id, account_id, number_id,
    (array_agg(phone ORDER BY position DESC) FILTER (WHERE phone <> ''))[1],
    (array_agg(user_ref ORDER BY position DESC) FILTER (WHERE user_ref <> ''))[1],
    (array_agg(name ORDER BY position DESC) FILTER (WHERE name <> ''))[1],
    max(at), {NOW}, {NOW}
FROM unnest(
    %(ids)s::int[], %(account_ids)s::int[], %(number_ids)s::int[], %(phones)s::text[],
    %(user_refs)s::text[], %(names)s::text[], %(times)s::timestamp[]
) WITH ORDINALITY
    AS v (id, account_id, number_id, phone, user_ref, name, at, position)
GROUP BY 1, 2, 3
ON CONFLICT (id) DO UPDATE SET
    phone = COALESCE(EXCLUDED.phone, c.phone),
    user_ref = COALESCE(EXCLUDED.user_ref, c.user_ref),
    name = COALESCE(EXCLUDED.name, c.name),
    last_inbound_at = GREATEST(EXCLUDED.last_inbound_at, c.last_inbound_at),
    write_date = {NOW}
"""

PUT_ALIASES = """
INSERT INTO whatsapp_broadcast_alias (number_id, address, contact_id, is_former)
SELECT * FROM unnest(
    %(number_ids)s::int[], %(addresses)s::text[], %(contact_ids)s::int[],
    %(are_former)s::bool[]
)
ON CONFLICT (address, number_id) DO UPDATE SET
    contact_id = EXCLUDED.contact_id, is_former = EXCLUDED.is_former
"""

#: What two contacts had is one's from now on.
JOIN_CONTACTS = """
WITH pair AS (
    SELECT * FROM unnest(%(gone_ids)s::int[], %(kept_ids)s::int[]) AS v (gone, kept)
), aliases AS (
    UPDATE whatsapp_broadcast_alias x SET contact_id = pair.kept
    FROM pair WHERE x.contact_id = pair.gone
), messages AS (
    UPDATE whatsapp_broadcast_message m SET contact_id = pair.kept
    FROM pair WHERE m.contact_id = pair.gone
)
UPDATE whatsapp_broadcast_contact c SET
    last_inbound_at = GREATEST(c.last_inbound_at, gone.last_inbound_at),
    name = COALESCE(c.name, gone.name)
FROM pair JOIN whatsapp_broadcast_contact gone ON gone.id = pair.gone
WHERE c.id = pair.kept
"""

DELETE_CONTACTS = "DELETE FROM whatsapp_broadcast_contact WHERE id = ANY(%(ids)s)"

#: All names of people, as any number of an account knows them, of whom one is given.
NAMES = """
SELECT DISTINCT given.account_id, given.address, same.address
FROM unnest(%(account_ids)s::int[], %(addresses)s::text[])
    AS given (account_id, address)
JOIN whatsapp_broadcast_alias x ON x.address = given.address
JOIN whatsapp_broadcast_contact c
    ON c.id = x.contact_id AND c.account_id = given.account_id
JOIN whatsapp_broadcast_alias same ON same.contact_id = c.id
"""

#: A person who got a further name is opted out, or in, by it, too.
SPREAD_CHOICES = """
INSERT INTO whatsapp_broadcast_choice
    (kind, address, company_id, purpose, channel, since, consent_id)
SELECT DISTINCT ON (same.address, o.kind, o.company_id, o.purpose, o.channel)
    o.kind, same.address, o.company_id, o.purpose, o.channel, o.since, o.consent_id
FROM whatsapp_broadcast_alias x
JOIN whatsapp_broadcast_choice o ON o.address = x.address
JOIN whatsapp_broadcast_alias same ON same.contact_id = x.contact_id
WHERE x.contact_id = ANY(%(contact_ids)s)
ORDER BY same.address, o.kind, o.company_id, o.purpose, o.channel, o.since DESC
ON CONFLICT DO NOTHING
"""

#: The same, where a row is the first to know a person's user id.
SPREAD_CHOICES_BY_ROWS = {
    table: f"""
INSERT INTO whatsapp_broadcast_choice
    (kind, address, company_id, purpose, channel, since, consent_id)
SELECT o.kind, {key("r.phone")}, o.company_id, o.purpose, o.channel, o.since,
    o.consent_id
FROM whatsapp_broadcast_{table} r
JOIN whatsapp_broadcast_choice o ON o.address = r.user_ref
WHERE r.id = ANY(%(ids)s) AND r.phone IS NOT NULL
ON CONFLICT DO NOTHING
"""
    for table in ("recipient", "message")
}


def person(row, number_id):
    """Return a lateral query: contact_id and last_inbound_at of a row's person.

    :param str row: alias of the row, which has ``phone`` and ``user_ref``
    :param str number_id: expression of the number that knows the person
    """
    return f"""(
        SELECT max(c.id) AS contact_id, max(c.last_inbound_at) AS last_inbound_at
        FROM whatsapp_broadcast_alias x
        JOIN whatsapp_broadcast_contact c ON c.id = x.contact_id
        WHERE x.number_id = {number_id} AND x.is_former IS NOT TRUE
            AND x.address IN ({key(f"{row}.phone")}, {row}.user_ref)
    )"""


def names(row):
    """Return a lateral query: ``names``, by which rows to a row's person may go."""
    return f"""(
        SELECT {forms(f"{row}.address")} || array_agg(form) AS names
        FROM whatsapp_broadcast_alias x
        JOIN whatsapp_broadcast_alias same ON same.contact_id = x.contact_id
        CROSS JOIN LATERAL unnest({forms("same.address")}) AS form
        WHERE x.number_id = {row}.number_id
            AND x.address IN ({key(f"{row}.phone")}, {row}.user_ref)
    )"""
