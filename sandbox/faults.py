"""Ways in which a request goes wrong between sandbox and client.

A fault is named on the command line or through the control API, with the share of
the message requests that it hits: ``--fault accept-then-reset:0.1``. A number as
name is an error code of Meta's that refuses the request: ``--fault 131057:0.05``.
"""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from .errors import KINDS, GraphError

STALL_SECONDS = 600


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


def parse_fault(text):
    """``(Fault or error code, share)``; ValueError says what is wrong."""
    name, _, chance = text.rpartition(":")
    try:
        share = float(chance)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ValueError(f"{text!r}: write NAME:SHARE with a share from 0 to 1")
    if name.isdigit() and int(name) in KINDS:
        return int(name), share
    if name not in FAULTS:
        raise ValueError(
            f"there is no fault {name!r}: use an error code or one of "
            f"{', '.join(FAULTS)}"
        )
    return FAULTS[name], share


def fault_text(fault_and_share):
    """The inverse of :func:`parse_fault`."""
    fault, share = fault_and_share
    return f"{fault.name if isinstance(fault, Fault) else fault}:{share}"


def drawn(state):
    """The fault that hits this request: a Fault, an error code, or None."""
    for fault, share in state.settings.fault:
        if state.chance.random() < share:
            return fault
    return None
