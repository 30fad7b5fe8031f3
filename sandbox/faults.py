"""Ways in which a request goes wrong between sandbox and client.

A fault is named on the command line or through the control API, with the share of
the message requests that it hits: ``--fault accept-then-reset:0.1``. A number as
name is an error code of Meta's that refuses the request: ``--fault 131057:0.05``. With
a duration it is a storm that ends by itself: ``--fault 130429:1:30s``.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web

from .durations import duration
from .errors import KINDS, GraphError

STALL_SECONDS = 600
#: Seconds between two bytes of an answer that drips.
DRIP_SECONDS = 0.25


@dataclass(frozen=True)
class Fault:
    """``taken``: was the message accepted before things went wrong?

    ``respond(request)``: what the client gets instead of the usual answer.
    ``result``: for the ledger, when it was not taken.
    """

    name: str
    taken: bool
    respond: object
    result: str = ""


async def reset(request):
    """Close the connection with a TCP reset, without an answer."""
    request.transport.abort()
    return web.Response()


async def stall(request):
    """Say nothing until the client gives up."""
    for _ in range(STALL_SECONDS):
        if request.transport is None or request.transport.is_closing():
            break
        await asyncio.sleep(1)
    return web.Response()


async def garbage(request):
    """200 with a body that is no JSON."""
    return web.Response(body=b"\x00\xff{]garbage", content_type="application/json")


async def drip(request):
    """200 with a body that comes byte by byte, for longer than a client waits."""
    answer = web.StreamResponse(headers={"Content-Length": "10000"})
    await answer.prepare(request)
    while request.transport and not request.transport.is_closing():
        await answer.write(b" ")
        await asyncio.sleep(DRIP_SECONDS)
    return answer


async def cut_short(request):
    """200 with half of a body, then the connection ends."""
    answer = web.StreamResponse(headers={"Content-Length": "200"})
    await answer.prepare(request)
    await answer.write(b'{"messaging_product":"whatsapp","contac')
    request.transport.abort()
    return answer


async def empty_500(request):
    return web.Response(status=500)


async def html_502(request):
    """What an edge server says when it cannot reach the API."""
    page = "<html><body><h1>502 Bad Gateway</h1></body></html>"
    return web.Response(status=502, text=page, content_type="text/html")


async def empty_503(request):
    return web.Response(status=503)


async def json_500(request):
    return web.json_response(GraphError(131000).body(), status=500)


FAULTS = {
    one.name: one
    for one in (
        Fault("accept-then-reset", True, reset),
        Fault("accept-then-stall", True, stall),
        Fault("accept-then-drip", True, drip),
        Fault("accept-then-garbage", True, garbage),
        Fault("accept-then-cut", True, cut_short),
        Fault("accept-then-500", True, json_500),
        Fault("accept-then-502-html", True, html_502),
        Fault("accept-then-500-empty", True, empty_500),
        Fault("refuse-reset", False, reset, "reset"),
        Fault("refuse-500", False, json_500, "131000"),
        Fault("refuse-502-html", False, html_502, "502"),
        Fault("refuse-503-empty", False, empty_503, "503"),
    )
}


class Chance(NamedTuple):
    """A fault (or error code), its share, and when it ends (monotonic), if it does."""

    fault: object
    share: float
    seconds: float | None = None
    ends: float = float("inf")


def parse_fault(text):
    """A Chance of ``NAME:SHARE`` or ``NAME:SHARE:DURATION``, which begins now.

    ValueError says what is wrong.
    """
    name, _, rest = text.partition(":")
    share, _, lasting = rest.partition(":")
    try:
        chance = float(share)
    except ValueError:
        chance = -1
    if not 0 <= chance <= 1:
        raise ValueError(f"{text!r}: write NAME:SHARE with a share from 0 to 1")
    if not (name.isdigit() and int(name) in KINDS) and name not in FAULTS:
        raise ValueError(
            f"there is no fault {name!r}: use an error code or one of "
            f"{', '.join(FAULTS)}"
        )
    fault = int(name) if name.isdigit() else FAULTS[name]
    if not lasting:
        return Chance(fault, chance)
    seconds = duration(lasting)
    return Chance(fault, chance, seconds, time.monotonic() + seconds)


def fault_text(chance):
    """The inverse of :func:`parse_fault`."""
    fault = chance.fault
    name = fault.name if isinstance(fault, Fault) else fault
    lasting = "" if chance.seconds is None else f":{chance.seconds * 1000:g}ms"
    return f"{name}:{chance.share}{lasting}"


def drawn(state):
    """The fault that hits this request: a Fault, an error code, or None."""
    now = time.monotonic()
    for chance in state.settings.fault:
        if now < chance.ends and state.chance.random() < chance.share:
            return chance.fault
    return None
