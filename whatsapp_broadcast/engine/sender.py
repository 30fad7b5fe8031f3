"""Threads that send claimed rows, each at its slot. No cursor crosses a thread."""

import ctypes
import heapq
import itertools
import logging
import queue
import threading
import time
from functools import cache, partial
from typing import NamedTuple

from .result import LATE, REFUSED, UNKNOWN, Result

_logger = logging.getLogger(__name__)

#: Bytes of stack a thread. The system's 8 MB would count as memory in use: some 250
#: threads, and Odoo ends its worker for having reached the limit.
STACK_SIZE = 512 * 1024

#: Seconds before its slot that a row gets a thread and a connection. To open one (TCP
#: and TLS) takes 50 to 300 ms, which would be missing at the slot; much earlier, each
#: waiting row would keep an idle connection to itself.
CONNECT_AHEAD = 0.25
#: Seconds by which that may be earlier, so that one look at the clock serves many rows.
CLOCK_TICK = 0.05


@cache
def _limit_arenas():
    """Let all threads of this process share two malloc arenas.

    glibc sets 64 MB of addresses aside for each thread; Odoo counts them as memory in
    use. It does the same for its own threaded server, but not for prefork workers.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(-8, 2)  # M_ARENA_MAX; the GIL lets no more than one be used anyway


class Job(NamedTuple):
    """A claimed row, the channel that sends it, and when.

    ``slot``: seconds on the monotonic clock; ``grace``: how many seconds later than
    that the first byte may still go out. The channel has ``prepare(row)``, which
    returns a request or raises ValueError, and ``send(request, ready)``, which returns
    a :class:`Result`. It calls ``ready()`` when it could write at once; that waits for
    the slot. If it says no, nothing may be written and the result is LATE.
    """

    row: dict
    channel: object
    slot: float
    grace: float


class Sender:
    """A pool of threads fed in the order of slots.

    ``with Sender(…) as sender``: leaving it waits for the answers that are still
    out; rows whose slot has not come are given back as LATE.
    """

    def __init__(self, threads, ahead):
        """:param int ahead: rows that may wait for their slot without a thread"""
        self._ahead = ahead
        self._waiting = []  # a heap
        self._changed = threading.Condition()
        self._watch = threading.Lock()
        self._finished = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._order = itertools.count()
        self._in_hand = 0
        self._threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(threads)
        ]

    def __enter__(self):
        _limit_arenas()
        usual = threading.stack_size(STACK_SIZE)
        try:
            for thread in self._threads:
                thread.start()
        finally:
            threading.stack_size(usual)
        return self

    def __exit__(self, *_exception):
        self.stop()

    @property
    def room(self):
        """How many more rows can be taken; little when answers are slow to come."""
        return len(self._threads) + self._ahead - self._in_hand

    @property
    def in_hand(self):
        """Rows that were submitted and not collected yet."""
        return self._in_hand

    def submit(self, job):
        """Send ``job`` at its slot."""
        self._in_hand += 1
        entry = (job.slot, next(self._order), job)
        with self._changed:
            heapq.heappush(self._waiting, entry)
            if self._waiting[0] is entry:
                self._changed.notify()

    def collect(self):
        """Return the (job, result) pairs that are finished by now."""
        finished = []
        while not self._finished.empty():
            finished.append(self._finished.get())
        self._in_hand -= len(finished)
        return finished

    def stop(self):
        """Start nothing more and wait for what was started."""
        with self._changed:
            self._stopping.set()
            self._changed.notify()
        for thread in self._threads:
            thread.join()

    def _work(self):
        while job := self._next():
            self._finished.put((job, self._deliver(job)))

    def _next(self):
        """Return the first job when its time to connect has come; None at the end.

        One thread watches the clock, the others wait for its place. Until then the row
        has no thread: one that is submitted later, for an earlier slot, overtakes it.
        """
        with self._watch, self._changed:
            while (seconds := self._rest()) != 0:
                self._changed.wait(seconds)
            return heapq.heappop(self._waiting)[-1] if self._waiting else None

    def _rest(self):
        """Seconds until there is something to do; None if nothing is known of."""
        if self._stopping.is_set():
            return 0
        if not self._waiting:
            return None
        seconds = self._waiting[0][0] - CONNECT_AHEAD - time.monotonic()
        return seconds if seconds > CLOCK_TICK else 0

    def _deliver(self, job):
        if not self._in_time(job):
            return Result(LATE)
        try:
            request = job.channel.prepare(job.row)
        except ValueError as error:
            return Result(REFUSED, error_class="request", error_message=str(error))
        except Exception as error:  # a row must never be lost with its thread
            _logger.exception("Row %s could not be prepared", job.row["id"])
            return Result(
                REFUSED, error_class="request", error_message=type(error).__name__
            )
        try:
            return job.channel.send(request, partial(self._reach, job))
        except Exception as error:  # something may have gone out
            _logger.exception("The answer for row %s was lost", job.row["id"])
            return Result(UNKNOWN, error_message=type(error).__name__)

    def _reach(self, job):
        """Wait for the slot; tell whether the row may go."""
        self._stopping.wait(max(job.slot - time.monotonic(), 0))
        return self._in_time(job)

    def _in_time(self, job):
        missed = time.monotonic() - job.slot > job.grace
        return not missed and not self._stopping.is_set()
