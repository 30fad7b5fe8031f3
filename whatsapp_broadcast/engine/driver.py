"""Drive lanes: the one function that cron and queue jobs call.

A lane is the right to send from one number. The driver leases what lanes are free, as
many as one process can serve, and serves them side by side for a few seconds, so that
ten small numbers need one worker, and one fast number may have several.
"""

import logging
import time
from typing import NamedTuple

import psycopg2

from . import limiter, queries
from .claim import claim
from .result import LATE, Result
from .results import write
from .sender import Sender

_logger = logging.getLogger(__name__)

#: What a restarted, overloaded or far database does to a transaction.
DATABASE_FAULTS = (psycopg2.OperationalError, psycopg2.InterfaceError)
#: Seconds that results wait at the end for a database that is away. Longer than a
#: restart, shorter than the lease of a row.
PATIENCE = 30
#: Seconds that a lane stays ours without a word from us, and between two words.
LANE_LEASE, RENEW_EVERY = 12, 5
#: Seconds without one after which we may be dead.
SILENCE = RENEW_EVERY + 2
#: Rows of a cancelled broadcast that one transaction cancels.
CANCEL_STEP = 20_000
#: Seconds that a run goes on while the database cannot say whether it may.
LONGEST_FAULT = 60
#: Seconds between two questions whether a run may go on, and between two looks for
#: answers, usually and at its end.
ASK_EVERY, LOOK_EVERY, DRAIN_EVERY = 2.0, 1.0, 0.1
#: Seconds that a lane is kept for rows that are not due yet: whoever calls us comes
#: back at once for what is due so soon, and that costs more.
SOON = 8
#: Lanes that one driver serves at once.
LANES = 50
#: Seconds between two claims of a lane: before its slots run out. Results of all rows
#: that were answered in between go into one statement.
CLAIM_EVERY = limiter.HORIZON - 0.16
#: The same for a lane that shares its number with others.
CLAIM_EVERY_SHARED = limiter.HORIZON_SHARED / 3
#: Threads for a message rate: enough for answers that take this many seconds.
ANSWER_SECONDS = 0.5
MIN_THREADS, MAX_THREADS = 8, 200


class Lane:
    """A leased number: its channel, how it claims, and when next (monotonic)."""

    def __init__(self, lane_id, number_id, channel, turn):
        self.id = lane_id
        self.number_id = number_id
        self.channel = channel
        self.turn = turn
        self.next_claim = 0.0
        shared = channel.messages_per_second > limiter.LANE_RATE
        self.usable = limiter.USABLE_SHARED if shared else limiter.USABLE
        self.horizon = limiter.HORIZON_SHARED if shared else limiter.HORIZON
        self.every = CLAIM_EVERY_SHARED if shared else CLAIM_EVERY
        #: Seconds' worth of slots that one claim takes at most.
        self.share = self.horizon / 2 if shared else self.horizon


class Course(NamedTuple):
    """Where a run ended.

    ``finished``: ids of broadcasts that are done now; ``next_due``: seconds until a row
    may be claimed, or None.
    """

    sent: int
    finished: list[int]
    next_due: float | None


def run(transaction, owner, open_channel, go_on, between, call_another):
    """Send what may be sent, as long as there is something and ``go_on`` allows it.

    :param transaction: context manager of a cursor; commits at its end
    :param str owner: names this driver among all of the database. What is before a
        colon drives once at a time (a cron): a lane of the same is a dead driver's
    :param open_channel: number id → channel (``learn``, ``prepare``, ``send`` and
        ``messages_per_second``), or None if the number cannot send
    :param go_on: called every second or two with the seconds since the start
    :param between: called between claims, for what must not wait (the inbox)
    :param call_another: called if there is more than one driver can serve, and when
        this one ends with work left; tells whether somebody comes
    :rtype: Course
    """
    start = time.monotonic()
    leased, more = _await_lanes(transaction, owner, start, go_on)
    if more:
        call_another()
    channels = [(*row, open_channel(row[1])) for row in leased]
    # Each run begins the broadcasts' turns elsewhere.
    lanes = [Lane(*row, turn=int(start)) for row in channels if row[2]]
    sent, has_heir = 0, False
    try:
        if lanes:
            serving = _Serving(transaction, owner, lanes, start, go_on)
            sent = serving.serve(between, call_another)
            has_heir = serving.has_heir
    finally:
        if leased:
            _free(transaction, owner)
    finished = _settle(transaction) if leased or _is_unsettled(transaction) else []
    with transaction() as cr:
        cr.execute(queries.NEXT_DUE)
        [next_due] = cr.fetchone()
    if has_heir and next_due is not None:
        # Who was called may be on the way to the lanes: only look after it.
        next_due = max(next_due, LANE_LEASE)
    return Course(sent, finished, next_due)


