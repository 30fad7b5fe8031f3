"""F6, F7: the provider answers badly, or refuses for a while."""

import time

from tools.processes import wait_until

from .arena import Arena, Scene

#: A tenth of all messages is taken, and the answer lost in one of these ways.
LOST = ("reset", "stall", "garbage", "cut", "drip", "500-empty", "502-html")
#: A row is tried so often at most (``engine.results``).
MOST_TRIES = 6
#: Messages in a second that say that the rate is found again, of 80 allowed.
FULL = 70


def answers_lost(arena: Arena) -> None:
    """Messages are taken, then: reset, stall, garbage, half or dripping answers"""
    share = 0.1 / len(LOST)
    scene = arena.scene(*(f"--fault=accept-then-{name}:{share:.4f}" for name in LOST))
    # No status may settle a doubtful row before it is counted.
    scene.control("settings", record=True)
    scene.launch(scene.people(600))
    scene.wait_state("done", 120)
    faults = sum(scene.control("state")["faults"].values())
    arena.measure("answers lost", faults, at_least=1)
    arena.measure("in doubt", scene.unknown(), at_most=faults, at_least=faults)
    scene.control("release", keep_recording=False)
    scene.wait_rest()
    arena.measure("still in doubt", scene.unknown(), at_most=0)


def storms(arena: Arena) -> None:
    """130429, 131056, 131057, 131049, 5xx without a body, and a dead token"""
    scene = arena.scene()
    scene.launch(scene.people(4000))
    scene.wait_taken(150)
    arena.measure("after 130429", _recovery(scene, "130429:1:5s", 5), " s", at_most=60)
    for code in ("131057", "131056"):
        _storm(scene, f"{code}:0.3:2s", 2)
    _storm(scene, "131049:0.05:2s", 2)
    _storm(scene, "refuse-503-empty:0.05:2s", 2)
    _dead_token(arena, scene)
    scene.wait_rest(240)
    _look_back(arena, scene)


def _storm(scene: Scene, fault: str, seconds: float) -> None:
    scene.control("settings", fault=[fault])
    time.sleep(seconds)


def _recovery(scene: Scene, fault: str, seconds: float) -> float:
    """Return the seconds from the storm's end until the rate is full again."""
    _storm(scene, fault, seconds)
    end = time.monotonic()

    def is_full():
        now = time.monotonic()
        return sum(1 for line in scene.taken() if line["at"] > now - 1) >= FULL

    if not wait_until(is_full, 90):
        raise TimeoutError("the rate did not recover in 90 s")
    return time.monotonic() - end


def _dead_token(arena: Arena, scene: Scene) -> None:
    scene.control("token", token="sandbox-token", valid=False)
    scene.wait_state("paused")
    wait_until(lambda: not scene.in_flight(), 30)
    refused = sum(1 for line in scene.sandbox.messages() if line["result"] == "190")
    arena.measure("burnt by a dead token", refused, at_most=80)
    scene.control("token", token="sandbox-token", valid=True)
    scene.run(
        "env['whatsapp.broadcast.account'].search([]).action_connect()\n"
        "env['whatsapp.broadcast'].search([]).action_resume()\n"
        "env.cr.commit()"
    )


def _look_back(arena: Arena, scene: Scene) -> None:
    tries = scene.ask("SELECT max(attempt_count) FROM whatsapp_broadcast_recipient")
    arena.measure("tries of a row", tries, at_most=MOST_TRIES)
    results = [line["result"] for line in scene.sandbox.messages()]
    failed = scene.ask(
        "SELECT count(*) FROM whatsapp_broadcast_recipient WHERE state = 'failed'"
        " AND error_code <> '131049'"
    )
    arena.measure("failed but by 131049", failed, at_most=0)
    # A 503 without a word proves nothing: a person decides.
    doubts = results.count("503")
    arena.measure("in doubt for a person", scene.unknown(), at_most=doubts)
