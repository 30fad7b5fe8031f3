"""How many webhooks two web workers take."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from tools import layout
from tools.stage import Stage

from .. import deliveries, sending, volley
from ..peers import sms_twilio
from ..rates import percentile
from ..table import Peer, Row, share_of_peer
from ..volley import Shots
from ..workbench import ADDONS, USUAL, Workbench

ROUNDS, SECONDS = 5, 3.0
ROUTES = (f"--addons-path={layout.ROOT},{ADDONS}", "--load=base,web,bench_routes")
TABLE = "CREATE TABLE bench_delivery (id serial PRIMARY KEY, payload bytea)"


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield the door by itself, and the door while what came is merged."""
    with bench.stage(USUAL, arguments=ROUTES, workers=2, cron_threads=0) as stage:
        shots = _door(bench, stage)
    twilio = Peer("Odoo sms_twilio", bench.once(_twilio).rate)
    nothing = Peer("route that does nothing", shots["nothing"].rate)
    insert = Peer("raw insert", shots["insert"].rate)
    gateway = "OCA mail_gateway_whatsapp"
    yield Row(
        "webhook, one status a POST, 2 workers",
        shots["status"].rate,
        "POSTs/s",
        share_of_peer(0.8),
        (nothing, insert, twilio, Peer(gateway, 625, same_run=False)),
        _times(shots["status"]),
    )
    yield Row(
        "webhook, one inbound message a POST, 2 workers",
        shots["inbound"].rate,
        "POSTs/s",
        share_of_peer(0.8),
        (nothing, insert, Peer(gateway, 40, same_run=False)),
        _times(shots["inbound"]),
    )
    with bench.stage(USUAL, workers=2, cron_threads=2) as stage:
        merged = _merging(bench, stage)
    yield Row(
        "webhook, one status a POST, merged at the same time",
        merged.rate,
        "POSTs/s",
        peers=(twilio,),
        note=_times(merged),
    )


def _door(bench: Workbench, stage: Stage) -> dict[str, Shots]:
    stage.execute(TABLE)
    count = int(ROUNDS * SECONDS * 2000 * min(bench.scale, 1)) + 1000
    recipients = deliveries.make_accepted(stage, count)
    bodies = [deliveries.statuses([recipient]) for recipient in recipients]
    kinds = {
        name: [volley.request(f"{stage.server.url}/bench/{name}", b) for b in bodies]
        for name in ("nothing", "insert")
    }
    kinds["status"] = [_signed(stage, body) for body in bodies]
    kinds["inbound"] = [_signed(stage, deliveries.inbound(r)) for r in recipients]
    found = volley.in_turns(stage.server.port, kinds, ROUNDS, SECONDS * bench.scale)
    _check_stored(stage, found)
    return found


def _check_stored(stage: Stage, found: dict[str, Shots]) -> None:
    [(stored,)] = stage.query("SELECT count(*) FROM whatsapp_broadcast_event")
    answered = sum(len(found[name].durations) for name in ("status", "inbound"))
    if stored != answered:
        raise RuntimeError(f"{answered} webhooks were answered, {stored} stored")


def _merging(bench: Workbench, stage: Stage) -> Shots:
    seconds = ROUNDS * SECONDS * bench.scale
    recipients = deliveries.make_accepted(stage, int(seconds * 2000) + 1000)
    requests = [_signed(stage, deliveries.statuses([one])) for one in recipients]
    found = volley.fire(stage.server.port, iter(requests), seconds)
    sending.wait(stage.is_merged, 120, "not all webhooks were merged")
    [(delivered,)] = stage.query(
        "SELECT count(*) FROM whatsapp_broadcast_recipient WHERE state = 'delivered'"
    )
    if delivered != len(found.durations):
        raise RuntimeError(f"{len(found.durations)} answered, {delivered} delivered")
    return found


def _signed(stage: Stage, body: bytes) -> bytes:
    return volley.request(
        stage.webhook_url,
        body,
        Content_Type="application/json",
        X_Hub_Signature_256=deliveries.signature(body),
    )


def _twilio(bench: Workbench) -> Shots:
    """Return how many statuses of mass SMS Odoo's own route takes."""
    seconds = ROUNDS * SECONDS * bench.scale
    count = int(seconds * 400) + 200
    with sms_twilio.prepared(count) as (testbed, database):
        testbed.run(database, sms_twilio.MAIL + "env.cr.commit()", 600)
        server = testbed.server(database, workers=2, cron_threads=0)
        signed = testbed.run(database, sms_twilio.SIGN)
        server.start()
        requests = (
            volley.request(
                f"{server.url}/sms_twilio/status/{uuid}",
                urlencode({"SmsStatus": "delivered"}).encode(),
                Content_Type="application/x-www-form-urlencoded",
                X_Twilio_Signature=signature,
            )
            for uuid, signature in signed
        )
        return volley.fire(server.port, iter(list(requests)), seconds)


def _times(shots: Shots) -> str:
    p50, p95 = (1000 * percentile(shots.durations, share) for share in (0.5, 0.95))
    return f"{len(shots.durations):,} POSTs, p50 {p50:.0f} ms, p95 {p95:.0f} ms"
