"""Merge webhook events into the rows that they are about, many at a time.

Every step may see the same event twice, in any order: the result is the same.
"""

import logging
import re
from collections import defaultdict
from dataclasses import replace

from . import queries
from .results import act, free_places

_logger = logging.getLogger(__name__)

#: Events taken in one transaction.
BATCH = 500
#: Tries of an event that breaks, or whose message is unknown as yet.
MAX_TRIES = 3
MAX_TRIES_UNMATCHED = 5
#: Statuses only go up, in this order.
STATUS_ORDER = ["accepted", "held", "sent", "failed", "delivered", "read"]

#: What templates may be; other words of the provider are kept out of the columns.
TEMPLATE_STATES = (
    "draft", "pending", "approved", "rejected", "paused", "disabled", "in_appeal",
    "archived", "limit_exceeded", "pending_deletion", "deleted",
)  # fmt: skip
TEMPLATE_CATEGORIES = ("marketing", "utility", "authentication")
QUALITIES = ("green", "yellow", "red")

_TOKEN = re.compile(r"([rm])(\d{1,9})-[0-9a-f]{32}\Z")
#: What the tokens of each table's rows begin with.
_PREFIXES = {"recipient": "r", "message": "m"}


class Route:
    """Where an event may act: the account and number that own it."""

    def __init__(self, rows):
        self.numbers, self.accounts = {}, {}
        for door, account, business_account_id, number, external_id in rows:
            self.accounts[door, business_account_id] = account
            if external_id:
                self.numbers[door, external_id] = (account, number)

    def find(self, door, event):
        """Return (account id, number id); either may be None."""
        if event.number_id:
            return self.numbers.get((door, event.number_id), (None, None))
        return self.accounts.get((door, event.business_account_id)), None


def merge(transaction, parse):
    """Merge one batch of events; return how many were taken.

    :param transaction: as for ``driver.run``
    :param parse: (account id, payload bytes) → list of provider events
    """
    with transaction() as cr:
        cr.execute(queries.TAKE_EVENTS, {"limit": BATCH})
        deliveries = cr.fetchall()
        if not deliveries:
            return 0
        try:
            with cr.savepoint(flush=False):
                _merge_batch(cr, deliveries, parse)
        except Exception as error:  # no details: they would name people
            kind = type(error).__name__
            _logger.warning("A batch of events broke (%s); each is tried alone", kind)
            for delivery in deliveries:
                _merge_alone(cr, delivery, parse)
        return len(deliveries)


def _merge_alone(cr, delivery, parse):
    """One poison event must not hold up the others."""
    try:
        with cr.savepoint(flush=False):
            _merge_batch(cr, [delivery], parse)
    except Exception as error:
        _set_back(cr, delivery, type(error).__name__, MAX_TRIES, "set_aside")


def _merge_batch(cr, deliveries, parse):
    doors = sorted({delivery[1] for delivery in deliveries})
    cr.execute(queries.ROUTES, {"account_ids": doors})
    route = Route(cr.fetchall())
    parsed = [
        (delivery, event, *route.find(delivery[1], event))
        for delivery in deliveries
        for event in parse(delivery[1], bytes(delivery[2]))
    ]
    by_kind = defaultdict(list)
    for item in parsed:
        if item[2] is not None:
            by_kind[type(item[1]).__name__].append(item)
    unmatched, refused, delivered = _merge_statuses(cr, by_kind["StatusEvent"])
    for kind in ("InboundEvent", "PreferenceEvent"):
        by_kind[kind] = _with_phones(cr, by_kind[kind])
    _merge_inbound(cr, by_kind["InboundEvent"])
    for kind, handle in _ONE_BY_ONE.items():
        for _delivery, event, account, number in by_kind[kind]:
            handle(cr, event, account, number)
    heard = {account for _delivery, _event, account, _number in parsed if account}
    cr.execute(queries.HEARD, {"account_ids": sorted(heard)})
    _finish(cr, deliveries, parsed, unmatched)
    for table, ids in delivered.items():
        if ids:
            cr.execute(queries.REDATE_PLACES[table], {"ids": ids})
    free_places(cr, refused)


# === STATUSES === #


def _merge_statuses(cr, items):
    """Merge statuses: most are a recipient's, only the others are looked for further.

    :return: the ids of deliveries with an unknown message, and by table the ids of rows
        that failed and of rows that were delivered
    """
    left = {n: i for n, i in enumerate(items) if i[1].status in STATUS_ORDER}
    refused, delivered = {}, {}
    for table in queries.TABLES:
        matched = _merge_into(cr, table, left) if left else []
        refused[table] = [m["id"] for m in matched if m["newly_failed"]]
        delivered[table] = [m["id"] for m in matched if m["delivered"]]
        left = _without(left, (m["position"] for m in matched))
    if left:
        cr.execute(queries.MERGE_ATTEMPTS, _status_values(left, "recipient"))
        left = _without(left, (position for (position,) in cr.fetchall()))
    unmatched = {delivery[0] for delivery, *_event in left.values()}
    return unmatched, refused, delivered


def _without(items, positions):
    known = set(positions)
    return {n: item for n, item in items.items() if n not in known}


def _merge_into(cr, table, items):
    """Merge statuses into the rows of one table; return what MERGE_STATUSES found.

    :param dict items: position → (delivery, event, account id, number id)
    """
    values = _status_values(items, table)
    cr.execute(queries.MERGE_STATUSES[table], {**values, "order": STATUS_ORDER})
    matched = cr.dictfetchall()
    failed = {m["id"]: items[m["position"]][1] for m in matched if m["newly_failed"]}
    act(cr, _failures(cr, table, failed))
    released = {m["broadcast_id"] for m in matched if m["released"]}
    if released and table == "recipient":
        cr.execute(queries.RELEASE, {"ids": sorted(released)})
    return matched


