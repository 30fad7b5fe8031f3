"""The demo's broadcast: connect, launch to the demo leads, watch, sum up."""

import sys
import time

from . import odoo
from .console import say, step
from .sandbox import Sandbox
from .stage import Stage

#: The salesperson of the demo data, whose leads are written to.
LOGIN = "sales"
#: States of a row that nothing more happens to by itself.
COLUMNS = ("accepted", "sent", "delivered", "read", "failed", "skipped", "unknown")
#: Seconds after which a demo that does not end is broken.
LIMIT = 300

#: Runs in Odoo's shell: how many rows failed or were left out, by reason.
REASONS = """
recipients = env["whatsapp.broadcast.recipient"]
labels = dict(recipients._fields["skip_reason"]._description_selection(env))
domain = [("broadcast_id", "=", {broadcast!r})]
left_out = recipients._read_group(
    domain + [("state", "=", "skipped")], ["skip_reason"], ["__count"])
failed = recipients._read_group(
    domain + [("state", "=", "failed")], ["error_code", "error_message"], ["__count"])
result = sorted(
    [["left out", labels[reason], count] for reason, count in left_out]
    + [["failed", "%s %s" % (code or "", message or ""), count]
        for code, message, count in failed],
    key=lambda row: (row[0], -row[2]))
"""


def run_broadcast(server: odoo.Server, sandbox: Sandbox) -> dict:
    """Send the demo's broadcast and return the summary.

    :return: ``recipients accepted sent delivered read failed skipped cancelled held
        unknown`` (numbers of people) and ``seconds``
    """
    stage = Stage(server, sandbox)
    with step("connecting the account to the sandbox"):
        stage.connect(restricted=True)
        stage.verify_webhook()
    start = time.monotonic()
    broadcast = _launch(stage)
    stats = _watch(stage, broadcast)
    summary = _summary(stats, time.monotonic() - start)
    _show(stage, broadcast, summary)
    return summary


def _launch(stage: Stage) -> int:
    leads = stage.call(
        "crm.lead",
        "search",
        domain=[["user_id.login", "=", LOGIN]],
        context={"active_test": False},
    )
    broadcast = stage.broadcast(leads, name="Spring offer")
    stage.call("whatsapp.broadcast", "action_launch", broadcast)
    say(f"launched to {len(leads)} leads as {LOGIN}")
    return broadcast


def _watch(stage: Stage, broadcast: int) -> dict:
    """Show the counters as they change, until nothing more is to come."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        stats = stage.stats(broadcast)
        _show_progress(stats)
        ended = stats["state"] in ("done", "failed", "paused")
        if ended and stage.is_quiet() and stage.is_merged():
            say()
            return stage.stats(broadcast)
        time.sleep(0.5)
    raise TimeoutError(f"The demo did not end in {LIMIT} s: {stats}")


def _show_progress(stats: dict) -> None:
    counts = " ".join(f"{name} {stats[f'{name}_count']}" for name in COLUMNS)
    line = f"{stats['state']}: {counts}"
    # A terminal gets one line that changes, a log file one line a look.
    say(f"\r{line:<110}", end="") if sys.stdout.isatty() else say(line)


def _summary(stats: dict, seconds: float) -> dict:
    names = (*COLUMNS, "cancelled", "held")
    return {
        "recipients": stats["recipient_count"],
        **{name: stats[f"{name}_count"] for name in names},
        "seconds": round(seconds, 1),
    }


def _show(stage: Stage, broadcast: int, summary: dict) -> None:
    say()
    for name, value in summary.items():
        say(f"  {name:<12}{value:>8}")
    for kind, reason, count in stage.run(REASONS, broadcast=broadcast):
        say(f"  {kind:<10}{count:>5}  {reason}")
    differences = {k: dict(v) for k, v in stage.compare_ledger().items() if v}
    say(f"  ledger and database: {differences or 'equal'}")
