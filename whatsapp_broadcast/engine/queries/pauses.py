"""What stops a broadcast, or lets it rest, and why."""

from .clock import NOW
from .notices import insert_notices

#: The templates of a broadcast b: its own, and those of its versions.
TEMPLATE_IDS = """ARRAY(
            SELECT b.template_id UNION ALL
            SELECT v.template_id FROM whatsapp_broadcast_version v
            WHERE v.broadcast_id = b.id
        )"""
#: A lateral query: of these the one that cannot be sent, if there is one.
WORST_TEMPLATE = f"""(
        SELECT x.state, x.category FROM whatsapp_broadcast_template x
        WHERE x.id = ANY({TEMPLATE_IDS})
        ORDER BY x.state = 'approved' AND x.category = b.launched_category LIMIT 1
    )"""

#: What keeps a broadcast b with number n, account a and template t from sending, in
#: the words of ``state_reason``.
SENDER_REASON = """
        WHEN NOT a.active OR a.state IN ('draft', 'error') THEN 'account'
        WHEN NOT n.active OR n.state <> 'connected' THEN 'number'"""
SENDER_DETAIL = """
        WHEN NOT a.active OR a.state IN ('draft', 'error') THEN a.error_message
        WHEN NOT n.active OR n.state <> 'connected'
            THEN COALESCE(n.error_message, n.state)"""
UNSENDABLE_REASON = f"""CASE {SENDER_REASON}
        WHEN t.state <> 'approved' THEN 'template'
        WHEN t.category <> b.launched_category THEN 'category'
    END"""
UNSENDABLE_DETAIL = f"""CASE {SENDER_DETAIL}
        WHEN t.state <> 'approved' THEN t.state
        ELSE t.category
    END"""


def _stop_notice(ids, kind, value):
    """Return what has people told of a stop, once, whatever it was found by.

    The row is locked before the broadcasts, as by who merges what is said of it.
    """
    return insert_notices(f"""
        SELECT {ids}, NULL::int, '{kind}', b.state, {value}, left(%(detail)s, 500),
            {NOW}, TRUE
        FROM before b
        WHERE b.state IS DISTINCT FROM 'error'
            OR b.error_message IS DISTINCT FROM %(detail)s
    """)


_PAUSED = f"state = 'paused', write_date = {NOW}, state_detail = %(detail)s"


def _pause_unsendable(condition):
    return f"""
UPDATE whatsapp_broadcast b SET
    state = 'paused', state_reason = v.reason, state_detail = v.detail,
    write_date = {NOW}
FROM (
    SELECT b.id, {UNSENDABLE_REASON} AS reason, {UNSENDABLE_DETAIL} AS detail
    FROM whatsapp_broadcast b
    JOIN whatsapp_broadcast_number n ON n.id = b.number_id
    JOIN whatsapp_broadcast_account a ON a.id = n.account_id
    LEFT JOIN LATERAL {WORST_TEMPLATE} AS t ON TRUE
    WHERE b.state = 'sending' AND {condition}
) AS v
WHERE b.id = v.id AND v.reason IS NOT NULL
"""


PAUSE_UNSENDABLE = _pause_unsendable("b.id = ANY(%(ids)s)")
#: Before a claim finds out, and also what rests.
PAUSE_UNSENDABLE_BY_TEMPLATE = _pause_unsendable(
    f"%(template_id)s = ANY({TEMPLATE_IDS})"
)

#: By its rows' errors: what the template is now will be read.
PAUSE_BY_TEMPLATE = f"""
WITH outdated AS (
    UPDATE whatsapp_broadcast_template SET sync_at = {NOW}
    WHERE id = %(template_id)s RETURNING id
)
UPDATE whatsapp_broadcast b SET {_PAUSED}, state_reason = 'template'
WHERE (SELECT id FROM outdated) = ANY({TEMPLATE_IDS}) AND b.state = 'sending'
"""

PAUSE_BY_QUALITY = f"""
UPDATE whatsapp_broadcast SET {_PAUSED}, state_reason = 'quality'
WHERE state = 'sending' AND number_id = ANY(%(number_ids)s)
"""

PAUSE_BY_CONTENT = f"""
UPDATE whatsapp_broadcast SET {_PAUSED}, state_reason = 'content'
WHERE template_id = %(template_id)s AND state IN ('preparing', 'sending')
RETURNING id
"""

