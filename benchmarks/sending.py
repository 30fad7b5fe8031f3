"""Send a broadcast to many leads through the real server, and watch it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tools.stage import Stage

from . import leads
from .meter import Meter, Usage
from .workbench import TEMPLATE, analyze

#: Seconds between two looks at what is measured; a look costs about a millisecond.
LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Run:
    """A broadcast that was sent.

    ``times``: when each message came to the sandbox, seconds on its monotonic clock;
    ``accepted``: the moments of those that it did not refuse.
    ``usage``: processor milliseconds a message, while messages went out.
    """

    times: list[float]
    accepted: list[float]
    usage: Usage


def launch(stage: Stage, domain: list, template: str = TEMPLATE) -> int:
    """Launch to the leads of a filter; return the broadcast's id."""
    filter_ = {
        "audience_type": "filter",
        "audience_model": "crm.lead",
        "audience_domain": repr(domain),
        "lead_ids": [],
    }
    return stage.launch([], template=template, **filter_)


def state(stage: Stage, broadcast: int) -> str:
    """Return a broadcast's state as committed."""
    [(found,)] = stage.query(
        "SELECT state FROM whatsapp_broadcast WHERE id = %s", broadcast
    )
    return found


def taken(stage: Stage) -> int:
    """Return how many messages the sandbox accepted."""
    return stage.control("state")["messages"]["accepted"]


def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Look until ``condition()``; TimeoutError that says ``what`` did not happen."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} within {seconds:.0f} s")
        time.sleep(LOOK_EVERY)


def send(stage: Stage, count: int, seconds: float) -> Run:
    """Send to ``count`` new leads; ``seconds`` is how long it may take at most."""
    leads.make(stage, count)
    analyze(stage)
    meter = Meter(stage)
    broadcast = launch(stage, [])
    wait(lambda: taken(stage) > 0, 120, "no message came")
    usage, before = meter.read(), taken(stage)
    wait(lambda: state(stage, broadcast) != "sending", seconds, "not all were sent")
    usage = (meter.read() - usage).per(taken(stage) - before)
    check(stage, broadcast, count)
    lines = stage.sandbox.messages()
    accepted = [line["at"] for line in lines if line["result"] == "accepted"]
    return Run([line["at"] for line in lines], accepted, usage)


def check(stage: Stage, broadcast: int, count: int) -> None:
    """Raise unless each of ``count`` people was written to once."""
    found = state(stage, broadcast), taken(stage)
    if found != ("done", count):
        raise RuntimeError(f"expected done and {count} messages, found {found}")
    wrong = {name: len(rows) for name, rows in stage.compare_ledger().items() if rows}
    if wrong:
        raise RuntimeError(f"ledger and database differ: {wrong}")
