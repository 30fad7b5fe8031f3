"""Runs the rows, prints the table, writes the JSON."""

from __future__ import annotations

import json
import os
import platform
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from tools import environment, layout, postgres
from tools.console import Problem, say

from .rows import cpu, form, freeze, growth, merge, send, webhook
from .table import Row, render
from .workbench import Workbench, check_fsync

#: In this order: the last ones share a database with a million leads.
GROUPS = {
    "send": send,
    "cpu": cpu,
    "webhook": webhook,
    "merge": merge,
    "freeze": freeze,
    "form": form,
    "growth": growth,
}


def run(out: str, names: str, scale: float, send_seconds: float) -> None:
    """Measure the named groups of rows, or all; raise Problem if one is missed.

    :param out: file for the JSON, "" for none
    :param names: group names with commas between them, "" for all
    """
    groups = _chosen(names)
    environment.ensure()
    check_fsync()
    bench = Workbench(scale, send_seconds)
    rows = []
    try:
        for name in groups:
            say(f"… {name} (load average {os.getloadavg()[0]:.1f})")
            for row in _measure(name, bench):
                rows.append(row)
                say(render([row]).split("\n", 2)[2])
    finally:
        bench.close()
    _report(rows, out, scale, send_seconds)


def _chosen(names: str) -> list[str]:
    chosen = [name for name in names.replace(" ", ",").split(",") if name]
    if unknown := set(chosen) - set(GROUPS):
        raise Problem(f"ROWS names {sorted(unknown)}; there are: {', '.join(GROUPS)}")
    return [name for name in GROUPS if name in chosen or not chosen]


def _measure(name: str, bench: Workbench) -> Iterator[Row]:
    """Yield a group's rows; what breaks is a missed row, and the others go on."""
    try:
        yield from GROUPS[name].rows(bench)
    except Exception as error:
        log = layout.LOG / f"bench-{name}.log"
        log.write_text(traceback.format_exc())
        reason = str(error).strip().splitlines() or [type(error).__name__]
        yield Row(f"{name}: broke off", None, "", note=f"{reason[-1]} (see {log})")


def _report(rows: list[Row], out: str, scale: float, send_seconds: float) -> None:
    missed = [row.name for row in rows if row.met is False]
    say()
    say(render(rows))
    say()
    for line in _machine().items():
        say("{}: {}".format(*line))
    if scale != 1:
        say(f"SCALE={scale:g}: shorter runs and smaller audiences than the targets ask")
    if out:
        report = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "scale": scale,
            "send_seconds": send_seconds,
            "machine": _machine(),
            "missed": missed,
            "rows": [row.as_json() for row in rows],
        }
        Path(out).write_text(json.dumps(report, indent=1) + "\n")
    if missed:
        raise Problem(f"make bench: missed: {'; '.join(missed)}")
    say("make bench: every target is met")


def _machine() -> dict[str, object]:
    with postgres.admin() as cursor:
        cursor.execute("SHOW server_version")
        [version] = cursor.fetchone()
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "postgresql": version,
        "fsync": "on",
    }
