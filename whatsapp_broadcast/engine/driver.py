"""Drive lanes: the one function that cron and queue jobs call.

A lane is the right to send from one number. The driver leases what lanes are free and
serves them side by side for a few seconds, so that ten small numbers need one worker,
not ten.
"""

import logging
import time
from typing import NamedTuple

from psycopg2.extensions import TransactionRollbackError

from . import limiter, queries
from .claim import claim
from .results import write
from .sender import Sender

_logger = logging.getLogger(__name__)

#: Tries of a result batch that meets a deadlock.
WRITE_TRIES = 3
#: Seconds that a lane stays ours without a word from us.
LANE_LEASE = 30
#: Rows of a cancelled broadcast that one transaction cancels.
CANCEL_STEP = 20_000
#: Lanes that one driver serves at once.
LANES = 50
#: Threads for a message rate: enough for answers that take this many seconds.
ANSWER_SECONDS = 0.5
MIN_THREADS, MAX_THREADS = 8, 200


class Lane:
    """A leased number: its channel, and when it claims next (monotonic)."""

    def __init__(self, lane_id, number_id, channel):
        self.id = lane_id
        self.number_id = number_id
        self.channel = channel
        self.turn = 0
        self.next_claim = 0.0


class Course(NamedTuple):
    """Where a run ended.

    ``finished``: ids of broadcasts that are done now; ``next_due``: seconds until a row
    may be claimed, or None.
    """

    sent: int
    finished: list[int]
    next_due: float | None


def run(transaction, owner, open_channel, seconds, between):
    """Send what may be sent, for at most ``seconds``.

    :param transaction: context manager of a cursor; commits at its end
    :param str owner: names this driver among all of the database
    :param open_channel: number id → channel (``learn``, ``prepare``, ``send`` and
        ``messages_per_second``), or None if the number cannot send
    :param between: called between claims, for what must not wait (the inbox)
    :rtype: Course
    """
    until = time.monotonic() + seconds
    finished = _settle(transaction)
    with transaction() as cr:
        leased = _lease(cr, owner)
    channels = [(*row, open_channel(row[1])) for row in leased]
    lanes = [Lane(*row) for row in channels if row[2]]
    sent = 0
    try:
        if lanes:
            sent = _serve(transaction, owner, lanes, until, between)
    finally:
        with transaction() as cr:
            cr.execute(queries.FREE_LANES, {"owner": owner})
    finished += _settle(transaction)
    with transaction() as cr:
        cr.execute(queries.NEXT_DUE)
        return Course(sent, finished, cr.fetchone()[0])


def _settle(transaction):
    """Do what time alone calls for; return the ids of broadcasts that are done."""
    with transaction() as cr:
        cr.execute(queries.EXPIRE_LEASES)
    cancelled = CANCEL_STEP
    while cancelled == CANCEL_STEP:
        with transaction() as cr:
            cr.execute(queries.CANCEL_REMAINING, {"limit": CANCEL_STEP})
            cancelled = cr.rowcount
    with transaction() as cr:
        cr.execute(queries.REOPEN)
        # Locked in a statement of its own: FINISH then sees what others committed.
        cr.execute(queries.LOCK_SENDING)
        sending = [id_ for (id_,) in cr.fetchall()]
        cr.execute(queries.FINISH, {"ids": sending})
        finished = [id_ for (id_,) in cr.fetchall()]
        cr.execute(queries.FOLD_COUNTERS)
    return finished


def _lease(cr, owner):
    cr.execute(queries.ADD_LANES)
    cr.execute(
        queries.LEASE_LANES, {"owner": owner, "seconds": LANE_LEASE, "limit": LANES}
    )
    return cr.fetchall()


def _serve(transaction, owner, lanes, until, between):
    """Claim, send and write until time is up or nothing is left to claim."""
    sent = 0
    with _sender(lanes) as sender:
        try:
            while time.monotonic() < until:
                for lane in _ready(lanes):
                    if not _turn(transaction, owner, lane, sender):
                        lanes.remove(lane)
                if not lanes:
                    break
                time.sleep(_pause(lanes, until))
                sent += _write(transaction, sender.collect())
                _keep_house(between)
        finally:
            # Whatever broke: answers that are there, or still come, must not be lost.
            sender.stop()
            sent += _write(transaction, sender.collect())
    return sent


def _keep_house(between):
    try:
        between()
    except Exception as error:  # the inbox waits; the answers in hand do not
        _logger.error("Housekeeping failed: %s", type(error).__name__)


def _turn(transaction, owner, lane, sender):
    """Let a lane claim once; return False when it has nothing more to do for now."""
    with transaction() as cr:
        cr.execute(
            queries.RENEW_LANE,
            {"lane_id": lane.id, "owner": owner, "seconds": LANE_LEASE},
        )
        if not cr.fetchone():
            return False
        cr.execute(queries.PAUSE_UNSENDABLE, {"number_ids": [lane.number_id]})
        jobs = claim(cr, lane, sender.room)
        idle = not jobs and not _has_work(cr, lane)
    # Committed: only now may a byte go out.
    for job in jobs:
        sender.submit(job)
    lane.turn += 1
    return bool(jobs or sender.in_hand) or not idle


def _has_work(cr, lane):
    """Tell whether a row of this lane will be due within a moment."""
    cr.execute(queries.LANE_HAS_WORK, {"number_id": lane.number_id, "seconds": 2})
    return cr.fetchone()[0]


def _write(transaction, finished):
    """Write results; try again when the database asks for it."""
    for attempt in range(WRITE_TRIES if finished else 0):
        try:
            with transaction() as cr:
                write(cr, finished)
            break
        except TransactionRollbackError:
            if attempt + 1 == WRITE_TRIES:
                raise
    return len(finished)


def _ready(lanes):
    now = time.monotonic()
    return [lane for lane in lanes if lane.next_claim <= now]


def _pause(lanes, until):
    """Seconds that nothing has to happen in: until the next claim, or the end."""
    moment = min([until, *(lane.next_claim for lane in lanes)])
    return max(moment - time.monotonic(), 0.001)


def _sender(lanes):
    rate = sum(lane.channel.messages_per_second for lane in lanes)
    threads = min(max(rate * ANSWER_SECONDS, MIN_THREADS), MAX_THREADS)
    return Sender(int(threads), ahead=int(rate * limiter.HORIZON) + 1)
