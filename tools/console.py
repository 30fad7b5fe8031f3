"""Words for the person at the terminal, and the one kind of expected failure."""

import collections
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import layout


class Problem(Exception):
    """Something is missing or wrong; the message is one line that says what to do."""


def say(text: str = "") -> None:
    """Print one line at once, also when the output is a pipe."""
    print(text, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a piece of work and say how many seconds it took."""
    say(f"… {text}")
    start = time.monotonic()
    yield
    say(f"  done in {time.monotonic() - start:.0f} s")


def tail(path: Path, lines: int = 25) -> str:
    """Return the last lines of a log, or a note that there is none."""
    if not path.exists():
        return f"(no log at {path})"
    with path.open(encoding="utf-8", errors="replace") as log:
        return "".join(collections.deque(log, maxlen=lines)).rstrip()


def run_logged(command: list, log: str, failure: str, **options) -> None:
    """Run a command with its output in ``.odoo/log/<log>``.

    When it fails, the end of that output goes to the console and ``failure``, one
    line that says what to do, is raised as a :class:`Problem`.
    """
    layout.make_state()
    path = layout.LOG / log
    with path.open("ab") as output:
        output.write(f"$ {' '.join(map(str, command))}\n".encode())
        output.flush()
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options
        )
    if result.returncode:
        print(tail(path), file=sys.stderr, flush=True)
        raise Problem(f"{failure} (full output: {path})")
