"""How fast and how evenly a number sends, and with how many SQL statements."""

from __future__ import annotations

from collections.abc import Iterator

from tools.stage import Stage

from .. import meter, sending, statements
from ..peers import sms_twilio
from ..rates import fewest_in_window, most_in_window, rate
from ..sending import Run
from ..table import Peer, Row, at_least, at_most
from ..workbench import FAST, USUAL, Workbench

FAST_SECONDS = 30
#: Sent with every statement logged, which costs time: not the run that is timed.
COUNTED_SECONDS = 60

#: A new server calls every cron there is at once; one that runs, each at its time.
CALLED_CRONS = """
UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' + interval '1 minute'
WHERE nextcall <= now() AT TIME ZONE 'UTC'
"""

LATENCY_OF_EVENTS = """
SELECT percentile_cont(0.95) WITHIN GROUP (
    ORDER BY extract(epoch FROM processed_at - received_at)
), count(*)
FROM whatsapp_broadcast_event WHERE state = 'processed'
"""


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield the rows of a number at 80 and at 1,000 messages a second."""
    peer = bench.once(sms_twilio.send)
    twilio = (Peer("Odoo sms_twilio", peer["rate"]),)
    yield from _usual(bench, twilio)
    yield _statements(bench, peer["statements"])
    run = bench.once(fast_run)
    yield Row(
        "send, number at 1,000/s, webhooks recorded",
        rate(run.accepted),
        "messages/s",
        at_least(900),
        twilio,
        f"{len(run.accepted):,} messages, none twice, none lost; fewest in any 1.000 s:"
        f" {fewest_in_window(run.accepted, 1.0)}",
    )
    yield _most(run, FAST)


def _usual(bench: Workbench, twilio: tuple[Peer, ...]) -> Iterator[Row]:
    count = max(10, int(USUAL * bench.send_seconds))
    with bench.stage(USUAL) as stage:
        stage.verify_webhook()
        run = sending.send(stage, count, seconds=3 * bench.send_seconds + 60)
        p95, events = _latency_of_events(stage)
    usage = run.usage
    yield Row(
        "send, number at 80/s, webhooks on, one status a POST",
        rate(run.accepted),
        "messages/s",
        at_least(76),
        twilio,
        f"{count:,} messages, none twice, none lost; fewest in any 10 s:"
        f" {fewest_in_window(run.accepted, 10)}; ms a message, merging included:"
        f" cron {usage.cron:.2f}, web {usage.http:.2f},"
        f" PostgreSQL {usage.postgres:.2f}",
    )
    yield _most(run, USUAL)
    yield Row(
        "webhook answered to row merged, p95, while sending at 80/s",
        p95,
        "s",
        at_most(2),
        note=f"{events:,} deliveries",
        less_is_better=True,
    )


def _most(run: Run, limit: int) -> Row:
    refused = len(run.times) - len(run.accepted)
    return Row(
        f"most messages in any 1.000 s at the provider, limit {limit:,}",
        most_in_window(run.times, 1.0),
        "messages",
        at_most(limit),
        note=f"{refused} were refused" if refused else "",
        less_is_better=True,
    )


def _latency_of_events(stage: Stage) -> tuple[float, int]:
    sending.wait(stage.is_quiet, 120, "the sandbox still had webhooks to send")
    sending.wait(stage.is_merged, 60, "not all webhooks were merged")
    [(p95, count)] = stage.query(LATENCY_OF_EVENTS)
    return p95, count


def _statements(bench: Workbench, peer: float) -> Row:
    count = bench.scaled(USUAL * COUNTED_SECONDS, least=400)
    logging = ("--log-handler=odoo.sql_db:DEBUG",)
    with bench.stage(USUAL, "--record", arguments=logging) as stage:
        stage.execute(CALLED_CRONS)
        workers, log = meter.cron_workers(stage), stage.server.process.log
        before = log.stat().st_size
        sending.send(stage, count, seconds=count / USUAL * 3 + 60)
        text = log.read_bytes()[before:].decode(errors="replace")
    counted = statements.count(text, workers)
    most = ", ".join(f"{kind} {n / count:.3f}" for kind, n in counted.most_common(6))
    return Row(
        "SQL statements a message, number at 80/s",
        counted.total() / count,
        "statements",
        at_most(0.1),
        (Peer("Odoo sms_twilio", peer), Peer("mass SMS, Odoo's own test", 1.2, False)),
        f"{count:,} messages, webhooks recorded; all that the engine asked for"
        f" (not Odoo's own of a cron's call); most often: {most}",
        less_is_better=True,
    )


def fast_run(bench: Workbench) -> Run:
    """Send from a number that may send 1,000 messages a second."""
    count = bench.scaled(FAST * FAST_SECONDS, least=2000)
    with bench.stage(FAST, "--record") as stage:
        return sending.send(stage, count, seconds=count / 100 + 60)
