"""Merge webhook events into the rows that they are about, many at a time.

Every step may see the same event twice, in any order: the result is the same.
"""

import logging
from collections import defaultdict
from typing import NamedTuple

from . import conversations, news, queries, statuses
from .event_keys import keys_of
from .results import free_places
from .routes import Routed, Routes

_logger = logging.getLogger(__name__)

#: Deliveries, and bytes of them, that are taken in one transaction: by a process that
#: does nothing else, and by one whose next claim waits. A delivery may hold a thousand
#: statuses of 400 bytes, and one of them takes a tenth of a millisecond.
BATCH, BATCH_BYTES = 2000, 1_000_000
SHORT_BATCH, SHORT_BATCH_BYTES = 500, 250_000
#: Classes of PostgreSQL's errors: connection, rollback, resources, operator, system.
TROUBLE = ("08", "40", "53", "57", "58")
#: Tries of an event that breaks, or whose message is unknown as yet.
MAX_TRIES = 3
MAX_TRIES_UNMATCHED = 5


class Delivery(NamedTuple):
    """A webhook delivery in the inbox; ``door``: the account whose address was called.

    ``attempt_count``: how often it was tried before.
    """

    id: int
    door: int
    payload: bytes
    attempt_count: int


def merge(transaction, parse, shortly=False):
    """Merge one batch of events; return how many were taken.

    :param transaction: as for ``driver.run``
    :param parse: (account id, payload bytes) → list of provider events
    :param shortly: within a tenth of a second or two: somebody waits
    """
    most, most_bytes = (
        (SHORT_BATCH, SHORT_BATCH_BYTES) if shortly else (BATCH, BATCH_BYTES)
    )
    with transaction() as cr:
        cr.execute(queries.TAKE_EVENTS, {"limit": most, "bytes": most_bytes})
        deliveries = [Delivery(*row) for row in cr.fetchall()]
        if not deliveries:
            return 0
        try:
            with cr.savepoint(flush=False):
                _merge_batch(cr, deliveries, parse)
        except Exception as error:  # no details: they would name people
            if _is_passing(error):
                raise
            kind = type(error).__name__
            _logger.warning("A batch of events broke (%s); each is tried alone", kind)
            for delivery in deliveries:
                _merge_alone(cr, delivery, parse)
        return len(deliveries)


def _merge_alone(cr, delivery, parse):
    """One poison event must not hold up the others."""
    events = []
    try:
        events = _read(delivery, parse)
        with cr.savepoint(flush=False):
            _merge_batch(cr, [delivery], lambda *_arguments: events)
    except Exception as error:
        if _is_passing(error):
            raise
        _set_back(cr, delivery, events, type(error).__name__, MAX_TRIES, "set_aside")


def _is_passing(error):
    """Tell whether the database is in trouble: no event is to blame for that."""
    return (getattr(error, "pgcode", None) or "")[:2] in TROUBLE


def _read(delivery, parse):
    return parse(delivery.door, bytes(delivery.payload or b""))  # None: erased


def _merge_batch(cr, deliveries, parse):
    found = [(delivery, _read(delivery, parse)) for delivery in deliveries]
    doors = {delivery.door for delivery in deliveries}
    routes = Routes(cr, doors)
    if gone := doors - routes.doors:  # deleted just when this came in
        cr.execute(queries.FORGET_ACCOUNTS, {"account_ids": list(gone)})
    routed = [
        Routed(delivery.id, event, *routes.find(delivery.door, event))
        for delivery, events in found
        for event in events
    ]
    by_kind = defaultdict(list)
    for item in routed:
        if item.account_id is not None:
            by_kind[type(item.event).__name__].append(item)
    conversations.lock(cr, by_kind)
    merged = statuses.merge(cr, by_kind["StatusEvent"])
    conversations.merge(cr, by_kind)
    news.merge(cr, by_kind)
    heard = {item.account_id for item in routed if item.account_id}
    cr.execute(queries.HEARD, {"account_ids": sorted(heard)})
    _finish(cr, found, routed, merged.unmatched)
    for table, ids in merged.delivered.items():
        if ids:
            cr.execute(queries.REDATE_PLACES[table], {"ids": ids})
    free_places(cr, merged.refused)


# === THE INBOX === #


class _Closed(NamedTuple):
    """How a delivery ends, or waits; ``keys``: an array of PostgreSQL's."""

    id: int
    state: str
    event_type: str
    error_message: str | None
    keys: str


def _finish(cr, found, routed, unmatched):
    """Close what was merged; what has an unknown message waits for it a while.

    :param found: list of (delivery, its provider events)
    """
    have_route = {item.delivery_id for item in routed if item.account_id is not None}
    closed = []
    for delivery, events in found:
        if delivery.id in unmatched:
            reason = "Its message is unknown"
            _set_back(cr, delivery, events, reason, MAX_TRIES_UNMATCHED, "unmatched")
            continue
        lost = events and delivery.id not in have_route
        state = "unrouted" if lost else "processed"
        closed.append(_Closed(delivery.id, state, _kinds(events), None, _array(events)))
    _close(cr, closed)


def _set_back(cr, delivery, events, reason, tries, final_state):
    """Try a delivery again later, or close it after ``tries``."""
    keys = _array(events)
    if delivery.attempt_count + 1 >= tries:
        kinds = _kinds(events)
        _close(cr, [_Closed(delivery.id, final_state, kinds, reason, keys)])
    else:
        values = {"id": delivery.id, "error_message": reason, "keys": keys}
        cr.execute(queries.RETRY_EVENT, values)


def _close(cr, closed):
    if closed:
        names = ("ids", "states", "event_types", "error_messages", "keys")
        columns = map(list, zip(*closed, strict=True))
        cr.execute(queries.FINISH_EVENTS, dict(zip(names, columns, strict=True)))


def _kinds(events):
    names = {type(event).__name__.removesuffix("Event").lower() for event in events}
    return ",".join(sorted(names))


def _array(events):
    """Return the events' keys as PostgreSQL writes arrays: they are of many lengths."""
    return f"{{{','.join(map(str, keys_of(events)))}}}"
