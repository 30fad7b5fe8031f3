"""F14, F18: an audience is prepared, is killed at it, and is very large."""

import time

from tools.processes import wait_until

from .arena import Arena, Scene
from .tally import percentile

MILLION = 1_000_000
#: People of one row: enough for several chunks with variables.
PREPARED = 6_000


def killed_while_preparing(arena: Arena) -> None:
    """The preparation dies at each chunk; people occur twice, or cannot be reached"""
    scene = arena.scene()
    leads = scene.people(PREPARED)
    known = "SELECT phone FROM crm_lead WHERE id = ANY(%s)"
    twice = scene.make_leads([row[0] for row in scene.query(known, leads[:200])])
    nobody = scene.make_leads(["", "no phone", "+1"])
    # Only prepared here, not sent: it is cancelled then.
    broadcast = scene.broadcast([*leads, *twice, *nobody], messages_per_minute=1)
    kills = 0
    scene.call("whatsapp.broadcast", "action_launch", broadcast)
    for point in ("before freeze commit", "after freeze commit") * arena.options.times:
        scene.points.arm(point, 0)
        scene.wake()
        wait_until(lambda: scene.points.has_fired or scene.state() == "sending", 60)
        if not scene.points.has_fired:
            break
        kills += 1
        scene.expire_leases()
    scene.points.disarm()
    scene.wake()
    scene.wait_state("sending")
    arena.measure("kills", kills, at_least=2)
    rows = scene.ask("SELECT count(*) FROM whatsapp_broadcast_recipient")
    everybody = PREPARED + len(twice) + len(nobody)
    arena.measure("rows", rows, at_most=everybody, at_least=everybody)
    doubles = scene.ask(
        "SELECT count(*) FROM whatsapp_broadcast_recipient"
        " WHERE skip_reason = 'duplicate'"
    )
    arena.measure("left out as double", doubles, at_most=200, at_least=200)
    scene.call("whatsapp.broadcast", "action_cancel", broadcast)
    scene.wake()
    scene.wait_rest()


def a_million(arena: Arena) -> None:
    """1,000,000 people (times SCALE): freeze, claims, form and lists"""
    scene = arena.scene()
    count = int(MILLION * arena.options.scale)
    scene.people(count)
    scene.execute("ANALYZE crm_lead")
    broadcast = scene.broadcast(
        [], template="hello_world", audience_type="filter", audience_domain="[]"
    )
    start = time.monotonic()
    scene.call("whatsapp.broadcast", "action_launch", broadcast)
    scene.wait_state("sending", 600)
    seconds = time.monotonic() - start
    arena.measure("people", count)
    arena.measure(
        "frozen in", seconds, " s", at_most=60 * max(arena.options.scale, 0.1)
    )
    scene.wait_taken(300)
    slowest = percentile([_open_form(scene, broadcast) for _ in range(20)], 0.5)
    arena.measure("form and first page, median", slowest, " ms", at_most=300)
    claims = scene.points.claims()
    arena.measure("claim p99", percentile(claims, 0.99), " ms", at_most=50)
    scene.call("whatsapp.broadcast", "action_cancel", broadcast)
    scene.wake()
    scene.wait_rest(600)


def _open_form(scene: Scene, broadcast: int) -> float:
    """Return the milliseconds of what the form and its list of recipients read."""
    start = time.monotonic()
    scene.call(
        "whatsapp.broadcast",
        "web_read",
        broadcast,
        specification={"name": {}, "state": {}, "sent_count": {}, "queued_count": {}},
    )
    scene.call(
        "whatsapp.broadcast.recipient",
        "web_search_read",
        domain=[["broadcast_id", "=", broadcast]],
        specification={"phone": {}, "state": {}},
        limit=80,
        count_limit=10001,
    )
    return (time.monotonic() - start) * 1000
