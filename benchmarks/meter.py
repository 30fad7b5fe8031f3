"""Processor time and memory of the processes that take part."""

from __future__ import annotations

import threading
import time
from dataclasses import astuple, dataclass

import psutil

from tools import cluster, postgres
from tools.stage import Stage


@dataclass(frozen=True)
class Usage:
    """Seconds of processor time by role; ``postgres`` 0 if it is not our cluster.

    ``cron``: Odoo's cron workers, which send and merge. ``http``: its other processes.
    """

    cron: float
    http: float
    postgres: float
    sandbox: float

    def __sub__(self, earlier: Usage) -> Usage:
        pairs = zip(astuple(self), astuple(earlier), strict=True)
        return Usage(*(late - early for late, early in pairs))

    def per(self, count: int) -> Usage:
        """Return milliseconds for each of ``count`` messages."""
        return Usage(*(1000 * seconds / count for seconds in astuple(self)))


class Meter:
    """Reads the processor time of a stage's processes, all since they started."""

    def __init__(self, stage: Stage) -> None:
        self._odoo = psutil.Process(stage.server.process.pid)
        self._sandbox = psutil.Process(stage.sandbox.process.pid)
        self._crons = cron_workers(stage)

    def read(self) -> Usage:
        """Return the processor time used until now."""
        workers = self._odoo.children()
        crons = [worker for worker in workers if worker.pid in self._crons]
        others = [worker for worker in workers if worker.pid not in self._crons]
        return Usage(
            # Workers that were replaced count as cron: only those get old here.
            cron=sum(map(_own, crons)) + _reaped(self._odoo),
            http=sum(map(_own, others)) + _own(self._odoo),
            postgres=_cluster(),
            sandbox=_own(self._sandbox),
        )


class MemoryWatch:
    """Looks at the cron workers' resident memory while a ``with`` block runs.

    ``samples``: (seconds since the beginning, MiB of the largest worker).
    """

    EVERY = 0.2

    def __init__(self, stage: Stage) -> None:
        self._workers = [psutil.Process(pid) for pid in cron_workers(stage)]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.samples: list[tuple[float, float]] = []

    def __enter__(self) -> MemoryWatch:
        self._start = time.monotonic()
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def peak(self) -> float:
        """Return the most MiB that a worker had."""
        return max(size for _at, size in self.samples)

    def _watch(self) -> None:
        while not self._ended.wait(self.EVERY):
            self._look()

    def _look(self) -> None:
        sizes = [_resident(worker) for worker in self._workers]
        self.samples.append((time.monotonic() - self._start, max(sizes)))


def cron_workers(stage: Stage) -> set[int]:
    """Return the process ids of the server's cron workers.

    They alone stay connected to the database ``postgres``, to be notified.
    """
    children = stage.server.process.children()
    names = {f"odoo-{pid}": pid for pid in children}
    with postgres.admin() as cursor:
        cursor.execute(
            "SELECT DISTINCT application_name FROM pg_stat_activity"
            " WHERE datname = 'postgres' AND application_name = ANY(%s)",
            [list(names)],
        )
        return {names[name] for (name,) in cursor.fetchall()}


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def _reaped(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.children_user + times.children_system


def _cluster() -> float:
    record = cluster.MAIN.data / "postmaster.pid"
    if postgres.is_external() or not record.exists():
        return 0.0
    master = psutil.Process(int(record.read_text().splitlines()[0]))
    return _own(master) + _reaped(master) + sum(map(_own, master.children()))


def _resident(process: psutil.Process) -> float:
    try:
        return process.memory_info().rss / 2**20
    except psutil.NoSuchProcess:
        return 0.0
