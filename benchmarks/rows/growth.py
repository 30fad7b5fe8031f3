"""What becomes slower when the audience grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tools.stage import Stage

from .. import crowd, rates, sending
from ..crowd import Frozen
from ..meter import Meter, Usage
from ..table import Peer, Row
from ..workbench import TEMPLATE, Workbench
from . import form
from .freeze import million

STEPS = (1_000, 10_000, 100_000)
#: A thousand are sent in a second, too short to measure.
SEND_STEP = 10_000
SEND_SECONDS = 9


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield the largest audience beside one of 1,000."""
    stage, large = bench.once(crowd.stage), bench.once(million)
    frozen = [
        crowd.freeze(stage, count, TEMPLATE) for count in STEPS if count < large.count
    ] + [large]
    small = frozen[0]
    name = f"growth from {small.count:,} to {large.count:,} recipients"
    yield Row(
        f"{name}: freeze",
        large.rate,
        "recipients/s",
        peers=(_ours(small, small.rate),),
        note=_steps(frozen),
    )
    times = [max(form.measure(stage, one.broadcast).values()) for one in (small, large)]
    yield Row(
        f"{name}: slowest answer for the form",
        times[1],
        "ms",
        peers=(_ours(small, times[0]),),
        less_is_better=True,
    )
    yield from _sending(stage, frozen, SEND_SECONDS * bench.scale)


def _sending(stage: Stage, frozen: list[Frozen], seconds: float) -> Iterator[Row]:
    large = frozen[-1]
    small = next(one for one in frozen if one.count >= min(SEND_STEP, large.count))
    runs = [_send(stage, one, seconds) for one in (small, large)]
    for role, words in (("cron", "sending process"), ("postgres", "PostgreSQL")):
        costs = [getattr(usage, role) for usage, _rate in runs]
        yield Row(
            f"growth from {small.count:,} to {large.count:,} recipients: {words}",
            costs[1],
            "ms a message",
            peers=(_ours(small, costs[0]),),
            note="messages/s that were sent: {:,.0f} and {:,.0f}".format(
                *(rate for _usage, rate in runs)
            ),
            less_is_better=True,
        )


def _ours(small: Frozen, value: float) -> Peer:
    return Peer(f"ours with {small.count:,}", value)


def _steps(frozen: list[Frozen]) -> str:
    return ", ".join(f"{one.count:,}: {one.rate:,.0f}/s" for one in frozen)


def _send(stage: Stage, frozen: Frozen, seconds: float) -> tuple[Usage, float]:
    """Send for some seconds; return milliseconds a message, and messages a second."""
    before = len(stage.sandbox.messages())
    crowd.set_number(stage, "connected")
    stage.call("whatsapp.broadcast", "action_resume", frozen.broadcast)
    meter = Meter(stage)
    sending.wait(lambda: sending.taken(stage) > before, 60, "no message came")
    usage, begin = meter.read(), sending.taken(stage)
    end = time.monotonic() + seconds
    sending.wait(
        lambda: (
            time.monotonic() > end
            or sending.state(stage, frozen.broadcast) != "sending"
        ),
        seconds + 60,
        "it went on",
    )
    usage, sent = meter.read() - usage, sending.taken(stage) - begin
    _stop(stage, frozen)
    times = [line["at"] for line in stage.sandbox.messages()[before:]]
    return usage.per(sent), rates.rate(times)


def _stop(stage: Stage, frozen: Frozen) -> None:
    crowd.set_number(stage, "pending")
    sending.wait(
        lambda: sending.state(stage, frozen.broadcast) != "sending",
        60,
        "a stopped number went on sending",
    )
