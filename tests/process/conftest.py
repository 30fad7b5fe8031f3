"""Real processes: an Odoo server, a sandbox, PostgreSQL."""

import pytest
from engine_world import World

from tools.stage import Stage
from tools.testbed import Testbed


@pytest.fixture(scope="session")
def connected():
    """A database with a connected account, to be copied by each test."""
    testbed = Testbed()
    database = testbed.database()
    stage = Stage(testbed.server(database), testbed.sandbox())
    stage.connect()
    yield stage
    testbed.close()


@pytest.fixture
def make_stage(odoo_env, connected):
    """Return a function that starts a stage; options are the sandbox's and server's.

    ``template``: the database to copy, with the same connected account; ``start``:
    words and environment of the server's command line.
    """

    def make(
        *sandbox_options,
        webhook=True,
        connect=False,
        template=connected.database,
        start=((), {}),
        **server_options,
    ):
        database = odoo_env.database("" if connect else template)
        sandbox = odoo_env.sandbox(
            "--latency=20ms",
            "--status-delays=0.05",
            "--no-pair-limit",
            *sandbox_options,
        )
        stage = Stage(odoo_env.server(database, **server_options), sandbox)
        if connect:
            stage.connect()
        else:
            stage.move_in(connected.webhook_url, connected.key)
        words, variables = start
        stage.server.start(*words, **variables)
        if webhook:
            stage.verify_webhook()
        return stage

    return make


@pytest.fixture(scope="session")
def world_database():
    """A database that tests of the engine share; no server runs on it."""
    testbed = Testbed()
    yield testbed.database()
    testbed.close()


@pytest.fixture
def world(world_database):
    """Numbers, broadcasts and rows for the engine; gone after the test."""
    world = World(world_database)
    yield world
    world.clear()
