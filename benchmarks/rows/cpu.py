"""Processor time a message of the sending process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from tools.stage import NUMBER_ID
from tools.testbed import Testbed

from ..peers import http_clients
from ..table import Peer, Row, at_most
from ..workbench import LATENCY, Workbench
from .send import fast_run

CLIENTS = ("requests", "urllib3", "aiohttp")
MESSAGES = 5000


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield one row: ours while it sends 1,000/s, beside clients at full speed."""
    usage = bench.once(fast_run).usage
    found = _clients(bench.scaled(MESSAGES, least=1000))
    peers = [
        Peer(f"{'' if name == 'aiohttp' else 'threads + '}{name}", one["milliseconds"])
        for name, one in found.items()
    ]
    rates = ", ".join(f"{name} {one['rate']:,.0f}/s" for name, one in found.items())
    yield Row(
        "processor time a message, number at 1,000/s",
        usage.cron,
        "ms",
        at_most(1.0),
        tuple(peers),
        f"Odoo's cron workers: claim, send, write; beside them PostgreSQL"
        f" {usage.postgres:.2f} ms, Odoo's web workers {usage.http:.2f} ms, the sandbox"
        f" {usage.sandbox:.2f} ms; the clients reached {rates}",
        less_is_better=True,
    )


def _clients(count: int) -> dict[str, dict]:
    found = {}
    for name in CLIENTS:
        with closing(Testbed()) as testbed:
            sandbox = testbed.sandbox(
                f"--latency={LATENCY}", "--messages-per-second=0", "--record"
            )
            found[name] = http_clients.measure(name, sandbox, NUMBER_ID, count)
    return found
