"""How many more people may be reached in these 24 hours.

The provider's limit belongs to the business portfolio, that is to all its numbers and
companies together; a number that is being warmed up has one of its own beside it.
"""

import math
from itertools import count

from . import queries

#: Longest rest, in seconds: a limit may be raised, and places come back by failures.
LONGEST_REST = 600
#: People whom a new number reaches on its first day, each day twice as many, and for
#: how many days: then it has passed the provider's highest limit.
WARM_UP, WARM_UP_DAYS = 200, 10


class People:
    """The places left for one turn of a lane.

    :param limits: list of (kind, key, people still to be reached); none: no limit
    """

    def __init__(self, portfolio, limits):
        self.portfolio = portfolio if limits else None
        self.tightest = min(limits, key=lambda limit: limit[2], default=None)
        self.left = max(self.tightest[2], 0) if limits else 0

    def parameters(self):
        """Return what CLAIM needs to know of it."""
        return {"portfolio": self.portfolio, "places": self.left}

    def take(self, rows):
        """Count the places of rows that were claimed."""
        self.left -= sum(row["needs_place"] for row in rows)


def look(cr, number_id, number):
    """Return the places left for a number; locks their counts.

    :param dict number: ``portfolio daily_limit margin warm_up_day`` of TURN
    :rtype: People
    """
    keys = {"portfolio": number["portfolio"], "warm_up": number_id}
    return People(
        number["portfolio"],
        [
            (kind, keys[kind], limit - _used(cr, kind, keys[kind]))
            for kind, limit in limits(number, number["warm_up_day"]).items()
        ],
    )


def limits(number, warm_up_day):
    """Return {kind: people a day}; a kind that does not limit the number is left out.

    :param dict number: ``daily_limit margin``
    :param int warm_up_day: days since the warm-up began, None without one
    """
    found = {}
    if number["daily_limit"]:
        share = 1 - (number["margin"] or 0)
        found["portfolio"] = max(1, math.floor(number["daily_limit"] * share))
    if warm_up_day is not None and warm_up_day < WARM_UP_DAYS:
        found["warm_up"] = WARM_UP * 2 ** max(warm_up_day, 0)
    return found


def allowances(cr, number_id):
    """Yield how many new people may be reached in these and each next 24 hours.

    As if nobody else sent; infinity where nothing limits the number any more.
    """
    cr.execute(queries.REACH_OF_NUMBER, {"number_id": number_id})
    [number] = cr.dictfetchall()
    day = number["warm_up_day"]
    used = {kind: number[f"{kind}_used"] for kind in ("portfolio", "warm_up")}
    for ahead in count():
        allowed = limits(number, None if day is None else day + ahead)
        rooms = [limit - used[kind] for kind, limit in allowed.items()]
        yield max(0, min(rooms, default=math.inf))
        used = dict.fromkeys(used, 0)


def days(cr, number_id, people):
    """Return the days that a broadcast to ``people`` is spread over, 1 if it fits.

    As if everybody needed a place.
    """
    for day, room in enumerate(allowances(cr, number_id), start=1):
        people -= room
        if people <= 0:
            return day
    raise AssertionError("There is always a next day.")


def _used(cr, kind, key):
    cr.execute(queries.COUNT_PLACES[kind], {"kind": kind, "key": key})
    return cr.fetchone()[0]


def rest_if_none(cr, number_id, people):
    """Let the number's broadcasts rest until somebody new may be reached."""
    if not people.tightest or people.left > 0:
        return
    kind, key, _left = people.tightest
    cr.execute(queries.NEXT_PLACE[kind], {"key": key})
    seconds = min(cr.fetchone()[0] or 0, LONGEST_REST)
    cr.execute(
        queries.REST_NUMBER,
        {
            "number_id": number_id,
            "seconds": max(seconds, 1),
            "reason": "daily_limit",
        },
    )
