"""Odoo's ``sms_twilio``: a mass SMS, its queue sent, its statuses received."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from tools import layout, odoo, postgres, venv
from tools.processes import Process, free_port, is_listening
from tools.testbed import Testbed

from .. import leads
from ..workbench import LATENCY_SECONDS, Workbench

MODULES = ["crm", "mass_mailing_crm_sms", "sms_twilio"]
MESSAGES = 60

#: Runs in Odoo's shell: the account, and a lead to be multiplied.
PREPARE = """
env.company.write(dict(
    sms_provider="twilio", sms_twilio_account_sid="AC" + "0" * 32,
    sms_twilio_auth_token="f" * 32,
))
env["sms.twilio.number"].create(
    dict(number="+15550100001", country_id=env.ref("base.us").id))
result = env["crm.lead"].create(dict(name="Lead", phone="+12015550100")).id
env.cr.commit()
"""

#: Runs in Odoo's shell: makes the mailing's messages, as "Send" does.
MAIL = """
import time
from odoo import sql_db
mailing = env["mailing.mailing"].create(dict(
    mailing_type="sms", subject="Bench", body_plaintext="Your order is ready.",
    mailing_model_id=env["ir.model"]._get_id("crm.lead"), mailing_domain="[]",
))
env.cr.commit()
before, start = sql_db.sql_counter, time.monotonic()
mailing.action_send_sms()
env.cr.commit()
seconds = time.monotonic() - start
count = env["sms.sms"].search_count([("mailing_id", "=", mailing.id)])
result = dict(count=count, rate=count / seconds,
    statements=(sql_db.sql_counter - before) / count)
"""

#: Runs in Odoo's shell: sends the queue as its cron does, to another address.
SEND = """
import time
import requests
from odoo import sql_db
original = requests.Session.request
def request(self, method, url, *args, **options):
    url = url.replace("https://api.twilio.com", {url!r})
    return original(self, method, url, *args, **options)
requests.Session.request = request
queue = env["sms.sms"]
waiting = [("state", "=", "outgoing"), ("to_delete", "!=", True)]
count = queue.search_count(waiting)
before, start, used = sql_db.sql_counter, time.monotonic(), time.process_time()
while queue.search_count(waiting):
    queue._process_queue()
    env.invalidate_all()
seconds, used = time.monotonic() - start, time.process_time() - used
assert queue.search_count([("state", "=", "pending")]) == count
result = dict(rate=count / seconds, milliseconds=1000 * used / count,
    statements=(sql_db.sql_counter - before) / count)
"""

#: Runs in Odoo's shell: what Twilio would post for each message.
SIGN = """
from odoo.addons.sms_twilio.tools.sms_twilio import (
    generate_twilio_sms_callback_signature as sign)
company = env.company.sudo()
result = [
    [sms.uuid, sign(company, sms.uuid, dict(SmsStatus="delivered"))]
    for sms in env["sms.sms"].search([])
]
"""


@contextmanager
def prepared(count: int) -> Iterator[tuple[Testbed, str]]:
    """Yield a testbed and a database with the account and ``count`` leads."""
    template = odoo.template("bench_sms", MODULES)
    testbed = Testbed()
    database = postgres.database_name("bench_sms")
    with closing(testbed):
        odoo.copy(template, database)
        try:
            leads.multiply(database, testbed.run(database, PREPARE), count)
            yield testbed, database
        finally:
            odoo.drop(database)


def send(bench: Workbench) -> dict:
    """Send a few messages; return ``rate``, ``milliseconds`` and ``statements``.

    One after the other, so that more of them would give the same figures.
    """
    count = bench.scaled(MESSAGES, least=20)
    with prepared(count) as (testbed, database), _provider() as url:
        testbed.run(database, MAIL + "env.cr.commit()")
        return testbed.run(database, SEND.format(url=url), 600)


def freeze(bench: Workbench) -> dict:
    """Make a mass SMS to 5,000 leads; return ``rate``, ``count``, ``statements``."""
    with prepared(bench.scaled(5000, least=500)) as (testbed, database):
        return testbed.run(database, MAIL, 600)


@contextmanager
def _provider() -> Iterator[str]:
    """Yield the address of what stands in for Twilio, as slow as the sandbox."""
    process, port = Process("bench_twilio"), free_port()
    command = [venv.PYTHON, "-m", "benchmarks.peers.twilio_server"]
    process.start([*command, str(port), str(LATENCY_SECONDS)], cwd=layout.ROOT)
    try:
        process.wait_ready(lambda: is_listening(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()
