"""A database with a million leads, and broadcasts frozen from them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tools.stage import Stage

from . import leads, sending
from .meter import MemoryWatch
from .rates import growth
from .workbench import FAST, Workbench, analyze

PEOPLE = 1_000_000


@dataclass(frozen=True)
class Frozen:
    """A broadcast whose audience was frozen, and what that took.

    ``memory``: MiB by which the worker grew after its first quarter; ``peak``: MiB.
    """

    broadcast: int
    count: int
    seconds: float
    memory: float
    peak: float

    @property
    def rate(self) -> float:
        """Recipients a second, from the launch on."""
        return self.count / self.seconds


def stage(bench: Workbench) -> Stage:
    """Return the running stage with all the leads; it stays until the bench ends."""
    found = bench.keep(bench.stage(FAST, "--record"))
    leads.make(found, size(bench))
    analyze(found)
    return found


def size(bench: Workbench) -> int:
    """Return how many leads there are."""
    return bench.scaled(PEOPLE, least=2000)


def freeze(stage: Stage, count: int, template: str) -> Frozen:
    """Launch to the first ``count`` leads and wait until all are recipients.

    The number is stopped meanwhile: nothing is sent, the broadcast ends paused.
    """
    set_number(stage, "connected")
    [(last,)] = stage.query(
        "SELECT max(id) FROM (SELECT id FROM crm_lead ORDER BY id LIMIT %s) AS lead",
        count,
    )
    with MemoryWatch(stage) as watch:
        broadcast = sending.launch(stage, [("id", "<=", last)], template)
        start = time.monotonic()
        set_number(stage, "pending")
        sending.wait(
            lambda: sending.state(stage, broadcast) != "preparing",
            count / 1000 + 60,
            "the audience was not frozen",
        )
        seconds = time.monotonic() - start
    frozen = stage.stats(broadcast)["recipient_count"]
    if frozen != count:
        raise RuntimeError(f"{frozen} of {count} leads became recipients")
    return Frozen(broadcast, count, seconds, growth(watch.samples), watch.peak())


def set_number(stage: Stage, state: str) -> None:
    """Let the number send (``connected``), or let it stop its broadcasts."""
    stage.execute("UPDATE whatsapp_broadcast_number SET state = %s", state)
