"""Dated send slots on the database's clock.

A limit is a row that says when its next slot begins. Who locks the row may take slots,
and moves it on by as many as were really used. That is right for any number of
workers and hosts: nobody counts tokens, and no host's clock matters.
"""

import time
from typing import NamedTuple

from . import queries

#: How far ahead slots are given out, in seconds. More rows claimed at once mean fewer
#: statements a message, and more rows in doubt when a sender is killed.
HORIZON = 0.5
#: Part of a number's limit that is used: the network squeezes messages together.
USABLE = 0.95


class Slots(NamedTuple):
    """``count`` slots, ``spacing`` seconds apart, from ``first`` (monotonic clock)."""

    first: float
    spacing: float
    count: int

    def at(self, position):
        """Return the monotonic time of a slot."""
        return self.first + position * self.spacing


def number_spacing(messages_per_second):
    """Return seconds between two messages of a number."""
    return 1 / (messages_per_second * USABLE)


def look(cr, kind, key, spacing):
    """Lock a limit and return the slots that begin within the horizon."""
    cr.execute(queries.LOCK_PACE, {"kind": kind, "key": key})
    row = cr.fetchone()
    if row is None:
        cr.execute(queries.ADD_PACE, {"kind": kind, "key": key})
        return look(cr, kind, key, spacing)
    # The clock is read after the answer, so a slot is never earlier than the
    # database meant it.
    ahead = max(row[0], 0.0)
    count = int((HORIZON - ahead) / spacing) + 1 if ahead <= HORIZON else 0
    return Slots(time.monotonic() + ahead, spacing, count)


def use(cr, kind, key, seconds):
    """Move a limit on by the ``seconds`` that were taken of it."""
    cr.execute(queries.MOVE_PACE, {"kind": kind, "key": key, "seconds": seconds})
