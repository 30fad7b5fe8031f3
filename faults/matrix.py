"""The rows, one after the other, and their table."""

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from tools import cluster, environment
from tools.console import Problem, say
from tools.stage import Stage
from tools.testbed import Testbed

from . import (
    audience,
    clock,
    copies,
    database,
    kills,
    people,
    provider,
    senders,
    webhooks,
)
from .arena import Arena, Measure, Options
from .tally import Tally

ROWS: dict[str, Callable[[Arena], None]] = {
    "F1": kills.killed_at_each_point,
    "F2": kills.stopped_by_signal_and_watchdog,
    "F3": senders.many_at_once,
    "F4": database.restarted_and_cut_off,
    "F5": database.half_open,
    "F6": provider.answers_lost,
    "F7": provider.storms,
    "F8": senders.pace,
    "F9": clock.wrong,
    "F10": webhooks.doubled_and_disordered,
    "F11": webhooks.wrong_letters,
    "F12": webhooks.backlog,
    "F13": people.change_their_minds,
    "F14": audience.killed_while_preparing,
    "F15": database.long_reader,
    "F16": webhooks.poison,
    "F17": copies.upgraded_and_neutralized,
    "F18": audience.a_million,
    "restored": copies.restored,
}
HEAD = ("row", "lost", "duplicated", "unexpected", "unknown", "seconds")
LINE = "{:<9} {:>5} {:>10} {:>10} {:>8} {:>8}  {}"


@dataclass
class Outcome:
    """What became of one row; ``broken`` says why it could not be run."""

    name: str
    title: str
    tally: Tally = field(default_factory=Tally)
    measures: list[Measure] = field(default_factory=list)
    seconds: float = 0
    broken: str = ""

    @property
    def is_good(self) -> bool:
        """Tell whether it ran, nothing is wrong, and its figures keep their bounds."""
        met = all(measure.is_met for measure in self.measures)
        return not self.broken and self.tally.is_clean and met

    def __str__(self) -> str:
        tally = self.tally
        wrong = (tally.lost, tally.duplicated, tally.unexpected)
        counts = [multiset.total() for multiset in wrong]
        text = "; ".join(map(str, self.measures))
        if tally.unsettled:
            text += f"; {tally.unsettled} taken, but unknown"
        if self.broken:
            counts, text = ["-"] * 3, f"COULD NOT RUN: {self.broken}"
        verdict = "ok  " if self.is_good else "FAIL"
        line = LINE.format(
            self.name, *counts, tally.unknown, f"{self.seconds:.0f}", verdict
        )
        return f"{line} {self.title}\n{'':<12}{text}"


def run(rows: str, seed: int, times: int, scale: float) -> None:
    """Run the rows (all, or those with comma-separated names); raise if one fails."""
    names = chosen(rows)
    os.environ.update(cluster.FAULTS.environment)
    cluster.FAULTS.ensure()
    environment.ensure()
    options = Options(seed, times, scale)
    testbed = Testbed()
    try:
        connected = _connect(testbed)
        outcomes = [_play(name, options, connected) for name in names]
    finally:
        testbed.close()
        cluster.FAULTS.stop()
    _show(outcomes, seed)


def chosen(rows: str) -> list[str]:
    """Return the names in a comma-separated list; all if it is empty."""
    names = [name.strip() for name in rows.split(",") if name.strip()] or list(ROWS)
    if unknown := [name for name in names if name not in ROWS]:
        raise Problem(f"There is no row {unknown[0]}: choose from {', '.join(ROWS)}")
    return names


def _connect(testbed: Testbed) -> Stage:
    """Return a database with a connected account, to be copied by each scene."""
    database = testbed.database()
    stage = Stage(testbed.server(database), testbed.sandbox())
    for number in stage.control("state")["numbers"]:
        stage.control(f"number/{number}", messaging_limit="TIER_UNLIMITED")
    stage.connect()
    # Nobody writes to these numbers: nothing need be kept free for them.
    stage.execute("UPDATE whatsapp_broadcast_number SET reserve = 0")
    return stage


def _play(name: str, options: Options, connected: Stage) -> Outcome:
    row = ROWS[name]
    outcome = Outcome(name, row.__doc__.splitlines()[0])
    say(f"… {name}: {outcome.title}")
    start = time.monotonic()
    testbed = Testbed()
    arena = Arena(options, testbed, connected)
    try:
        row(arena)
        outcome.tally = arena.tally()
    except Exception as error:
        traceback.print_exc()
        outcome.broken = f"{type(error).__name__}: {error}"[:300]
    finally:
        testbed.close()
    outcome.measures = arena.measures
    outcome.seconds = time.monotonic() - start
    say(str(outcome))
    return outcome


def _show(outcomes: list[Outcome], seed: int) -> None:
    say()
    say(LINE.format(*HEAD, ""))
    for outcome in outcomes:
        say(str(outcome))
    failed = [outcome.name for outcome in outcomes if not outcome.is_good]
    if failed:
        raise Problem(f"make faults SEED={seed}: {', '.join(failed)} failed")
    say(f"make faults SEED={seed}: all {len(outcomes)} rows are good")
