"""Several messages on a share of the audience."""

from .clock import NOW

#: What is counted of each message.
VARIANT_COUNTS = ("accepted", "delivered", "read", "replied", "clicked", "failed")

COUNT_VARIANTS = """
SELECT variant AS name,
    count(*) FILTER (WHERE state IN ('accepted', 'sent', 'delivered', 'read'))
        AS accepted,
    count(*) FILTER (WHERE state IN ('delivered', 'read')) AS delivered,
    count(*) FILTER (WHERE state = 'read') AS read,
    count(*) FILTER (WHERE replied_at IS NOT NULL) AS replied,
    count(*) FILTER (WHERE clicked_at IS NOT NULL) AS clicked,
    count(*) FILTER (WHERE state = 'failed') AS failed
FROM whatsapp_broadcast_recipient
WHERE broadcast_id = %(broadcast_id)s AND variant IS NOT NULL
GROUP BY 1
"""

#: The values for all messages were prepared with the row: it keeps those of the winner.
#: A review's rows, and rows that were left out, are never due.
RELEASE_WAITING = f"""
WITH waiting AS MATERIALIZED (
    SELECT id FROM whatsapp_broadcast_recipient
    WHERE broadcast_id = %(broadcast_id)s AND due_at = %(waits)s
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_broadcast_recipient r SET
    variant = %(winner)s, template_id = %(template_id)s, lang = %(lang)s,
    variables = r.variables -> %(winner)s, due_at = {NOW}
FROM waiting WHERE r.id = waiting.id
"""
