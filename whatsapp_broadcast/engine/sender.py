"""Threads that send claimed rows, each at its slot. No cursor crosses a thread."""

import ctypes
import itertools
import logging
import queue
import threading
import time
from functools import cache
from typing import NamedTuple

from .result import LATE, REFUSED, UNKNOWN, Result

_logger = logging.getLogger(__name__)

#: Bytes of stack a thread. The system's 8 MB would count as memory in use: some 250
#: threads, and Odoo ends its worker for having reached the limit.
STACK_SIZE = 512 * 1024

#: A slot missed by more than this many seconds (or its spacing) is lost: sent late,
#: messages would bunch up at the provider.
GRACE = 0.05


@cache
def _limit_arenas():
    """Let all threads of this process share two malloc arenas.

    glibc sets 64 MB of addresses aside for each thread; Odoo counts them as memory in
    use. It does the same for its own threaded server, but not for prefork workers.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(-8, 2)  # M_ARENA_MAX; the GIL lets no more than one be used anyway


class Job(NamedTuple):
    """A claimed row, the channel that sends it, and when."""

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
        self._waiting = queue.PriorityQueue()
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
        self._waiting.put((job.slot, next(self._order), job))

    def collect(self):
        """Return the (job, result) pairs that are finished by now."""
        finished = []
        while not self._finished.empty():
            finished.append(self._finished.get())
        self._in_hand -= len(finished)
        return finished

    def stop(self):
        """Start nothing more and wait for what was started."""
        self._stopping.set()
        for _thread in self._threads:
            self._waiting.put((float("inf"), next(self._order), None))
        for thread in self._threads:
            thread.join()

    def _work(self):
        while True:
            _slot, _order, job = self._waiting.get()
            if job is None:
                return
            self._finished.put((job, self._deliver(job)))

    def _deliver(self, job):
        try:
            request = job.channel.prepare(job.row)
        except ValueError as error:
            return Result(REFUSED, error_class="request", error_message=str(error))
        except Exception as error:  # a row must never be lost with its thread
            _logger.exception("Row %s could not be prepared", job.row["id"])
            return Result(
                REFUSED, error_class="request", error_message=type(error).__name__
            )
        if not self._reach(job):
            return Result(LATE)
        try:
            return job.channel.send(request)
        except Exception as error:  # something may have gone out
            _logger.exception("The answer for row %s was lost", job.row["id"])
            return Result(UNKNOWN, error_message=type(error).__name__)

    def _reach(self, job):
        """Wait for the slot; False if it was missed or the pool is stopping."""
        ahead = job.slot - time.monotonic()
        if self._stopping.wait(max(ahead, 0)):
            return False
        return time.monotonic() - job.slot <= job.grace
