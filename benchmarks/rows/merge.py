"""How many statuses a second the merge brings from the inbox to the rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from psycopg2.extras import execute_values

from tools import postgres
from tools.stage import Stage

from .. import deliveries
from ..deliveries import Recipient
from ..peers import raw_update
from ..table import Peer, Row, at_least
from ..workbench import USUAL, Workbench, analyze

STATUSES = 40_000
#: Rows that the plain UPDATE takes in one transaction: as many as the merge.
BATCH = 2000
#: Meta puts up to 1,000 updates into one POST.
TOGETHER = 100

ADD = """
INSERT INTO whatsapp_broadcast_event
    (account_id, received_at, payload, state, attempt_count)
SELECT a.id, clock_timestamp() AT TIME ZONE 'UTC', v.payload, 'new', 0
FROM (VALUES %s) AS v (payload),
    (SELECT min(account_id) AS id FROM whatsapp_broadcast_number) AS a
"""

#: Runs in Odoo's shell: drains the inbox as the cron does.
DRAIN = """
import time
def query(statement):
    env.cr.execute(statement)
    [row] = env.cr.fetchall()
    env.cr.commit()
    return row
inbox = env["whatsapp.broadcast.event"]
[start] = query("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
used = time.process_time()
while query("SELECT count(*) FROM {table} WHERE processed_at IS NULL") != (0,):
    inbox._cron_merge()
used = time.process_time() - used
[end] = query("SELECT max(processed_at) FROM {table}")
result = dict(seconds=(end - start).total_seconds(), used=used)
"""


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield the merge of single statuses and of deliveries that hold many."""
    count = bench.scaled(STATUSES, least=2 * TOGETHER)
    for together in (1, TOGETHER):
        with bench.stage(USUAL, cron_threads=0) as stage:
            raw = _raw(stage, count)
            seconds, used = _merge(stage, count, together)
        words = "one status" if together == 1 else f"{together} statuses"
        yield Row(
            f"merge, {words} a delivery",
            count / seconds,
            "statuses/s",
            at_least(10_000),
            (Peer("raw UPDATE … FROM by message id", raw),),
            f"{count:,} statuses by one process, from the inbox to row and counter;"
            f" its processor time {1e6 * used / count:.0f} µs a status",
        )


def _raw(stage: Stage, count: int) -> float:
    recipients = deliveries.make_accepted(stage, count)
    analyze(stage)
    return raw_update.rate(stage, recipients, BATCH)


def _merge(stage: Stage, count: int, together: int) -> tuple[float, float]:
    """Return seconds, and seconds of processor time, that the merge took."""
    recipients = deliveries.make_accepted(stage, count)
    groups = [recipients[n : n + together] for n in range(0, count, together)]
    _fill_inbox(stage, groups)
    analyze(stage)
    result = stage.run(DRAIN, table="whatsapp_broadcast_event")
    _check(stage, recipients)
    return result["seconds"], result["used"]


def _fill_inbox(stage: Stage, groups: list[list[Recipient]]) -> None:
    with closing(postgres.connect(stage.database)) as connection:
        with connection, connection.cursor() as cursor:
            bodies = [(deliveries.statuses(group),) for group in groups]
            execute_values(cursor, ADD, bodies, "(%s::bytea)", page_size=500)


def _check(stage: Stage, recipients: list[Recipient]) -> None:
    """Raise unless each recipient's message is delivered now."""
    ids = [recipient.message_id for recipient in recipients]
    [(delivered,)] = stage.query(
        "SELECT count(*) FROM whatsapp_broadcast_recipient"
        " WHERE state = 'delivered' AND provider_message_id = ANY(%s)",
        ids,
    )
    if delivered != len(ids):
        raise RuntimeError(f"{delivered} of {len(ids)} rows became delivered")
