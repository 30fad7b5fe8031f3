"""What people who own a phone chose: asked for by lists and forms, not by claims."""

from .addresses import forms, key
from .consents import is_blacklisted

#: Of each phone what counts: an opt-out before a consent, of all before of marketing.
PERMISSIONS = f"""
SELECT DISTINCT ON (v.position) v.position, o.kind, o.purpose, o.channel, o.since,
    c.user_id
FROM unnest(%(positions)s::int[], %(phones)s::text[], %(company_ids)s::int[])
    AS v (position, phone, company_id)
CROSS JOIN LATERAL (
    SELECT kind, purpose, channel, since, consent_id
    FROM whatsapp_broadcast_choice o
    WHERE o.address = {key("v.phone")}
        AND (o.company_id IS NULL OR o.company_id = v.company_id)
    UNION ALL
    SELECT 'opt_out', 'all', 'blacklist', NULL, NULL WHERE {is_blacklisted("v.phone")}
) AS o
LEFT JOIN whatsapp_broadcast_consent c ON c.id = o.consent_id
ORDER BY v.position, o.kind DESC, o.purpose, o.since DESC NULLS LAST
"""

#: Phones, in all their forms, whose owners chose something.
PHONES_THAT_CHOSE = f"""
SELECT unnest({forms("o.address")}) FROM whatsapp_broadcast_choice o
WHERE o.kind = %(kind)s AND o.purpose = ANY(%(purposes)s)
    AND (o.company_id IS NULL OR o.company_id = %(company_id)s)
"""

BLACKLISTED_PHONES = f"""
SELECT unnest({forms("p.number")}) FROM phone_blacklist p WHERE p.active
"""

#: How many of a broadcast's recipients gave no consent that it could rely on.
COUNT_WITHOUT_CONSENT = """
SELECT count(*) FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %(broadcast_id)s AND consent_id IS NULL AND state <> 'skipped'
"""
