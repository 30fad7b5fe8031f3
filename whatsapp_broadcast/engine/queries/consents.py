"""What people said about being written to, and what is in force of it."""

from .addresses import forms, has_forms, key

#: The log, in which a delivery that comes twice says nothing new.
_SAID = """
WITH new AS (
    INSERT INTO whatsapp_broadcast_consent (address, company_id, kind, purpose, channel,
        at, recorded_at, user_id, lead_id, partner_id, wording, evidence)
    VALUES (%(address)s, %(company_id)s, %(kind)s, %(purpose)s, %(channel)s,
        %(at)s::timestamp, (now() AT TIME ZONE 'UTC'), %(user_id)s, %(lead_id)s,
        %(partner_id)s, NULLIF(%(wording)s, ''), NULLIF(%(evidence)s, ''))
    ON CONFLICT DO NOTHING RETURNING id
), said AS (
    SELECT id FROM new
    UNION ALL
    SELECT id FROM whatsapp_broadcast_consent
    WHERE address = %(address)s AND at = %(at)s::timestamp AND kind = %(kind)s
        AND channel = %(channel)s AND company_id IS NOT DISTINCT FROM %(company_id)s
)"""

#: In force by every name of the person, unless a later word took it back.
CHOOSE = f"""{_SAID}
INSERT INTO whatsapp_broadcast_choice AS o
    (kind, address, company_id, purpose, channel, since, consent_id)
SELECT %(kind)s, address, %(company_id)s, %(purpose)s, %(channel)s, %(at)s::timestamp,
    (SELECT id FROM said LIMIT 1)
FROM unnest(%(addresses)s::text[]) AS address
WHERE NOT EXISTS (
    SELECT FROM whatsapp_broadcast_consent later
    WHERE later.address = ANY(%(addresses)s) AND later.kind = %(undone_by)s
        AND later.channel = ANY(%(undoers)s) AND later.at > %(at)s::timestamp
        AND later.company_id IS NOT DISTINCT FROM %(company_id)s
)
ON CONFLICT (kind, address, COALESCE(company_id, 0), purpose, channel) DO UPDATE SET
    since = GREATEST(o.since, EXCLUDED.since),
    consent_id = CASE
        WHEN EXCLUDED.since >= o.since THEN EXCLUDED.consent_id ELSE o.consent_id
    END
"""

#: What was said at the same time stays: an opt-out wins a tie.
UNCHOOSE = f"""{_SAID}
DELETE FROM whatsapp_broadcast_choice
WHERE kind = %(undoes)s AND address = ANY(%(addresses)s)
    AND channel = ANY(%(undone_channels)s) AND since < %(at)s::timestamp
    AND company_id IS NOT DISTINCT FROM %(company_id)s
"""

KEYWORDS = """
SELECT key, action FROM whatsapp_broadcast_keyword WHERE active
"""

#: (template, text) of the buttons by which people leave.
OPT_OUT_BUTTONS = """
SELECT template_id, text FROM whatsapp_broadcast_template_button
WHERE is_opt_out AND template_id = ANY(%(template_ids)s)
"""

#: To which company what somebody says to a number goes; NULL: to all.
COMPANIES = """
SELECT n.id, COALESCE((
    SELECT CASE WHEN count(*) = 1 THEN min(x.res_company_id) END
    FROM res_company_whatsapp_broadcast_number_rel x
    WHERE x.whatsapp_broadcast_number_id = n.id
), a.company_id)
FROM whatsapp_broadcast_number n
JOIN whatsapp_broadcast_account a ON a.id = n.account_id
WHERE n.id = ANY(%(number_ids)s)
"""

#: How far STOP reaches in each company.
STOP_SCOPES = "SELECT id, whatsapp_stop_scope FROM res_company"


def permission(row, category, company_id):
    """Return a lateral query over what a row's person chose.

    Its columns: ``opted_out``; ``opted_out_at``, when last; ``consent_id`` of an opt-in
    to marketing.

    :param str row: alias of the row, which has ``phone`` and ``user_ref``
    :param str category: expression of the template's category, may be NULL
    :param str company_id: expression of the company that sends
    """
    return f"""(
        SELECT COALESCE(bool_or(o.kind = 'opt_out'), FALSE) AS opted_out,
            max(o.since) FILTER (WHERE o.kind = 'opt_out') AS opted_out_at,
            max(o.consent_id) FILTER (WHERE o.kind = 'opt_in') AS consent_id
        FROM whatsapp_broadcast_choice o
        WHERE o.address IN ({key(f"{row}.phone")}, {row}.user_ref)
            AND (o.company_id IS NULL OR o.company_id = {company_id})
            AND (o.purpose = 'all' OR {category} = 'marketing')
    )"""


def is_blacklisted(phone):
    """Return a condition: Odoo's own list has a phone, in any of its forms."""
    return f"""(EXISTS (
        SELECT FROM phone_blacklist p WHERE p.number = {phone} AND p.active
    ) OR {has_forms(phone)} AND EXISTS (
        SELECT FROM phone_blacklist p WHERE p.number = ANY({forms(phone)}) AND p.active
    ))"""


OPTED_OUT_SINCE = """
SELECT x.contact_id, max(o.since)
FROM whatsapp_broadcast_alias x
JOIN whatsapp_broadcast_choice o ON o.address = x.address AND o.kind = 'opt_out'
    AND (o.company_id IS NULL OR o.company_id = ANY(%(company_ids)s))
WHERE x.contact_id = ANY(%(contact_ids)s) GROUP BY 1
"""
