"""Dated send slots on the database's clock.

A limit is a row that says when its next slot begins. Who locks the row may take slots,
and moves it on by as many as were really used. That is right for any number of
workers and hosts: nobody counts tokens, and no host's clock matters.
"""

import time

from . import queries

#: How far ahead slots are given out, in seconds. More rows claimed at once mean fewer
#: statements a message, and more rows in doubt when a sender is killed. Below a
#: second: a broadcast that is paused sends what was claimed, and no more.
HORIZON = 0.95
#: The same for a number that several lanes send from: small shares, so that who is
#: slower takes fewer.
HORIZON_SHARED = 0.3
#: A slot begins this many seconds after its claim at the earliest: commit, and more
#: for a number that sent nothing for some seconds, as it may have to connect first.
LEAD, LEAD_IDLE, IDLE = 0.05, 0.35, 5
#: Messages a second that one process is given to send.
LANE_RATE = 500

#: Part of a number's limit that is used; less where several processes, each as busy as
#: can be, do not write at the very moment that they mean to.
USABLE, USABLE_SHARED = 0.965, 0.95
#: A slot missed by more than this many seconds is lost: sent late, messages would
#: bunch up at the provider. In any second there are at most as many messages as slots
#: begin in 1 + GRACE seconds, that is no more than the limit while GRACE is below
#: 1 / USABLE - 1; the rest is for the way to the provider.
GRACE = 0.02

#: After refusals for speed: this share of the present rate, at least this share of the
#: number's, and this much more of it each second, until all is used again.
SLOWER, LEAST, RECOVERY = 0.7, 0.05, 0.02
#: From this share of refused messages on; for fewer it slows down by as much less.
MANY = 0.1
#: Seconds between two messages to one person from one number; of single messages so
#: many may go out at once.
PAIR_SECONDS, PAIR_BURST = 6, 45


class Clock:
    """This process's monotonic clock against the database's, in seconds.

    An answer was surely written before it was read, so the greatest difference seen
    is the one that never dates a slot too early; and it is the same for all claims of
    a run, so that two of them are as far apart here as they are there.
    """

    #: Answers of which the quickest counts.
    SAMPLES = 8

    def __init__(self):
        self._ahead = float("-inf")

    def ask(self, cr):
        """Learn from the database, before threads compete for the processor."""
        for _ in range(self.SAMPLES):
            cr.execute(queries.CLOCK)
            self.learn(cr.fetchone()[0])

    def learn(self, database_now):
        """Take in what the database's clock said just now."""
        self._ahead = max(self._ahead, database_now - time.monotonic())

    def monotonic(self, database_time):
        """Return a time of the database's clock on ours."""
        return database_time - self._ahead


def spacing(messages_per_second, usable=USABLE):
    """Return seconds between two messages of a number."""
    return 1 / (messages_per_second * usable)


def slots(ahead, spacing, horizon):
    """Return how many slots begin within the horizon.

    :param float ahead: seconds until the next slot; negative if it is past
    """
    ahead = max(ahead, 0.0)
    return int((horizon - ahead) / spacing) + 1 if ahead <= horizon else 0
