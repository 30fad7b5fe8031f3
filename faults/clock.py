"""F9: hosts whose clocks are wrong."""

import math
import time

from tools import layout
from tools.archive import Archive

from .arena import Arena
from .tally import most_in_window

SUITE = "bookworm"
FAKETIME = layout.STATE / "faketime"
#: Ten seconds before Berlin's clocks go back by an hour.
BEFORE_WINTER = "@2026-10-25 02:59:50"
RATE = 80


def wrong(arena: Arena) -> None:
    """Clocks an hour ahead, behind, jumping, and at the end of summer time"""
    library = _library()
    for name, faketime in (("ahead", "+3600s"), ("behind", "-3600s")):
        _run(arena, name, LD_PRELOAD=library, FAKETIME=faketime)
    _run(
        arena, "winter", LD_PRELOAD=library, FAKETIME=BEFORE_WINTER, TZ="Europe/Berlin"
    )
    _strobe(arena, library)


def _library() -> str:
    """Return libfaketime, unpacked from the Debian archive the first time."""
    if not FAKETIME.exists():
        archive = Archive(SUITE)
        archive.update()
        archive.unpack(["libfaketime"], FAKETIME)
    [library] = FAKETIME.glob("usr/lib/*/faketime/libfaketime.so.1")
    return str(library)


def _run(arena: Arena, name: str, jump=None, **variables: str) -> None:
    scene = arena.scene(start=False)
    try:
        # Timers are the kernel's; only what the clock on the wall says is wrong.
        arena.open(scene, FAKETIME_DONT_FAKE_MONOTONIC="1", **variables)
        start = time.monotonic()
        scene.launch(scene.people(500))
        if jump:
            jump(scene)
        scene.wait_rest(90)
        seconds = time.monotonic() - start
    except TimeoutError:  # the other clocks have their turn all the same
        scene.waiting, seconds = True, math.inf
    arena.measure(f"{name}: 500 in", seconds, " s", at_most=60)
    times = [line["at"] for line in scene.sandbox.messages()]
    arena.measure("most in 1 s", most_in_window(times, 1.0), at_most=RATE)


def _strobe(arena: Arena, library: str) -> None:
    """Let the clock jump by two hours, to and fro, each second."""
    clock = layout.STATE / "faketime-now"
    clock.write_text("+0s\n")

    def jump(scene):
        for turn in range(10):
            clock.write_text("+3600s\n" if turn % 2 else "-3600s\n")
            time.sleep(1)

    _run(
        arena,
        "strobe",
        jump,
        LD_PRELOAD=library,
        FAKETIME_TIMESTAMP_FILE=str(clock),
        FAKETIME_NO_CACHE="1",
    )
