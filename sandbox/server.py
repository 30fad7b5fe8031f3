"""The program: listens, serves, and ends on SIGTERM or SIGINT with the ledger full."""

import asyncio
import gc
import signal
import sys

from aiohttp import web

from . import control, graph, media
from .settings import parse_arguments
from .state import STATE, State

SHUTDOWN_SECONDS = 1.0


def create_app(settings):
    """The sandbox as an aiohttp application; its state is ``app[STATE]``."""
    app = web.Application(client_max_size=media.LARGEST)
    app[STATE] = State(settings)
    control.add_routes(app)
    app.router.add_get("/_media/{media_id}", media.download)
    app.router.add_route("*", "/{path:.*}", graph.handle)
    app.on_startup.append(start)
    app.on_cleanup.append(stop)
    return app


async def start(app):
    await app[STATE].outbox.start()


async def stop(app):
    await app[STATE].stop()


async def serve(settings):
    """Serve until a signal asks to stop."""
    app = create_app(settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port)
    try:
        await site.start()
        host, port = runner.addresses[0][:2]
        print(f"sandbox listening on http://{host}:{port}", flush=True)
        await stop_signal()
    finally:
        await runner.cleanup()


async def stop_signal():
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()


def main(arguments=None):
    """The command line; returns the exit code."""
    settings = parse_arguments(arguments)
    # What is kept only grows. To search all of it for cycles, as Python does now and
    # then, would hold up messages for a tenth of a second and date them late.
    gc.set_threshold(20_000, 1_000_000, 1_000_000)
    try:
        asyncio.run(serve(settings))
    except (OSError, ValueError) as error:
        print(f"sandbox: {error}", file=sys.stderr, flush=True)
        return 1
    return 0
