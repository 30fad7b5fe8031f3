"""Templates, numbers and accounts change."""

from .clock import NOW


def _merge(table, columns, condition, also=""):
    """Return the statement that writes what was said, if nothing newer was said before.

    :param columns: parameters of these names; NULL says nothing
    :param str condition: which rows f it is about
    :param str also: more assignments, with a comma at their end
    :return: the statement; it selects id and {column: [before, after]}
    """
    is_new = {
        name: f"%({name})s IS NOT NULL AND COALESCE("
        f"(f.heard_at ->> '{name}')::timestamp, '-infinity') <= f.at"
        for name in columns
    }
    values = ",\n    ".join(
        f"{name} = CASE WHEN {is_new[name]} THEN %({name})s ELSE t.{name} END"
        for name in columns
    )
    times = ", ".join(
        f"'{name}', CASE WHEN {is_new[name]} THEN f.at END" for name in columns
    )
    changes = ", ".join(
        f"'{name}', jsonb_build_array(f.{name}, t.{name})" for name in columns
    )
    return f"""
WITH found AS MATERIALIZED (
    SELECT *, LEAST(%(at)s::timestamp, {NOW}) AS at
    FROM whatsapp_broadcast_{table} AS f
    WHERE account_id = %(account_id)s AND ({condition})
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE whatsapp_broadcast_{table} t SET
    {values},
    heard_at = COALESCE(f.heard_at, '{{}}')
        || jsonb_strip_nulls(jsonb_build_object({times})),
    {also}
    write_date = {NOW}
FROM found f WHERE t.id = f.id
RETURNING t.id, jsonb_build_object({changes})
"""


TEMPLATE_COLUMNS = ("state", "category", "quality", "rejected_reason")
NUMBER_COLUMNS = ("messages_per_second", "daily_limit", "quality", "name")

#: One that was just submitted has no id as yet. A name that comes to have another id is
#: another template.
MERGE_TEMPLATE = _merge(
    "template",
    TEMPLATE_COLUMNS,
    """f.external_id = %(external_id)s OR (
        (%(external_id)s = '' OR f.external_id IS NULL)
        AND f.name = %(name)s AND f.language = %(language)s
    )""",
    f"""sync_at = CASE
        WHEN %(content_changed)s OR t.external_id IS NULL THEN {NOW} ELSE t.sync_at
    END,
    external_id = COALESCE(t.external_id, NULLIF(%(external_id)s, '')),""",
)

MERGE_NUMBER = _merge(
    "number",
    NUMBER_COLUMNS,
    """f.external_id = %(external_id)s
    OR (%(external_id)s = '' AND f.phone = %(phone)s)
    OR (%(external_id)s = '' AND %(phone)s = '')""",
)

#: Selects the account if nothing newer was said of its state.
HEAR_OF_ACCOUNT = f"""
UPDATE whatsapp_broadcast_account SET
    heard_at = COALESCE(heard_at, '{{}}')
        || jsonb_build_object('state', LEAST(%(at)s::timestamp, {NOW}))
WHERE id = %(account_id)s AND COALESCE(
    (heard_at ->> 'state')::timestamp, '-infinity'
) <= LEAST(%(at)s::timestamp, {NOW})
RETURNING id
"""

#: What stopped it is over; whether it may send, its next message shows. Broadcasts stay
#: paused until a person lets them go on.
RESUME_ACCOUNT = f"""
UPDATE whatsapp_broadcast_account SET
    state = CASE WHEN last_webhook_at IS NULL THEN 'deaf' ELSE 'connected' END,
    error_message = NULL, write_date = {NOW}
WHERE id = %(account_id)s AND state = 'error'
RETURNING id
"""

#: Whose content is to be read: again in some minutes if that fails.
TAKE_TEMPLATES_TO_SYNC = f"""
UPDATE whatsapp_broadcast_template SET
    sync_at = {NOW} + interval '10 minutes'
WHERE id IN (
    SELECT id FROM whatsapp_broadcast_template
    WHERE sync_at <= {NOW} AND external_id IS NOT NULL
    ORDER BY sync_at LIMIT 20 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, sync_at
"""

#: Unless it changed once more meanwhile.
TEMPLATE_SYNCED = """
UPDATE whatsapp_broadcast_template SET sync_at = NULL
WHERE id = %(id)s AND sync_at = %(sync_at)s
"""

#: Each hour one asks where webhooks go to: an override takes some of them away.
TAKE_ACCOUNTS_TO_CHECK = f"""
UPDATE whatsapp_broadcast_account SET checked_at = {NOW}
WHERE id IN (
    SELECT id FROM whatsapp_broadcast_account
    WHERE active AND state IN ('deaf', 'connected')
        AND access_token_encrypted IS NOT NULL
        AND (checked_at IS NULL OR checked_at < {NOW} - interval '1 hour')
    ORDER BY checked_at NULLS FIRST LIMIT 20 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""
