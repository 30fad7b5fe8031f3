"""Who is on a list. Members are added by a query of what the user may read."""

from .clock import NOW

#: Adds who was found, returns (found, added, of those known: unsubscribed before).
#: %(found)s has lead_id, partner_id and phone, one of which is not NULL.
ADD_MEMBERS = f"""
WITH found AS MATERIALIZED (%(found)s), added AS (
    INSERT INTO whatsapp_broadcast_list_member (list_id, lead_id, partner_id, phone,
        phone_sanitized, state, state_at, state_user_id, source, create_uid,
        create_date, write_uid, write_date)
    SELECT %(list_id)s, lead_id, partner_id, phone, phone, 'subscribed', {NOW},
        %(user_id)s, %(source)s, %(user_id)s, {NOW}, %(user_id)s, {NOW}
    FROM found
    ON CONFLICT DO NOTHING RETURNING id
)
SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM added), (
    SELECT count(*) FROM whatsapp_broadcast_list_member
    WHERE list_id = %(list_id)s AND state = 'unsubscribed' AND (
        lead_id IN (SELECT lead_id FROM found)
        OR partner_id IN (SELECT partner_id FROM found)
        OR phone_sanitized IN (SELECT phone FROM found)
    )
)
"""


def _move_members(column):
    """Memberships of merged records go to the survivor; who left one has left."""
    return f"""
WITH gone AS (
    DELETE FROM whatsapp_broadcast_list_member
    WHERE {column} = ANY(%({column}s)s) RETURNING *
)
INSERT INTO whatsapp_broadcast_list_member AS m (list_id, {column}, state, state_at,
    state_user_id, source, create_uid, create_date, write_uid, write_date)
SELECT DISTINCT ON (list_id) list_id, %({column})s, state, state_at, state_user_id,
    source, create_uid, create_date, write_uid, write_date
FROM gone ORDER BY list_id, state DESC, id
ON CONFLICT (list_id, {column}) WHERE {column} IS NOT NULL DO UPDATE SET
    state = EXCLUDED.state, state_at = EXCLUDED.state_at,
    state_user_id = EXCLUDED.state_user_id
WHERE EXCLUDED.state = 'unsubscribed' AND m.state = 'subscribed'
"""


MOVE_MEMBERS_TO_LEAD = _move_members("lead_id")
MOVE_MEMBERS_TO_PARTNER = _move_members("partner_id")

#: A lead and its partner are one member, and have left if one of them has.
JOIN_MEMBERS = """
WITH gone AS (
    DELETE FROM whatsapp_broadcast_list_member m
    USING whatsapp_broadcast_list_member p
    WHERE m.lead_id = ANY(%(lead_ids)s)
        AND p.list_id = m.list_id AND p.partner_id = %(partner_id)s
    RETURNING m.list_id, m.state, m.state_at, m.state_user_id
)
UPDATE whatsapp_broadcast_list_member p SET
    state = gone.state, state_at = gone.state_at, state_user_id = gone.state_user_id
FROM gone
WHERE p.list_id = gone.list_id AND p.partner_id = %(partner_id)s
    AND p.state = 'subscribed' AND gone.state = 'unsubscribed'
"""
