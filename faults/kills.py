"""F1, F2: the sender dies."""

import signal
import time

from .arena import Arena, Scene, signal_master

#: Where a sender may die; see ``addons/fault_points``.
POINTS = (
    "before claim commit",
    "after claim commit",
    "after request",
    "after answer",
    "before result commit",
)
#: Passes of a point before the kill, at most: claims and results come in batches.
MOST_PASSES = {"after request": 60, "after answer": 60}
#: Rows that one kill may use up: what passes before, and what was in hand.
ROWS_A_KILL = 240
#: Messages a second that a busy machine sends all the same.
SLOWEST = 40
#: A sender has in hand at most what it claims in a second and what is under way.
IN_HAND = 120

#: Rows in flight; the leases of those whose sender died before are over.
LEASED = (
    "SELECT count(*) FROM whatsapp_broadcast_recipient"
    " WHERE state = 'sending' AND lease_until > now() AT TIME ZONE 'UTC'"
)
#: Seconds until the lane of a sender that died is free; 0 if it had freed it before.
LEASE_LEFT = (
    "SELECT COALESCE(EXTRACT(EPOCH FROM max(lease_until) - now() AT TIME ZONE 'UTC'),"
    " 0)::float FROM whatsapp_broadcast_lane"
)


def killed_at_each_point(arena: Arena) -> None:
    """kill -9 at each commit point, request and answer"""
    scene = arena.scene()
    # No status may settle a doubtful row before it is counted.
    scene.control("settings", record=True)
    kills = [point for point in POINTS for _ in range(arena.options.times)]
    arena.chance.shuffle(kills)
    scene.launch(scene.people(ROWS_A_KILL * len(kills)))
    in_hand, slowest = [], 0.0
    for point in kills:
        scene.points.arm(point, arena.chance.randrange(MOST_PASSES.get(point, 2)))
        scene.points.wait_fired()
        in_hand.append(_wait_dead(scene))
        scene.expire_leases()
        scene.wake()
        slowest = max(slowest, _until_next(scene))
    scene.wake()
    scene.wait_state("done", 120 + ROWS_A_KILL * len(kills) / SLOWEST)
    arena.measure("kills", len(kills))
    arena.measure("in hand of a sender at most", max(in_hand), at_most=IN_HAND)
    arena.measure("in doubt", scene.unknown(), at_most=sum(in_hand))
    arena.measure("after leases ended by hand", slowest, " s", at_most=5)
    scene.control("release", keep_recording=False)
    scene.wait_rest()
    arena.measure("sent", len(scene.taken()))
    _left_alone(arena)


def _left_alone(arena: Arena) -> None:
    """Kill once, call for nobody, and let the lease end by itself."""
    scene = arena.scene()
    scene.launch(scene.people(2 * ROWS_A_KILL))
    scene.points.arm("after claim commit", 1)
    scene.points.wait_fired()
    left = scene.ask(LEASE_LEFT)
    arena.measure("after its lease", _until_next(scene) - left, " s", at_most=5)
    scene.wait_rest()


def _wait_dead(scene: Scene) -> int:
    """Return the rows in flight, once PostgreSQL has seen that their sender died."""
    settled = -1
    while settled != (now := scene.ask(LEASED)):
        settled = now
        time.sleep(0.3)
    return settled


def _until_next(scene: Scene) -> float:
    """Return the seconds until the next message."""
    start, had = time.monotonic(), len(scene.taken())
    scene.wait_taken(had + 1, 120)
    return time.monotonic() - start


def stopped_by_signal_and_watchdog(arena: Arena) -> None:
    """SIGTERM, SIGINT, and Odoo's own watchdog in mid-run"""
    scene = arena.scene()
    scene.launch(scene.people(1500))
    for number in (signal.SIGTERM, signal.SIGINT):
        scene.wait_taken(len(scene.taken()) + 100)
        took = signal_master(scene, number)
        name = number.name
        arena.measure(f"{name} drains in", took, " s", at_most=10)
        arena.measure("in flight then", scene.in_flight(), at_most=0)
        arena.measure("unknown then", scene.unknown(), at_most=0)
        scene.start()
    scene.wait_rest()
    _watchdog(arena)


def _watchdog(arena: Arena) -> None:
    """Let every cron worker be killed after some seconds, three times."""
    scene = arena.scene(start=False)
    arena.open(scene, "--limit-time-real-cron=4")
    scene.launch(scene.people(1200))
    log = scene.server.process.log
    deadline = time.monotonic() + 90
    while (kills := log.read_text().count("timeout after")) < 3:
        if time.monotonic() > deadline:
            raise TimeoutError("the watchdog killed no worker")
        time.sleep(0.5)
    arena.measure("watchdog kills", kills, at_least=3)
    scene.server.kill()
    scene.expire_leases()
    scene.start()
    scene.wait_rest()
