"""Merge webhook events into the rows that they are about, many at a time.

Every step may see the same event twice, in any order: the result is the same.
"""

import logging
from collections import defaultdict

from . import conversations, news, queries, statuses
from .results import free_places
from .routes import Routed, Routes

_logger = logging.getLogger(__name__)

#: Events taken in one transaction.
BATCH = 500
#: Tries of an event that breaks, or whose message is unknown as yet.
MAX_TRIES = 3
MAX_TRIES_UNMATCHED = 5


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
    routes = Routes(cr, {delivery[1] for delivery in deliveries})
    routed = [
        Routed(delivery[0], event, *routes.find(delivery[1], event))
        for delivery in deliveries
        for event in parse(delivery[1], bytes(delivery[2]))
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
    _finish(cr, deliveries, routed, merged.unmatched)
    for table, ids in merged.delivered.items():
        if ids:
            cr.execute(queries.REDATE_PLACES[table], {"ids": ids})
    free_places(cr, merged.refused)


# === THE INBOX === #


def _finish(cr, deliveries, routed, unmatched):
    """Close what was merged; what has an unknown message waits for it a while."""
    kinds, have_route = defaultdict(set), set()
    for item in routed:
        kind = type(item.event).__name__.removesuffix("Event").lower()
        kinds[item.delivery_id].add(kind)
        if item.account_id is not None:
            have_route.add(item.delivery_id)
    closed = []
    for delivery in deliveries:
        event_id = delivery[0]
        if event_id in unmatched:
            _set_back(
                cr, delivery, "Its message is unknown", MAX_TRIES_UNMATCHED, "unmatched"
            )
            continue
        lost = kinds[event_id] and event_id not in have_route
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
