NAME_PEOPLE = """
INSERT INTO whatsapp_broadcast_alias (number_id, address, contact_id)
SELECT number_id, address, id FROM (
    SELECT id, number_id, whatsapp_broadcast_key(phone) AS address
    FROM whatsapp_broadcast_contact WHERE phone IS NOT NULL
    UNION ALL
    SELECT id, number_id, user_ref FROM whatsapp_broadcast_contact
    WHERE user_ref IS NOT NULL
) AS named ORDER BY id
ON CONFLICT DO NOTHING
"""

KEEP_OPT_OUTS = """
WITH said AS (
    INSERT INTO whatsapp_broadcast_consent (address, company_id, kind, purpose, channel,
        at, recorded_at)
    SELECT DISTINCT ON (1, 2) whatsapp_broadcast_key(COALESCE(c.phone, c.user_ref)),
        a.company_id, 'opt_out', 'marketing', 'preference',
        COALESCE(c.marketing_opt_out_at, c.write_date, now() AT TIME ZONE 'UTC'),
        now() AT TIME ZONE 'UTC'
    FROM whatsapp_broadcast_contact c
    JOIN whatsapp_broadcast_account a ON a.id = c.account_id
    WHERE c.marketing_opt_out AND COALESCE(c.phone, c.user_ref) IS NOT NULL
    ORDER BY 1, 2, c.marketing_opt_out_at DESC
    RETURNING id, address, company_id, at
)
INSERT INTO whatsapp_broadcast_choice
    (kind, address, company_id, purpose, channel, since, consent_id)
SELECT DISTINCT 'opt_out', same.address, said.company_id, 'marketing', 'preference',
    said.at, said.id
FROM said
JOIN whatsapp_broadcast_alias x ON x.address = said.address
JOIN whatsapp_broadcast_alias same ON same.contact_id = x.contact_id
ON CONFLICT DO NOTHING
"""

#: Names are unique now, not what a contact shows of them; events have no key.
DROP_INDEXES = """
ALTER TABLE whatsapp_broadcast_event
    DROP CONSTRAINT IF EXISTS whatsapp_broadcast_event_account_id_fkey;
DROP INDEX IF EXISTS whatsapp_broadcast_event__account_id_index;
DROP INDEX IF EXISTS whatsapp_broadcast_contact__phone_unique;
DROP INDEX IF EXISTS whatsapp_broadcast_contact__user_ref_unique;
DROP INDEX IF EXISTS whatsapp_broadcast_contact_phone_unique;
DROP INDEX IF EXISTS whatsapp_broadcast_contact_user_ref_unique;
"""


def migrate(cr, version):
    """Follow the changes in what is stored.

    People have several names, and what they chose is kept for each of them: both are
    made of the contacts that there are.
    """
    cr.execute(DROP_INDEXES)
    cr.execute(NAME_PEOPLE)
    cr.execute(KEEP_OPT_OUTS)
