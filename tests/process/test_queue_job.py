"""Queue jobs drive the lanes; whatever stops them, a broadcast goes on."""

from urllib.parse import urlsplit

import pytest
from accounting import assert_nobody_lost_nobody_twice, expire_leases, taken
from balancer import Balancer
from leftovers import difference, snapshot

from tools import environment, layout, odoo, postgres
from tools.processes import free_port, wait_until
from tools.stage import phones

WIDE = ["--load=base,rpc,web,queue_job"]
CHANNELS = {"ODOO_QUEUE_JOB_CHANNELS": "root:4,root.whatsapp_broadcast:2"}

USE = """
env["whatsapp.broadcast.lane"]._enqueue(0)
env.cr.commit()
result = env["queue.job"].search_count([])
"""

UNINSTALL = """
env["ir.module.module"].search([("name", "=", "whatsapp_broadcast_queue_job")]) \
    .button_immediate_uninstall()
"""


@pytest.fixture(scope="module")
def template(connected):
    """A connected database with the addon for queue jobs."""
    environment.ensure(with_oca=True)
    name = postgres.database_name("test_queue_job")
    odoo.copy(connected.database, name)
    odoo.install(name, [layout.JOBS_ADDON])
    yield name
    odoo.drop(name)


def start_with(**variables):
    return WIDE, {**CHANNELS, **variables}


def await_runner(stage):
    assert wait_until(
        lambda: stage.query(
            "SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND datname = current_database()"
        ),
        30,
    )


def jobs(stage, column="state"):
    """Return a column of our jobs, the oldest first."""
    query = (
        f"SELECT {column} FROM queue_job"
        " WHERE channel = 'root.whatsapp_broadcast' ORDER BY id"
    )
    return [value for (value,) in stage.query(query)]


def sent_by_cron(stage):
    [(sent,)] = stage.query(
        "SELECT COALESCE(sum(done), 0) FROM ir_cron_progress p"
        " JOIN ir_cron c ON c.id = p.cron_id"
        " WHERE starts_with(c.cron_name, 'WhatsApp Broadcast: send')"
    )
    return sent


def move(stage, server):
    """Have the stage and the sandbox speak with another server of the database."""
    stage.server = server
    stage.webhook_url = f"{server.url}{urlsplit(stage.webhook_url).path}"
    stage.verify_webhook()


def launch_without_statuses(stage):
    """Launch what takes more than one job; no webhook settles what is in doubt."""
    stage.control("settings", record=True)
    return stage.launch(stage.make_leads(phones(600)), messages_per_minute=900)


def is_done(stats):
    return stats["state"] == "done"


def test_hosts_share_the_work_and_the_cron_leaves_it_to_them(
    make_stage, odoo_env, template, request
):
    ports = free_port(), free_port()
    balancer = Balancer(*ports)
    request.addfinalizer(balancer.stop)
    start = start_with(ODOO_QUEUE_JOB_PORT=str(balancer.server_port))
    stage = make_stage(template=template, start=start, port=ports[0])
    second = odoo_env.server(stage.database, port=ports[1])
    second.start(*WIDE, **start[1])
    await_runner(stage)
    broadcast = launch_without_statuses(stage)
    stats = stage.wait(broadcast, is_done, 120)

    assert taken(stage) == 600
    assert_nobody_lost_nobody_twice(stage)
    assert stats["unknown_count"] == 0
    assert sent_by_cron(stage) == 0
    # The job that ended the broadcast still has to look whether others are due.
    assert wait_until(lambda: set(jobs(stage)) <= {"done", "pending"}, 60)
    workers = set(jobs(stage, "worker_pid"))
    for server in (stage.server, second):
        assert workers & set(server.process.children())


def test_a_killed_host_loses_nobody_and_sends_nothing_twice(
    make_stage, odoo_env, template
):
    stage = make_stage("--latency=150ms", template=template, start=start_with())
    await_runner(stage)
    doomed, survivor = stage.server, odoo_env.server(stage.database)
    # Its runner waits for the other's end, and then has its own host do the jobs.
    survivor.start(*WIDE, **CHANNELS)
    move(stage, survivor)
    broadcast = launch_without_statuses(stage)
    assert wait_until(lambda: taken(stage) > 100, 30)
    assert set(jobs(stage, "worker_pid")) & set(doomed.process.children())

    doomed.kill()
    expire_leases(stage)
    stats = stage.wait(broadcast, is_done, 180)

    assert stats["accepted_count"] + stats["unknown_count"] == 600
    assert_nobody_lost_nobody_twice(stage)
    assert set(jobs(stage, "worker_pid")) & set(survivor.process.children())


@pytest.mark.parametrize(
    "start",
    [([], CHANNELS), (WIDE, {"ODOO_QUEUE_JOB_CHANNELS": "root:0"})],
    ids=["not loaded", "switched off"],
)
def test_without_a_runner_the_cron_sends(make_stage, template, start):
    stage = make_stage(template=template, start=start)
    broadcast = stage.launch(stage.make_leads(phones(100)))
    stage.wait_settled(broadcast)

    assert taken(stage) == 100
    # It is counted when the cron's call ends, a moment after the broadcast.
    assert wait_until(lambda: sent_by_cron(stage) >= 100, 30)
    assert jobs(stage) == []
    assert_nobody_lost_nobody_twice(stage)


def test_when_the_runner_reaches_no_worker_the_cron_sends(make_stage, template):
    start = start_with(ODOO_QUEUE_JOB_PORT=str(free_port()))
    stage = make_stage(template=template, start=start)
    await_runner(stage)
    broadcast = stage.launch(stage.make_leads(phones(100)))
    assert wait_until(lambda: jobs(stage), 60)
    assert taken(stage) == 0

    stage.execute(
        "UPDATE queue_job SET date_created = date_created - interval '1 minute'"
    )
    # Within a minute the cron looks whether it is needed.
    stage.wait_settled(broadcast)

    assert taken(stage) == 100
    assert wait_until(lambda: sent_by_cron(stage) >= 100, 30)
    assert_nobody_lost_nobody_twice(stage)


def test_uninstalled_it_leaves_nothing_behind(odoo_env, template):
    database = odoo_env.database()
    odoo.install(database, ["queue_job"])
    before = snapshot(database)
    odoo.install(database, [layout.JOBS_ADDON])
    assert odoo.run_code(database, USE) == 1
    assert difference(snapshot(database), before)["external ids"]

    odoo.run_code(database, UNINSTALL)

    after = snapshot(database)
    assert difference(after, before) == {}
    assert difference(before, after) == {}
    left = odoo_env.connect(database).cursor()
    left.execute("SELECT count(*) FROM queue_job")
    assert left.fetchone() == (0,)
