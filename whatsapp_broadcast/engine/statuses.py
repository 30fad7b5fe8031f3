"""What became of messages that went out, by the provider's word."""

import re
from typing import NamedTuple

from . import queries
from .results import act

#: Statuses only go up, in this order.
STATUS_ORDER = ["accepted", "held", "sent", "failed", "delivered", "read"]

_TOKEN = re.compile(r"([rm])(\d{1,9})-[0-9a-f]{32}\Z")
#: What the tokens of each table's rows begin with.
_PREFIXES = {"recipient": "r", "message": "m"}


class Merged(NamedTuple):
    """``unmatched``: ids of deliveries with an unknown message. By table, the ids of
    rows that failed (``refused``), and of rows that were delivered.
    """

    unmatched: set[int]
    refused: dict[str, list[int]]
    delivered: dict[str, list[int]]


def merge(cr, items):
    """Merge statuses: most are a recipient's, only the others are looked for further.

    :param items: list of ``Routed`` with a StatusEvent
    """
    left = {n: i for n, i in enumerate(items) if i.event.status in STATUS_ORDER}
    refused, delivered = {}, {}
    for table in queries.TABLES:
        matched = _merge_into(cr, table, left) if left else []
        refused[table] = [m["id"] for m in matched if m["newly_failed"]]
        delivered[table] = [m["id"] for m in matched if m["delivered"]]
        left = _without(left, (m["position"] for m in matched))
    if left:
        cr.execute(queries.MERGE_ATTEMPTS, _status_values(left, "recipient"))
        left = _without(left, (position for (position,) in cr.fetchall()))
    unmatched = {item.delivery_id for item in left.values()}
    return Merged(unmatched, refused, delivered)


def _without(items, positions):
    known = set(positions)
    return {n: item for n, item in items.items() if n not in known}


def _merge_into(cr, table, items):
    """Merge statuses into the rows of one table; return what MERGE_STATUSES found.

    :param dict items: position → ``Routed``
    """
    values = _status_values(items, table)
    cr.execute(queries.MERGE_STATUSES[table], {**values, "order": STATUS_ORDER})
    matched = cr.dictfetchall()
    failed = {m["id"]: items[m["position"]].event for m in matched if m["newly_failed"]}
    act(cr, _failures(cr, table, failed))
    released = {m["broadcast_id"] for m in matched if m["released"]}
    if released and table == "recipient":
        cr.execute(queries.RELEASE, {"ids": sorted(released)})
    if met := [m["id"] for m in matched if m["met"]]:
        cr.execute(queries.SPREAD_CHOICES_BY_ROWS[table], {"ids": met})
    return matched


def _status_values(items, table):
    columns = [
        (position, item.account_id, *_status_columns(item.event, table))
        for position, item in items.items()
    ]
    names = (
        "positions", "account_ids", "row_ids", "tokens", "message_ids", "statuses",
        "times", "error_codes", "error_classes", "error_messages", "categories",
        "price_types", "billables", "user_refs",
    )  # fmt: skip
    return dict(zip(names, map(list, zip(*columns, strict=True)), strict=True))


def _status_columns(event, table):
    token = _TOKEN.match(event.token)
    error = event.error
    return (
        int(token[2]) if token and token[1] == _PREFIXES[table] else None,
        event.token if token else None,
        event.message_id or None,
        event.status,
        event.at,
        error and error.code,
        error and str(error.error_class.value),
        error and error.message[:500],
        event.price_category or None,
        event.price_type or None,
        event.billable,
        event.user_ref or None,
    )


def _failures(cr, table, failed):
    """Return what ``act`` needs of the rows that just failed by webhook.

    :param dict failed: row id → StatusEvent
    """
    if not failed:
        return []
    cr.execute(queries.ROWS[table], {"ids": list(failed)})
    errors = [(row, failed[row["id"]].error) for row in cr.dictfetchall()]
    return [
        (row, error.error_class.value, f"({error.code}) {error.message}")
        for row, error in errors
        if error
    ]