STOP_NUMBER = f"""
WITH before AS MATERIALIZED (
    SELECT id, account_id, state, error_message FROM whatsapp_broadcast_number
    WHERE id = %(number_id)s FOR NO KEY UPDATE
), stopped AS (
    UPDATE whatsapp_broadcast_number
    SET state = 'error', error_message = %(detail)s, write_date = {NOW}
    WHERE id = %(number_id)s
), noticed AS (
    {_stop_notice("b.account_id, b.id", "number_state", "'error'")}
)
UPDATE whatsapp_broadcast SET {_PAUSED}, state_reason = 'number'
WHERE state = 'sending' AND number_id = (SELECT id FROM before)
"""

STOP_ACCOUNT = f"""
WITH before AS MATERIALIZED (
    SELECT id, state, error_message FROM whatsapp_broadcast_account
    WHERE id = %(account_id)s FOR NO KEY UPDATE
), stopped AS (
    UPDATE whatsapp_broadcast_account
    SET state = 'error', error_message = %(detail)s, write_date = {NOW}
    WHERE id = %(account_id)s
), noticed AS (
    {_stop_notice("b.id, NULL::int", "account_state", "%(reason)s")}
)
UPDATE whatsapp_broadcast SET {_PAUSED}, state_reason = %(reason)s
WHERE state = 'sending' AND account_id = (SELECT id FROM before)
"""

_FAILURES = """
    SELECT broadcast_id,
        COALESCE(sum(delta) FILTER (WHERE name IN ('accepted', 'held', 'sent',
            'delivered', 'read', 'failed', 'unknown')), 0) AS sends,
        COALESCE(sum(delta) FILTER (WHERE name = 'failed:request'), 0) AS request,
        COALESCE(sum(delta) FILTER (WHERE name = 'failed:undeliverable'), 0)
            AS undeliverable
    FROM whatsapp_broadcast_counter WHERE broadcast_id = ANY(%(ids)s) GROUP BY 1
"""

#: Failures since a person last let it go on, against messages since then.
PAUSE_BY_FAILURES = f"""
WITH since AS (
    SELECT b.id,
        f.sends - COALESCE((b.threshold_base ->> 'sends')::int, 0) AS sends,
        f.request - COALESCE((b.threshold_base ->> 'request')::int, 0) AS request,
        f.undeliverable - COALESCE((b.threshold_base ->> 'undeliverable')::int, 0)
            AS undeliverable
    FROM whatsapp_broadcast b JOIN ({_FAILURES}) AS f ON f.broadcast_id = b.id
), passed AS (
    SELECT id, 'request' AS reason, request AS failures, sends FROM since
    WHERE sends >= %(request_sends)s AND request > sends * %(request_share)s
    UNION ALL
    SELECT id, 'undeliverable', undeliverable, sends FROM since
    WHERE sends >= %(undeliverable_sends)s
        AND undeliverable > sends * %(undeliverable_share)s
)
UPDATE whatsapp_broadcast b SET
    state = 'paused', state_reason = passed.reason,
    state_detail = passed.failures || ' / ' || passed.sends, write_date = {NOW}
FROM passed WHERE b.id = passed.id AND b.state = 'sending'
"""

#: Who lets a broadcast go on has seen its failures: only new ones count from here.
FORGET_FAILURES = f"""
UPDATE whatsapp_broadcast b SET threshold_base = to_jsonb(f) - 'broadcast_id'
FROM ({_FAILURES}) AS f WHERE b.id = f.broadcast_id
"""

REST = f"""
UPDATE whatsapp_broadcast SET
    resting_until = {NOW} + %(seconds)s * interval '1 second', rest_reason = %(reason)s
WHERE id = ANY(%(ids)s) AND state = 'sending'
"""

#: While the provider cannot be reached, or the day's people are reached.
REST_NUMBER = f"""
UPDATE whatsapp_broadcast SET
    resting_until = {NOW} + %(seconds)s * interval '1 second', rest_reason = %(reason)s
WHERE number_id = %(number_id)s AND state = 'sending'
    AND (resting_until IS NULL OR resting_until <= {NOW})
"""

#: The provider looks at the template first. One row every ten minutes asks how it is.
HOLD = f"""
UPDATE whatsapp_broadcast SET
    held_since = COALESCE(held_since, {NOW}), rest_reason = 'held',
    resting_until = {NOW} + %(seconds)s * interval '1 second'
WHERE id = ANY(%(ids)s) AND state IN ('sending', 'paused')
"""

RELEASE = """
UPDATE whatsapp_broadcast SET
    held_since = NULL, resting_until = NULL, rest_reason = NULL
WHERE id = ANY(%(ids)s) AND held_since IS NOT NULL
"""

PAUSE_IS_TO_TELL = "state = 'paused' AND NOT COALESCE(pause_is_told, FALSE)"

PAUSES_TO_TELL = f"""
SELECT id FROM whatsapp_broadcast WHERE {PAUSE_IS_TO_TELL}
ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED
"""
