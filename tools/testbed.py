"""Databases, servers and a sandbox for one test, all gone at its end."""

import itertools
import os
from contextlib import ExitStack

from . import environment, layout, odoo, postgres
from .sandbox import Sandbox

NUMBERS = itertools.count(1)


class Testbed:
    """What a test starts through this is stopped and removed by ``close``."""

    __test__ = False  # not a class of tests, in spite of its name

    def __init__(self) -> None:
        self._ending = ExitStack()
        environment.ensure()

    def close(self) -> None:
        """Stop and remove everything, the newest first."""
        self._ending.close()

    def database(self, like: str = "") -> str:
        """Return a new database: with ``crm`` and the addon, or a copy of another."""
        name = postgres.database_name(_new_name())
        odoo.copy(like or odoo.template("addon", ["crm", layout.ADDON]), name)
        self._ending.callback(odoo.drop, name)
        return name

    def server(self, database: str, **options) -> odoo.Server:
        """Return a server, not yet started, with the options of ``odoo.Server``."""
        server = odoo.Server(database, _new_name(), **options)
        self._ending.callback(server.kill)
        return server

    def sandbox(self, *options: str) -> Sandbox:
        """Return a sandbox that runs, with options of ``python -m sandbox``."""
        sandbox = Sandbox(_new_name())
        self._ending.callback(sandbox.stop)
        sandbox.start(*options)
        return sandbox

    def connect(self, database: str):
        """Return a new psycopg2 connection, closed at the end of the test."""
        connection = postgres.connect(database)
        self._ending.callback(connection.close)
        return connection

    def run(self, database: str, code: str, seconds: float = 120) -> object:
        """Run code in Odoo's shell; return what it assigned to ``result``."""
        return odoo.run_code(database, code, seconds)


def _new_name() -> str:
    return f"test_{os.getpid()}_{next(NUMBERS)}"
