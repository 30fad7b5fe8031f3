"""F9: hosts whose clocks are wrong."""

import math
import time
import urllib.request
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from tools import odoo
from tools.processes import wait_until
from tools.stage import NUMBER_ID

from .arena import Arena, Points, Scene, start_server
from .senders import set_rate
from .tally import most_in_window

HOUR = 3600
#: Ten seconds before Berlin's clocks go back by an hour.
BEFORE_WINTER = datetime(2026, 10, 25, 0, 59, 50, tzinfo=timezone.utc)
RATE = 80
#: So fast that it has two lanes, one for each of two hosts.
RATE_OF_TWO = 600


def wrong(arena: Arena) -> None:
    """Clocks ahead, behind, jumping, of two hosts apart; the end of summer time"""
    for name, ahead in (("ahead", HOUR), ("behind", -HOUR)):
        _run(arena, name, _open(arena, ahead))
    winter = (BEFORE_WINTER - datetime.now(timezone.utc)).total_seconds()
    _run(arena, "winter", _open(arena, winter, TZ="Europe/Berlin"))
    jumping = _open(arena, -HOUR, FAULT_CLOCK_JUMP=str(2 * HOUR))
    _check_clock(jumping.server, HOUR)
    _run(arena, "jumping", jumping)
    _two_hosts(arena)


def _two_hosts(arena: Arena) -> None:
    """Let two hosts share one number, their clocks an hour apart."""
    scene = _open(arena, -HOUR / 2, cron_threads=1)
    set_rate(scene, NUMBER_ID, RATE_OF_TWO)
    other, points = arena.testbed.server(scene.database, cron_threads=1), Points()
    start_server(other, points, FAULT_CLOCK=str(HOUR / 2))
    _check_clock(other, HOUR / 2)
    _run(arena, "an hour apart", scene, people=3000, rate=RATE_OF_TWO)
    arena.measure("claims of one", len(scene.points.claims()), at_least=1)
    arena.measure("of the other", len(points.claims()), at_least=1)


def _open(arena: Arena, ahead: float, cron_threads: int = 2, **variables: str) -> Scene:
    """Return a scene whose server runs with a clock so many seconds ahead."""
    scene = arena.scene(start=False, cron_threads=cron_threads)
    arena.open(scene, FAULT_CLOCK=str(ahead), **variables)
    _check_clock(scene.server, ahead)
    return scene


def _check_clock(server: odoo.Server, ahead: float) -> None:
    """Raise unless the server dates an answer so many seconds ahead of now."""
    if not wait_until(lambda: abs(_ahead(server) - ahead) < HOUR / 4, 10):
        raise AssertionError(f"the clock of the server is {_ahead(server):g} s ahead")


def _ahead(server: odoo.Server) -> float:
    """Return by how many seconds the date of an answer is ahead of now."""
    with urllib.request.urlopen(f"{server.url}/web/health", timeout=10) as answer:
        date = parsedate_to_datetime(answer.headers["Date"])
    return (date - datetime.now(timezone.utc)).total_seconds()


def _run(
    arena: Arena, name: str, scene: Scene, people: int = 500, rate: int = RATE
) -> None:
    start = time.monotonic()
    try:
        scene.launch(scene.people(people))
        scene.wait_rest(90)
        seconds = time.monotonic() - start
    except TimeoutError:  # the other clocks have their turn all the same
        scene.waiting, seconds = True, math.inf
    arena.measure(f"{name}: {people} in", seconds, " s", at_most=20)
    times = [line["at"] for line in scene.sandbox.messages()]
    arena.measure("most in 1 s", most_in_window(times, 1.0), at_most=rate)