def _await_lanes(transaction, owner, start, go_on):
    """Lease lanes; stand by while there are none but those of who may be dead.

    Nobody else would come when its lease ends: crons sleep for a minute.
    """
    leased, more, may_be_dead = _lease(transaction, owner)
    while may_be_dead and not leased and go_on(time.monotonic() - start):
        time.sleep(LOOK_EVERY)
        leased, more, may_be_dead = _lease(transaction, owner)
    return leased, more


def _lease(transaction, owner):
    """Lease lanes.

    :return: the (lane id, number id) that are ours now, whether more are free, and
        whether a driver that has some may be dead
    """
    rate = {"lane_rate": limiter.LANE_RATE}
    lease = {**rate, "owner": owner, "seconds": LANE_LEASE, "limit": LANES}
    with transaction() as cr:
        cr.execute(queries.ADD_LANES, rate)
        cr.execute(queries.LEASE_LANES, lease)
        leased = cr.fetchall()
        heard = {"owner": owner, "seconds": LANE_LEASE - SILENCE}
        cr.execute(queries.LANES_LEFT, {**rate, **heard})
        left, may_be_dead = cr.fetchone()
        return leased, bool(leased) and left, may_be_dead


def _free(transaction, owner):
    with transaction() as cr:
        cr.execute(queries.FREE_LANES, {"owner": owner})


def _is_unsettled(transaction):
    with transaction() as cr:
        cr.execute(queries.UNSETTLED)
        return cr.fetchone()[0]


def _settle(transaction):
    """Do what time alone calls for; return the ids of broadcasts that are done."""
    with transaction() as cr:
        for expire in queries.EXPIRE_LEASES.values():
            cr.execute(expire)
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


