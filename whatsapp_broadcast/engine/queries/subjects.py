"""What is kept of one person, and how it is forgotten.

Rows and their states stay, so that counters do: nothing in them tells whose they were.
What is unique is replaced by what names the row, not the person.
"""

from .addresses import forms

#: Names that people have now, by one of them or as a number knows them.
SUBJECT_NAMES = """
SELECT DISTINCT same.address
FROM whatsapp_broadcast_alias x
JOIN whatsapp_broadcast_contact c ON c.id = x.contact_id
JOIN whatsapp_broadcast_account a ON a.id = c.account_id
    AND (a.company_id IS NULL OR a.company_id = ANY(%(company_ids)s))
JOIN whatsapp_broadcast_alias same
    ON same.contact_id = x.contact_id AND same.is_former IS NOT TRUE
WHERE x.is_former IS NOT TRUE
    AND (x.address = ANY(%(addresses)s) OR x.contact_id = ANY(%(contact_ids)s))
"""

ALL_FORMS = f"""
SELECT DISTINCT form FROM unnest(%(addresses)s::text[]) AS given
CROSS JOIN LATERAL unnest({forms("given")}) AS form
"""

#: What was not sent yet is not sent any more.
ERASE_RECIPIENTS = """
UPDATE whatsapp_broadcast_recipient SET
    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END, due_at = NULL,
    address = CASE WHEN address IS NOT NULL THEN 'erased:' || id END,
    phone = NULL, user_ref = NULL, lead_id = NULL, partner_id = NULL,
    consent_id = NULL, variables = NULL, body = NULL, timezones = NULL,
    provider_message_id = NULL, token = NULL, error_message = NULL,
    error_class = NULL  -- else it would be tried again
WHERE id = ANY(%(ids)s)
"""

ERASE_ATTEMPTS = """
UPDATE whatsapp_broadcast_attempt SET token = NULL, provider_message_id = NULL
WHERE recipient_id = ANY(%(ids)s)
"""

ERASE_MESSAGES = """
UPDATE whatsapp_broadcast_message SET
    state = CASE WHEN state = 'queued' THEN 'cancelled' ELSE state END, due_at = NULL,
    address = NULL, phone = NULL, user_ref = NULL, profile_name = NULL,
    lead_id = NULL, partner_id = NULL, contact_id = NULL, recipient_id = NULL,
    variables = NULL, body = NULL, payload = NULL, details = NULL,
    provider_message_id = NULL, context_message_id = NULL, token = NULL,
    error_message = NULL, media_id = NULL, media_link = NULL, media_caption = NULL,
    media_filename = NULL, media_sha256 = NULL, attachment_id = NULL,
    media_state = CASE WHEN media_state = 'pending' THEN 'gone' ELSE media_state END,
    needs_attention = FALSE, is_told = TRUE, seen_is_told = TRUE
WHERE id = ANY(%(ids)s)
"""

ERASE_CONSENTS = """
UPDATE whatsapp_broadcast_consent SET address = 'erased:' || id, lead_id = NULL,
    partner_id = NULL, wording = NULL, evidence = NULL, blacklisted = NULL
WHERE id = ANY(%(ids)s)
"""

ERASE_MEMBERS = "DELETE FROM whatsapp_broadcast_list_member WHERE id = ANY(%(ids)s)"

#: Of a broadcast that is scheduled, too: it writes to the others.
ERASE_ROWS = "DELETE FROM whatsapp_broadcast_custom_row WHERE id = ANY(%(ids)s)"

#: The place among the people of a day stays taken.
ERASE_PLACES = """
UPDATE whatsapp_broadcast_reach SET address = 'erased:' || id
WHERE address = ANY(%(addresses)s) AND number_id = ANY(%(number_ids)s)
"""