def _status_values(items, table):
    columns = [
        (position, account, *_status_columns(event, table))
        for position, (_delivery, event, account, _number) in items.items()
    ]
    names = (
        "positions", "account_ids", "row_ids", "tokens", "message_ids", "statuses",
        "times", "error_codes", "error_classes", "error_messages", "categories",
        "billables", "user_refs",
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


# === INBOUND === #


def _with_phones(cr, items):
    """Give events that name a person by user id only the phone that we know."""
    nameless = [item for item in items if not item[1].phone and item[1].user_ref]
    if not nameless:
        return items
    cr.execute(
        queries.PHONES,
        {
            "account_ids": [item[2] for item in nameless],
            "user_refs": [item[1].user_ref for item in nameless],
        },
    )
    phones = {(account, user): phone for account, user, phone in cr.fetchall()}
    return [
        (
            delivery,
            _with_phone(event, phones.get((account, event.user_ref))),
            account,
            n,
        )
        for delivery, event, account, n in items
    ]


def _with_phone(event, phone):
    return event if event.phone or not phone else replace(event, phone=phone)


def _merge_inbound(cr, items):
    spoken = [item for item in items if item[3] is not None and item[1].at]
    if not spoken:
        return
    values = {
        "account_ids": [item[2] for item in spoken],
        "number_ids": [item[3] for item in spoken],
        "phones": [item[1].phone or None for item in spoken],
        "user_refs": [item[1].user_ref or None for item in spoken],
        "names": [item[1].profile_name or None for item in spoken],
        "times": [item[1].at for item in spoken],
        "context_ids": [item[1].context_id or None for item in spoken],
    }
    cr.execute(queries.MERGE_INBOUND, values)
    cr.execute(queries.MERGE_INBOUND_WITHOUT_PHONE, values)
    cr.execute(queries.MERGE_REPLIES, values)


# === WHAT COMES SELDOM === #


def _merge_preference(cr, event, account, number):
    if number is not None and (event.phone or event.user_ref):
        cr.execute(
            queries.MERGE_PREFERENCE,
            {
                "account_id": account,
                "number_id": number,
                "phone": event.phone,
                "user_ref": event.user_ref,
                "opted_out": event.opted_out,
                "at": event.at,
            },
        )


def _merge_template(cr, event, account, _number):
    cr.execute(
        queries.MERGE_TEMPLATE,
        {
            "account_id": account,
            "external_id": event.external_id,
            "name": event.name,
            "language": event.language,
            "state": _known(event.state, TEMPLATE_STATES, "unknown"),
            "category": _known(event.category, TEMPLATE_CATEGORIES, ""),
            "quality": _known(event.quality, QUALITIES, "unknown"),
            "reason": event.reason,
        },
    )


def _known(value, values, otherwise):
    """Return a value that our columns know; "" says that nothing changed."""
    return value if not value or value in values else otherwise


def _merge_number(cr, event, account, _number):
    cr.execute(
        queries.MERGE_NUMBER,
        {
            "account_id": account,
            "external_id": event.number_id,
            "phone": event.phone,
            "rate": event.messages_per_second,
            "daily_limit": event.daily_limit,
            "quality": event.quality,
        },
    )
    if event.quality == "red":
        numbers = [id_ for (id_,) in cr.fetchall()]
        values = {"number_ids": numbers, "detail": event.quality}
        cr.execute(queries.PAUSE_BY_QUALITY, values)


def _merge_account(cr, event, account, _number):
    if event.stops_sending:
        detail = f"{event.kind} {event.reason}"[:500]
        values = {"account_id": account, "reason": "account", "detail": detail}
        cr.execute(queries.STOP_ACCOUNT, values)


_ONE_BY_ONE = {
    "PreferenceEvent": _merge_preference,
    "TemplateEvent": _merge_template,
    "NumberEvent": _merge_number,
    "AccountEvent": _merge_account,
}


# === THE INBOX === #


def _finish(cr, deliveries, parsed, unmatched):
    """Close what was merged; what has an unknown message waits for it a while."""
    kinds, routed = defaultdict(set), defaultdict(bool)
    for delivery, event, account, _number in parsed:
        kinds[delivery[0]].add(type(event).__name__.removesuffix("Event").lower())
        routed[delivery[0]] |= account is not None
    closed = []
    for delivery in deliveries:
        event_id = delivery[0]
        if event_id in unmatched:
            _set_back(
                cr, delivery, "Its message is unknown", MAX_TRIES_UNMATCHED, "unmatched"
            )
            continue
        lost = kinds[event_id] and not routed[event_id]
        state = "unrouted" if lost else "processed"
        closed.append((event_id, state, ",".join(sorted(kinds[event_id])), ""))
    _close(cr, closed)


def _set_back(cr, delivery, reason, tries, final_state):
    """Try a delivery again later, or close it after ``tries``."""
    event_id, _door, _payload, attempt_count = delivery
    if attempt_count + 1 >= tries:
        _close(cr, [(event_id, final_state, None, reason)])
    else:
        cr.execute(queries.RETRY_EVENTS, {"ids": [event_id], "error_message": reason})


def _close(cr, events):
    if not events:
        return
    ids, states, event_types, error_messages = map(list, zip(*events, strict=True))
    cr.execute(
        queries.FINISH_EVENTS,
        {
            "ids": ids,
            "states": states,
            "event_types": event_types,
            "error_messages": error_messages,
        },
    )