class _Serving:
    """Lanes being served, and what is not written yet."""

    def __init__(self, transaction, owner, lanes, start, go_on):
        self.transaction = transaction
        self.owner = owner
        self.lanes = lanes
        self.start = start
        self.go_on = go_on
        self.ask_at = start + ASK_EVERY
        self.clock = limiter.Clock()
        with transaction() as cr:
            self.clock.ask(cr)
        self.renew_at = time.monotonic() + RENEW_EVERY
        self.unwritten = []
        self.sent = 0
        self.has_heir = False

    def serve(self, between, call_another):
        """Claim, send and write until time is up or nothing is left to claim."""
        with self._open_sender() as sender:
            try:
                while self.lanes and self._may_go_on():
                    self._renew()
                    self._claim(sender)
                    time.sleep(self._pause())
                    self._collect(sender)
                    _keep_house(between)
                if self.lanes:
                    self._hand_over(call_another)
                self._drain(sender)
            finally:
                # Whatever broke: answers that are there, or still come, must not be
                # lost.
                sender.stop()
                self.unwritten += sender.collect()
                self._write_at_last()
        return self.sent

    def _may_go_on(self):
        now = time.monotonic()
        if now < self.ask_at:
            return True
        self.ask_at = now + ASK_EVERY
        try:
            return self.go_on(now - self.start)
        except DATABASE_FAULTS as error:
            # Who ends now leaves it to Odoo's crons, which come back after a minute.
            _say_fault(error)
            return now - self.start < LONGEST_FAULT

    def _hand_over(self, call_another):
        """Let others have the lanes before the last rows are out: no slot is lost."""
        try:
            _free(self.transaction, self.owner)
            self.has_heir = call_another()
        except DATABASE_FAULTS as error:
            _say_fault(error)

    def _drain(self, sender):
        """Let what was claimed go out at its slot, and wait for the answers."""
        while sender.in_hand:
            time.sleep(DRAIN_EVERY)
            self._collect(sender)

    def _collect(self, sender):
        self.unwritten += sender.collect()
        self._write()

    def _open_sender(self):
        rate = sum(lane.channel.messages_per_second for lane in self.lanes)
        threads = min(max(rate * ANSWER_SECONDS, MIN_THREADS), MAX_THREADS)
        return Sender(int(threads), ahead=int(rate * limiter.HORIZON) + 1)

    def _renew(self):
        """Say that we live; give up lanes that were taken from us meanwhile."""
        if time.monotonic() < self.renew_at:
            return
        self.renew_at = time.monotonic() + RENEW_EVERY
        try:
            values = {"owner": self.owner, "seconds": LANE_LEASE}
            values["lane_rate"] = limiter.LANE_RATE
            with self.transaction() as cr:
                cr.execute(queries.RENEW_LANES, values)
                ours = {id_ for (id_,) in cr.fetchall()}
        except DATABASE_FAULTS as error:
            _say_fault(error)
        else:
            self.lanes = [lane for lane in self.lanes if lane.id in ours]

    def _claim(self, sender):
        now = time.monotonic()
        for lane in [lane for lane in self.lanes if lane.next_claim <= now]:
            if not self._turn(lane, sender):
                self.lanes.remove(lane)

    def _turn(self, lane, sender):
        """Let a lane claim once; False when it has nothing more to do for now."""
        jobs, idle = [], False
        try:
            with self.transaction() as cr:
                jobs = claim(cr, lane, sender.room, self.clock)
                idle = not jobs and not _has_work(cr, lane)
        except DATABASE_FAULTS as error:
            # Perhaps it was committed. That nothing went out is sure.
            _say_fault(error)
            self.unwritten += [(job, Result(LATE)) for job in jobs]
            lane.next_claim = time.monotonic() + CLAIM_EVERY
            return True
        # Committed: only now may a byte go out.
        for job in jobs:
            sender.submit(job)
        lane.turn += 1
        return bool(jobs or sender.in_hand) or not idle

    def _write(self):
        """Write results; keep them if the database is not there, or objects."""
        if not self.unwritten:
            return
        try:
            with self.transaction() as cr:
                write(cr, self.unwritten)
        except DATABASE_FAULTS as error:
            _say_fault(error)
        else:
            self.sent += len(self.unwritten)
            self.unwritten = []

    def _write_at_last(self):
        until = time.monotonic() + PATIENCE
        self._write()
        while self.unwritten and time.monotonic() < until:
            time.sleep(0.5)
            self._write()
        if self.unwritten:
            # Their leases end: they become unknown, and webhooks settle them.
            _logger.error("%s results could not be written", len(self.unwritten))

    def _pause(self):
        """Seconds that nothing has to happen in."""
        first = min((lane.next_claim for lane in self.lanes), default=0)
        # A lane that waits long for its own pace must not keep answers waiting.
        return min(max(first - time.monotonic(), 0.001), LOOK_EVERY)


def _has_work(cr, lane):
    """Tell whether a row of this lane will be due within a moment."""
    cr.execute(queries.LANE_HAS_WORK, {"number_id": lane.number_id, "seconds": SOON})
    return cr.fetchone()[0]


def _keep_house(between):
    try:
        between()
    except Exception as error:  # the inbox waits; the answers in hand do not
        _logger.error("Housekeeping failed: %s", type(error).__name__)


def _say_fault(error):
    _logger.warning("The database refused a step (%s)", type(error).__name__)
