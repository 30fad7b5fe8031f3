"""``make run``, ``make stop`` and ``make clean``."""

import os
import shutil

from . import cluster, layout
from .console import say, step
from .processes import recorded

LOGINS = {"salesperson": ("sales", "sales"), "administrator": ("admin", "admin")}


def run() -> None:
    """Start Odoo on the demo database, brought up to date with the addon."""
    from . import environment, odoo, postgres

    environment.ensure()
    database = postgres.database_name("demo")
    server = odoo.main_server(database)
    if not server.process.pid:
        with step("starting Odoo"):
            server.start(*odoo.demo_updates(database), seconds=300)
        postgres.set_comment(database, odoo.addons_digest())
    show_address(server)


def show_address(server) -> None:
    """Say where Odoo is and how to log in."""
    say(f"Odoo: {server.url}")
    for role, (login, password) in LOGINS.items():
        say(f"  {role}: {login}, password {password}")
    say("make stop ends it.")


def stop() -> None:
    """Stop every process of this checkout."""
    for process in recorded():
        process.stop()
    for one in (cluster.MAIN, cluster.FAULTS):
        one.stop()


def clean() -> None:
    """Stop everything and remove all that this checkout made outside of git."""
    if os.environ.get("PGHOST"):
        _drop_databases()
    stop()
    for one in (cluster.MAIN, cluster.FAULTS):
        shutil.rmtree(one.socket_folder, ignore_errors=True)
    shutil.rmtree(layout.STATE, ignore_errors=True)


def _drop_databases() -> None:
    from . import odoo, postgres

    for process in recorded():
        process.stop()
    for database in postgres.databases():
        odoo.drop(database)
