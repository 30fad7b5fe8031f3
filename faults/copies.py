"""F17 and a restored dump: the addon is upgraded, the database is copied."""

import time

from tools import cluster, odoo
from tools.console import run_logged
from tools.processes import wait_until

from .arena import Arena, Scene

#: Seconds in which a copy that wants to send would do so.
PATIENCE = 20
QUEUED = "SELECT count(*) FROM whatsapp_broadcast_recipient WHERE state = 'queued'"
TOKENS = "SELECT token, id FROM whatsapp_broadcast_recipient"


def upgraded_and_neutralized(arena: Arena) -> None:
    """-u whatsapp_broadcast, then neutralize, while a broadcast is sent"""
    scene = arena.scene()
    scene.launch(scene.people(2500))
    scene.wait_taken(100)
    options = ["-u", "whatsapp_broadcast", "--stop-after-init", "--no-http"]
    upgrade = odoo.command(scene.database, *options, "--max-cron-threads=0")
    start = time.monotonic()
    failure = "The upgrade failed"
    run_logged(upgrade, "faults-upgrade.log", failure, env=odoo.environment())
    arena.measure("upgraded in", time.monotonic() - start, " s")
    had = len(scene.taken())
    scene.wait_rest(180)
    arena.measure("sent before its end", had)
    _neutralize(arena, scene)


def _neutralize(arena: Arena, scene: Scene) -> None:
    """Kill the server in mid-run, neutralize, and start it again.

    Beside a server that works, Odoo's own command fails as a whole: its transaction
    conflicts with every cron.
    """
    scene.launch(scene.people(1000))
    scene.wait_taken(len(scene.taken()) + 100)
    scene.server.kill()
    command = odoo.command(scene.database, verb="neutralize")
    # Its options are those of a database, not of a server.
    words = [word for word in command if not word.startswith("--db-filter")]
    run_logged(words, "faults-upgrade.log", "neutralize failed", env=odoo.environment())
    had = len(scene.taken())
    scene.start()
    scene.wake()
    time.sleep(PATIENCE)
    arena.measure("sent when neutral", len(scene.taken()) - had, at_most=0)
    # Its crons are off, too: what was in flight stays so.
    scene.waiting = True


def restored(arena: Arena) -> None:
    """A dump taken in mid-run is restored: nothing is sent until a person resumes"""
    scene = arena.scene()
    broadcast = scene.launch(scene.people(1200))
    scene.wait_taken(100)
    dump = scene.points.folder / "dump"
    _run("pg_dump", "--format=custom", f"--file={dump}", scene.database)
    scene.wait_taken(len(scene.taken()) + 150)
    scene.server.kill()
    went_out = {message["callback_data"] for message in scene.taken()}
    odoo.drop(scene.database)
    _run("createdb", scene.database)
    _run("pg_restore", f"--dbname={scene.database}", "--no-owner", str(dump))
    scene.start()
    paused = wait_until(lambda: scene.state() == "paused", 90)
    arena.measure("paused", paused, at_least=1)
    time.sleep(PATIENCE)
    sent = len(scene.taken()) - len(went_out)
    arena.measure("sent by the restored database", sent, at_most=0)
    # What was claimed after the dump is not in it: only the provider knows.
    tokens = {token for token, _id in scene.query(TOKENS)}
    scene.forgotten = went_out - tokens
    arena.measure("sent after the dump", len(scene.forgotten), at_least=1)
    _check_with_the_provider(scene, went_out)
    if paused:
        scene.call("whatsapp.broadcast", "action_cancel", broadcast)
    scene.wake()
    # Statuses of what it does not know wait in its inbox; the rows need not.
    wait_until(lambda: scene.ask(QUEUED) == 0, 60)


def _check_with_the_provider(scene: Scene, went_out: set[str]) -> None:
    """Do what a person is asked for: settle what was in flight in the dump."""
    scene.expire_leases()
    scene.wake()
    # The cron comes once a minute.
    wait_until(lambda: not scene.in_flight(), 90)
    unknown = scene.query(f"{TOKENS} WHERE state = 'unknown'")
    for token, recipient in unknown:
        if token in went_out:
            scene.call(
                "whatsapp.broadcast.recipient", "action_treat_as_sent", recipient
            )


def _run(program: str, *arguments: str) -> None:
    command = [cluster.FAULTS.programs() / program, *arguments]
    environment = odoo.environment()
    failure = f"{program} failed"
    run_logged([*map(str, command)], "faults-dump.log", failure, env=environment)
