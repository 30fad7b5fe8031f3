"""Templates, numbers and accounts change."""

from .clock import NOW

MERGE_TEMPLATE = f"""
UPDATE whatsapp_broadcast_template SET
    state = COALESCE(NULLIF(%(state)s, ''), state),
    category = COALESCE(NULLIF(%(category)s, ''), category),
    quality = COALESCE(NULLIF(%(quality)s, ''), quality),
    rejected_reason = COALESCE(NULLIF(%(reason)s, ''), rejected_reason),
    write_date = {NOW}
WHERE account_id = %(account_id)s AND (
    external_id = %(external_id)s
    OR (%(external_id)s = '' AND name = %(name)s AND language = %(language)s)
)
"""

MERGE_NUMBER = f"""
UPDATE whatsapp_broadcast_number SET
    messages_per_second = COALESCE(NULLIF(%(rate)s, 0), messages_per_second),
    daily_limit = COALESCE(%(daily_limit)s, daily_limit),
    quality = COALESCE(NULLIF(%(quality)s, ''), quality),
    write_date = {NOW}
WHERE account_id = %(account_id)s AND (
    external_id = %(external_id)s OR (%(external_id)s = '' AND phone = %(phone)s)
    OR (%(external_id)s = '' AND %(phone)s = '')
)
RETURNING id
"""
