"""F4, F5, F15: the database restarts, goes silent, or is read for long."""

import time
from contextlib import closing

from tools import cluster, postgres
from tools.processes import wait_until

from .arena import Arena, Scene
from .half_open import HalfOpen
from .tally import percentile

#: Seconds between two cuts of all connections, and how many.
CUT_EVERY, CUTS = 5, 4
#: Words of statements that lock rows: when it goes dead there, locks are held.
LOCKING = b"UPDATE whatsapp_broadcast_recipient r SET"


def restarted_and_cut_off(arena: Arena) -> None:
    """PostgreSQL crashes and restarts; every connection is cut every 5 s"""
    scene = arena.scene()
    _checkpoint()
    scene.launch(scene.people(2500))
    slowest = 0.0
    for mode in ("immediate", "fast"):
        scene.wait_taken(len(scene.taken()) + 100)
        cluster.FAULTS.stop(mode)
        cluster.FAULTS.start()
        slowest = max(slowest, _until_next(scene))
    arena.measure("goes on after a restart in", slowest, " s", at_most=10)
    slowest = 0.0
    for _ in range(CUTS):
        scene.wait_taken(len(scene.taken()) + 50)
        _cut(scene.database)
        slowest = max(slowest, _until_next(scene))
        time.sleep(max(0, CUT_EVERY - slowest))
    arena.measure("after a cut in", slowest, " s", at_most=10)
    scene.wait_rest(180)


def _checkpoint() -> None:
    """Write out the copied database.

    Crashed before that, PostgreSQL gives numbers of its sequences a second time.
    """
    with postgres.admin() as cursor:
        cursor.execute("CHECKPOINT")


def _until_next(scene: Scene) -> float:
    """Return the seconds until rows are claimed anew, and a message is taken.

    Odoo's master ends when it must start a worker while PostgreSQL is away: then it is
    started again, as a service manager would, and the seconds count from there.
    """
    start, had = time.monotonic(), len(scene.points.claims())
    deadline = start + 120
    while len(scene.points.claims()) <= had:
        if time.monotonic() > deadline:
            raise TimeoutError(f"no claim in 120 s; see {scene.server.process.log}")
        if scene.server.process.pid is None:
            scene.start()
            start = time.monotonic()
        time.sleep(0.1)
    scene.wait_taken(len(scene.taken()) + 1)
    return time.monotonic() - start


def _cut(database: str) -> None:
    with postgres.admin() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [database],
        )


def half_open(arena: Arena) -> None:
    """A server's way to the database goes dead, locks held; another takes over"""
    scene = arena.scene(cron_threads=2)
    proxy = HalfOpen(cluster.FAULTS)
    try:
        lost = arena.testbed.server(scene.database, workers=1)
        _only_lost_sends(scene, lost, proxy)
        proxy.die_after(LOCKING)
        proxy.wait_dead()
        start, had = time.monotonic(), len(scene.taken())
        scene.start()
        scene.wake()
        # What it had in hand may still go out.
        scene.wait_taken(had + 150, 180)
        arena.measure("taken over in", time.monotonic() - start, " s", at_most=120)
        scene.wait_rest(180)
    finally:
        proxy.close()


def _only_lost_sends(scene: Scene, lost, proxy: HalfOpen) -> None:
    scene.launch(scene.people(800))
    scene.wait_taken(20)
    scene.server.stop()
    lost.start(PGHOST=str(proxy.folder))
    scene.wake()
    scene.wait_taken(len(scene.taken()) + 50)


def long_reader(arena: Arena) -> None:
    """A transaction that reads from before the run until after it"""
    scene = arena.scene()
    with closing(postgres.connect(scene.database)) as reader:
        reader.set_session(isolation_level="REPEATABLE READ")
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM whatsapp_broadcast_recipient")
            scene.launch(scene.people(2500))
            scene.wait_rest(180)
            cursor.execute("SELECT count(*) FROM whatsapp_broadcast_recipient")
            if cursor.fetchone()[0]:
                raise AssertionError("the reader's snapshot did not last")
    claims = scene.points.claims()
    arena.measure("claim p99", percentile(claims, 0.99), " ms", at_most=50)
    arena.measure("median", percentile(claims, 0.5), " ms")
    arena.measure("heap-only updates", hot_share(scene), " %")


def hot_share(scene: Scene) -> float:
    """Return how many percent of the recipients' updates touched no index."""

    def shares():
        return scene.query(
            "SELECT n_tup_hot_upd, n_tup_upd FROM pg_stat_user_tables"
            " WHERE relname = 'whatsapp_broadcast_recipient' AND n_tup_upd > 0"
        )

    wait_until(shares, 10)
    [(hot, updates)] = shares()
    return 100 * hot / updates
