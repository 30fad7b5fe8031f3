"""``make demo``: the whole job on demo data, against the sandbox."""

import json
from dataclasses import dataclass
from pathlib import Path

from . import environment, odoo, postgres, service
from .console import say, step
from .processes import remembered_port
from .sandbox import Sandbox

LATENCY = "--latency=150ms"


@dataclass(frozen=True)
class Demo:
    """What the broadcast of the demo is run with."""

    odoo_url: str
    database: str
    sandbox_url: str
    ledger: Path
    logins: dict[str, tuple[str, str]]

    def run_code(self, code: str, seconds: float = 120) -> object:
        """Run code in Odoo's shell; return what it assigned to ``result``."""
        return odoo.run_code(self.database, code, seconds)


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
        summary = run_broadcast(_describe(server, sandbox))
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


def _describe(server: odoo.Server, sandbox: Sandbox) -> Demo:
    return Demo(
        odoo_url=server.url,
        database=server.database,
        sandbox_url=sandbox.url,
        ledger=sandbox.ledger,
        logins=service.LOGINS,
    )
