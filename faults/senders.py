"""F3, F8: several senders at once, and the pace that they keep together."""

import re

from tools.stage import NUMBER_ID

from .arena import Arena, Scene
from .tally import least_in_window, most_in_window

SECOND_NUMBER = "200000000000002"
#: A number so fast that several lanes serve it.
FAST = 1000
#: What the sandbox allows, and the part of it that a sender must use.
RATE, UTILISATION = 80, 0.9


def many_at_once(arena: Arena) -> None:
    """2, 4 and 8 more senders on one database, beside the server's own"""
    scene = arena.scene()
    set_rate(scene, NUMBER_ID, FAST)
    for count in (2, 4, 8):
        people = scene.people(1500), scene.people(150)
        scene.drive(count, lambda people=people: _launch_both(scene, *people))
        scene.wait_rest()
    log = scene.server.process.log.read_text()
    conflicts = len(re.findall("SerializationFailure|could not serialize", log))
    arena.measure("uncaught conflicts", conflicts, at_most=0)
    arena.measure("sent", len(scene.taken()))


def pace(arena: Arena) -> None:
    """The rate in any second and in ten, with 1 sender and with 4"""
    for count in (1, 4):
        scene = arena.scene()
        shares = [scene.people(1600 // count) for _ in range(count)]
        scene.drive(count, lambda scene=scene, shares=shares: _launch(scene, shares))
        scene.wait_rest()
        times = [message["at"] for message in scene.sandbox.messages()]
        most = most_in_window(times, 1.0)
        arena.measure(f"{count}: most in 1 s", most, at_most=RATE)
        least = least_in_window(times, 10.0)
        arena.measure("least in 10 s", least, at_least=RATE * 10 * UTILISATION)


def _launch_both(scene: Scene, fast: list[int], usual: list[int]) -> None:
    scene.launch(fast)
    scene.launch(usual, number=SECOND_NUMBER)


def _launch(scene: Scene, shares: list[list[int]]) -> None:
    for leads in shares:
        scene.launch(leads)


def set_rate(scene: Scene, number: str, rate: int) -> None:
    """Let a number carry another rate, at the provider and in Odoo."""
    scene.control(f"number/{number}", messages_per_second=rate)
    scene.execute(
        "UPDATE whatsapp_broadcast_number SET messages_per_second = %s"
        " WHERE external_id = %s",
        rate,
        number,
    )
