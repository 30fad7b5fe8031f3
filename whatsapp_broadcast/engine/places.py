"""How many more people may be reached in these 24 hours.

The provider's limit belongs to the business portfolio, that is to all its numbers and
companies together; a number that is being warmed up has one of its own beside it.
"""

import math

from . import queries

#: Longest rest, in seconds: a limit may be raised, and places come back by failures.
LONGEST_REST = 600


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
        self.left -= sum(bool(row["needs_place"]) for row in rows if row["slot"])


def look(cr, number_id, number):
    """Return the places left for a number; locks their counts.

    :param dict number: ``portfolio daily_limit margin warm_up_limit`` of TURN
    :rtype: People
    """
    limits = []
    if number["daily_limit"]:
        whole = math.floor(number["daily_limit"] * (1 - number["margin"]))
        limits.append(("portfolio", number["portfolio"], whole))
    if number["warm_up_limit"]:
        limits.append(("warm_up", number_id, int(number["warm_up_limit"])))
    return People(
        number["portfolio"],
        [(kind, key, limit - _used(cr, kind, key)) for kind, key, limit in limits],
    )


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
