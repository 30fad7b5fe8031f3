"""A database connected to a sandbox: where the demo plays, and tests and benchmarks."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

from . import odoo, postgres
from .sandbox import Sandbox

APP_ID, WABA_ID = "700000000000001", "100000000000001"
NUMBER_ID = "200000000000001"

#: Runs in Odoo's shell: connects the account and maps the variables of templates.
CONNECT = """
env = env(user=env.ref("base.user_admin"))
env["ir.config_parameter"].set_param("web.base.url", {odoo_url!r})
accounts = env["whatsapp.broadcast.account"]
values = dict(
    name="Sandbox", app_id={app_id!r}, business_account_id={waba_id!r},
    api_url={sandbox_url!r} + "/v23.0", access_token="sandbox-token",
    app_secret="sandbox-app-secret", verify_token="sandbox-verify-token",
)
account = accounts.search([("business_account_id", "=", {waba_id!r})])
account.write(values) if account else (account := accounts.create(values))
account.action_connect()
for variable in account.template_ids.variable_ids:
    if variable.name in ("1", "customer_name") and variable.component == "body":
        variable.write(dict(value_type="recipient_name"))
    else:
        text = "spring" if variable.component == "button" else "May 31"
        variable.write(dict(value_type="text", text=text))
# The same people are written to again and again here.
env["res.company"].search([]).whatsapp_cap_count = 0
env.cr.commit()
result = account.webhook_url
"""

#: Runs in Odoo's shell: a salesperson who may send, with an API key.
SALESPERSON = """
groups = ["sales_team.group_sale_salesman", "whatsapp_broadcast.group_user"]
user = env["res.users"].search([("login", "=", {login!r})]) or env["res.users"].create(
    dict(name="Salesperson", login={login!r}, password={login!r},
        email="sales@example.com")
)
user.group_ids = [(4, env.ref(name).id) for name in groups]
result = env(user=user)["res.users.apikeys"].sudo()._generate("rpc", "stage", None)
env.cr.commit()
"""


def phones(count: int, first: int = 0) -> list[str]:
    """Return valid phones, none of which ends in an error code of the sandbox."""
    return [f"+1201555{n:04d}" for n in range(first + 1000, first + 1000 + count)]


class Refused(Exception):
    """Odoo refused a call; the text is its message."""


class Stage:
    """An Odoo server and a sandbox that know each other."""

    login = "sales"

    def __init__(self, server: odoo.Server, sandbox: Sandbox) -> None:
        self.server = server
        self.sandbox = sandbox
        self.database = server.database
        self.webhook_url = ""
        self.key = ""

    def connect(self, *, restricted: bool = False) -> None:
        """Connect the account, and make the salesperson.

        :param restricted: whether marketing to the United States is left out; the
            phones of :func:`phones` are American
        """
        self.webhook_url = self.run(
            CONNECT,
            odoo_url=self.server.url,
            sandbox_url=self.sandbox.url,
            app_id=APP_ID,
            waba_id=WABA_ID,
        )
        self.key = self.run(SALESPERSON, login=self.login)
        if not restricted:
            self.execute("UPDATE whatsapp_broadcast_restriction SET active = FALSE")

    def verify_webhook(self) -> None:
        """Do what the provider's dashboard does on "Verify and save" and "Test".

        Returns when the account has heard it; TimeoutError after a minute.
        """
        self.control("webhook/verify", callback_url=self.webhook_url)
        self.control("webhook/test", fields=["messages"])
        end = time.monotonic() + 60
        while self.query(
            "SELECT 1 FROM whatsapp_broadcast_account WHERE state = 'deaf'"
        ):
            if time.monotonic() > end:
                raise TimeoutError(f"No webhook arrived; see {self.server.process.log}")
            time.sleep(0.1)

    def run(self, code: str, **values) -> object:
        """Run code in Odoo's shell with values filled in; return its ``result``."""
        return odoo.run_code(self.database, code.format(**values))

    def move_in(self, webhook_url: str, key: str) -> None:
        """Use a copy of a connected database; before the server starts."""
        self.key = key
        self.webhook_url = f"{self.server.url}{urlsplit(webhook_url).path}"
        self.execute(
            "UPDATE ir_config_parameter SET value = %s WHERE key = 'web.base.url'",
            self.server.url,
        )
        self.execute(
            "UPDATE whatsapp_broadcast_account SET api_url = %s",
            f"{self.sandbox.url}/v23.0",
        )
        # It is a copy on purpose: the guard against copies shall not see it.
        self.execute(
            "DELETE FROM ir_config_parameter WHERE key = 'whatsapp_broadcast.origin'"
        )
        self.execute("DELETE FROM whatsapp_broadcast_pace")

    def make_leads(self, phones: list[str]) -> list[int]:
        """Make a lead of the salesperson for each phone; return the ids."""
        leads = [
            {"name": f"Lead {n}", "contact_name": f"Person {n}", "phone": phone}
            for n, phone in enumerate(phones)
        ]
        return self.call("crm.lead", "create", vals_list=leads)

    def call(self, model: str, method: str, ids=None, **arguments) -> object:
        """Call a method over JSON-2 as the salesperson; raise Refused."""
        if ids is not None:
            arguments["ids"] = ids if isinstance(ids, list) else [ids]
        request = urllib.request.Request(
            f"{self.server.url}/json/2/{model}/{method}",
            json.dumps(arguments).encode(),
            {"Authorization": f"bearer {self.key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from None

    def broadcast(
        self, leads: list[int], template: str = "spring_offer", **more
    ) -> int:
        """Make a draft for leads; return its id."""
        [number] = self.call(
            "whatsapp.broadcast.number",
            "search",
            domain=[["external_id", "=", more.pop("number", NUMBER_ID)]],
        )
        [template_id] = self.call(
            "whatsapp.broadcast.template",
            "search",
            domain=[["name", "=", template], ["language", "=", "en_US"]],
        )
        values = {
            "number_id": number,
            "template_id": template_id,
            "audience_type": "leads",
            "lead_ids": [[6, 0, leads]],
            "send_window": "always",  # also when it is run by night
            **more,
        }
        [broadcast] = self.call("whatsapp.broadcast", "create", vals_list=[values])
        return broadcast

    def launch(self, leads: list[int], **more) -> int:
        """Make and launch a broadcast; return its id."""
        broadcast = self.broadcast(leads, **more)
        self.call("whatsapp.broadcast", "action_launch", broadcast)
        return broadcast

    def stats(self, broadcast: int) -> dict:
        """Return the counters, and the state."""
        counters = self.call("whatsapp.broadcast", "get_stats", broadcast)
        [row] = self.call(
            "whatsapp.broadcast", "read", broadcast, fields=["state", "state_reason"]
        )
        return {**counters, **row}

    def wait(
        self, broadcast: int, until: Callable[[dict], bool], seconds: float = 60
    ) -> dict:
        """Poll the counters until a condition holds; TimeoutError with them if not."""
        end = time.monotonic() + seconds
        while not until(stats := self.stats(broadcast)):
            if time.monotonic() > end:
                raise TimeoutError(f"{stats}; see {self.server.process.log}")
            time.sleep(0.2)
        return stats

    def wait_settled(self, broadcast: int, seconds: float = 90) -> dict:
        """Wait until it is done and the sandbox has nothing left to tell."""

        def settled(stats):
            return stats["state"] == "done" and self.is_quiet() and self.is_merged()

        self.wait(broadcast, settled, seconds)
        # Anew: what came between the counters and the last look is in these only.
        return self.stats(broadcast)

    def is_quiet(self) -> bool:
        """Tell whether the sandbox has no webhook left to send."""
        return self.control("state")["events"]["pending"] == 0

    def is_merged(self) -> bool:
        """Tell whether the inbox is empty."""
        [(waiting,)] = self.query(
            "SELECT count(*) FROM whatsapp_broadcast_event WHERE processed_at IS NULL"
        )
        return waiting == 0

    def control(self, path: str, **body) -> dict:
        """Call the sandbox's control API: GET without a body, else POST."""
        request = urllib.request.Request(
            f"{self.sandbox.url}/_sandbox/{path}",
            json.dumps(body).encode() if body else None,
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.read().decode()) from None

    def query(self, statement: str, *parameters) -> list[tuple]:
        """Read from the database directly."""
        with closing(postgres.connect(self.database)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall()

    def execute(self, statement: str, *parameters) -> None:
        """Change the database directly, as time or an accident would."""
        with closing(postgres.connect(self.database)) as connection:
            with connection, connection.cursor() as cursor:
                cursor.execute(statement, parameters)

    def compare_ledger(self) -> dict[str, Counter]:
        """Compare what the sandbox took with what the database says went out.

        :return: multisets of phones: ``lost`` (the database says accepted, the sandbox
            did not take it), ``duplicated`` (taken more often than once for a row),
            ``unexpected`` (taken, but the database says it did not go out)
        """
        taken = Counter(
            message["callback_data"]
            for message in self.sandbox.messages()
            if message["message_id"]
        )
        rows = dict(
            self.query(
                "SELECT token, state FROM whatsapp_broadcast_recipient"
                " WHERE token IS NOT NULL"
                " UNION ALL SELECT token, state FROM whatsapp_broadcast_message"
                " WHERE token IS NOT NULL"
            )
        )
        went_out = Counter(
            token
            for token, state in rows.items()
            if state in ("accepted", "held", "sent", "delivered", "read")
        )
        maybe = {
            token for token, state in rows.items() if state in ("unknown", "failed")
        }
        per_row = Counter(token.split("-")[0] for token in taken.elements())
        return {
            "lost": went_out - taken,
            "duplicated": Counter({k: n for k, n in per_row.items() if n > 1}),
            "unexpected": Counter(
                {k: n for k, n in (taken - went_out).items() if k not in maybe}
            ),
        }
