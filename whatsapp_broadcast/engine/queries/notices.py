"""What people are told of templates, numbers and accounts."""

from .clock import NOW
from .conversations import MESSAGE_NEEDS_ATTENTION

_COLUMNS = """account_id, number_id, template_id, kind, previous_value, value, reason,
    at, is_serious, is_open"""


def insert_notices(source):
    """Return the statement that adds what ``source`` selects, each thing once.

    :param str source: SELECT of account, number, template, kind, value before, value,
        reason, time, and whether it is serious
    """
    return f"""INSERT INTO whatsapp_broadcast_notice ({_COLUMNS})
    SELECT n.*, is_serious FROM ({source}) AS n (
        account_id, number_id, template_id, kind, previous_value, value, reason, at,
        is_serious
    )
    ON CONFLICT DO NOTHING"""


#: Where it is a change, what was said of the same before is no longer so.
ADD_NOTICE = f"""
WITH given AS (
    SELECT %(account_id)s::int AS account_id, %(number_id)s::int AS number_id,
        %(template_id)s::int AS template_id, %(kind)s AS kind,
        %(previous_value)s AS previous_value, %(value)s AS value,
        NULLIF(left(%(reason)s, 500), '') AS reason,
        LEAST(%(at)s::timestamp, {NOW}) AS at, %(is_serious)s AS is_serious
), superseded AS (
    UPDATE whatsapp_broadcast_notice n SET is_open = FALSE
    FROM given g
    WHERE n.is_open AND n.account_id = g.account_id AND n.kind = g.kind
        AND n.number_id IS NOT DISTINCT FROM g.number_id
        AND n.template_id IS NOT DISTINCT FROM g.template_id
        AND n.value IS DISTINCT FROM g.value AND g.previous_value IS NOT NULL
)
{insert_notices("SELECT * FROM given")}
"""

#: At once, but of the same subject no more than one message in this time.
_PATIENCE = "interval '15 minutes'"
NOTICE_IS_TO_TELL = f"""told_at IS NULL AND NOT EXISTS (
    SELECT FROM whatsapp_broadcast_notice told
    WHERE told.account_id = notice.account_id AND told.kind = notice.kind
        AND told.number_id IS NOT DISTINCT FROM notice.number_id
        AND told.template_id IS NOT DISTINCT FROM notice.template_id
        AND told.told_at > {NOW} - {_PATIENCE}
)"""

NOTICES_TO_TELL = f"""
SELECT id FROM whatsapp_broadcast_notice notice WHERE {NOTICE_IS_TO_TELL}
ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
"""

NOTICES_TOLD = f"""
UPDATE whatsapp_broadcast_notice SET told_at = {NOW} WHERE id = ANY(%(ids)s)
"""

#: Whether there is something to do that nobody should wait for.
NEEDS_ATTENTION = f"""EXISTS (
    SELECT FROM whatsapp_broadcast_notice notice WHERE {NOTICE_IS_TO_TELL}
) OR EXISTS (
    SELECT FROM whatsapp_broadcast_template
    WHERE sync_at <= {NOW} AND external_id IS NOT NULL
) OR EXISTS (
    SELECT FROM whatsapp_broadcast_message WHERE {MESSAGE_NEEDS_ATTENTION}
)"""
