"""``make demo``: the whole job on demo data, against the sandbox."""

import json

from . import environment, odoo, postgres, service
from .console import say, step
from .processes import remembered_port
from .sandbox import Sandbox

LATENCY = "--latency=150ms"


def run(end: bool) -> None:
    """Send the demo's broadcast; leave Odoo running unless ``end``.

    With ``end`` the last line is the summary as one JSON object.
    """
    from .demo_broadcast import run_broadcast

    environment.ensure()
    for process in service.recorded():
        process.stop()
    server, sandbox = _start()
    try:
        summary = run_broadcast(server, sandbox)
    except BaseException:
        _stop(server, sandbox)
        raise
    if end:
        _stop(server, sandbox)
        say(json.dumps(summary))
    else:
        service.show_address(server)


def _start() -> tuple[odoo.Server, Sandbox]:
    database = postgres.database_name("demo")
    odoo.make_demo(database)
    server = odoo.main_server(database)
    sandbox = Sandbox(port=remembered_port("sandbox"))
    with step("starting the sandbox and Odoo"):
        sandbox.start(LATENCY)
        server.start()
    return server, sandbox


def _stop(server: odoo.Server, sandbox: Sandbox) -> None:
    server.stop()
    sandbox.stop()
