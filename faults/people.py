"""F13: people pause, resume, cancel, edit, delete and opt out in mid-run."""

import time
from collections.abc import Callable

from tools.stage import Refused

from .arena import Arena, Scene

#: Broadcasts that are cancelled, each after so many pauses: 105 orders in all.
CANCELS, PAUSES = 5, 10
#: Seconds in which an order, or a STOP, takes effect.
EFFECT = 1.0


def change_their_minds(arena: Arena) -> None:
    """100 times pause, resume or cancel; contacts edited, deleted, opted out"""
    scene = arena.scene()
    slowest, orders = 0.0, 0
    for _ in range(CANCELS):
        broadcast = scene.launch(scene.people(900))
        scene.wait_state("sending")
        seconds, given = _order(arena, scene, broadcast)
        slowest, orders = max(slowest, seconds), orders + given
    arena.measure("orders", orders, at_least=100)
    arena.measure("a pause takes effect in", slowest, " s", at_most=EFFECT)
    scene.wait_rest()
    _edit_and_delete(scene)
    _opt_out(arena, scene)


def _order(arena: Arena, scene: Scene, broadcast: int) -> tuple[float, int]:
    """Give orders at random; return the longest a pause needed, and how many."""
    slowest, given = 0.0, 0
    for _ in range(PAUSES):
        time.sleep(arena.chance.uniform(0, 0.4))
        given += _give(scene, "action_pause", broadcast)
        paused = time.monotonic()
        time.sleep(EFFECT + arena.chance.uniform(0, 0.4))
        late = [line["at"] for line in scene.taken() if line["at"] > paused]
        slowest = max([slowest, *(moment - paused for moment in late)])
        given += _give(scene, "action_resume", broadcast)
    return slowest, given + _give(scene, "action_cancel", broadcast)


def _give(scene: Scene, order: str, broadcast: int) -> bool:
    try:
        return scene.call("whatsapp.broadcast", order, broadcast)
    except Refused as refusal:
        if "cannot be" not in str(refusal):  # it is done already
            raise
        return False


def _edit_and_delete(scene: Scene) -> None:
    """Change and remove leads whose messages wait: the frozen audience stands."""
    leads = scene.people(400)
    scene.launch(leads)
    scene.wait_state("sending")
    scene.execute(
        "UPDATE crm_lead SET phone = '+12125550000', phone_sanitized = '+12125550000'"
        " WHERE id = ANY(%s)",
        leads[200:300],
    )
    scene.run(f"env['crm.lead'].browse({leads[300:]}).unlink()\nenv.cr.commit()")
    scene.wait_rest()


def _opt_out(arena: Arena, scene: Scene) -> None:
    """Let people say STOP, in two ways, between the freeze and their turn."""
    leads = scene.people(500)
    scene.launch(leads)
    scene.wait_state("sending")
    phones = [
        phone
        for (phone,) in scene.query(
            "SELECT phone FROM crm_lead WHERE id = ANY(%s) ORDER BY phone DESC"
            " LIMIT 60",
            leads,
        )
    ]
    stopped = _stop_all(scene, phones)
    scene.wait_rest()
    late = [
        line["at"] - stopped[line["to"]]
        for line in scene.taken()
        if line["to"] in stopped and line["at"] > stopped[line["to"]]
    ]
    arena.measure("opted out in time", len(phones) - len(late), at_least=1)
    arena.measure(
        "written to after STOP for", max(late, default=0), " s", at_most=EFFECT
    )


def _stop_all(scene: Scene, phones: list[str]) -> dict[str, float]:
    """Return when each STOP was committed."""
    stop: list[Callable[[str], None]] = [
        lambda phone: scene.execute(
            "INSERT INTO phone_blacklist (number, active) VALUES (%s, TRUE)", phone
        ),
        lambda phone: scene.execute(
            "INSERT INTO whatsapp_broadcast_choice"
            " (address, kind, purpose, channel, since)"
            " VALUES (%s, 'opt_out', 'marketing', 'preference', now())",
            phone,
        ),
    ]
    stopped = {}
    for position, phone in enumerate(phones):
        stop[position % 2](phone)
        stopped[phone] = time.monotonic()
    return stopped
