"""Data and helpers that the tests share."""

import json
import os
from datetime import timedelta
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo import fields
from odoo.fields import Command
from odoo.tests import HttpCase, TransactionCase, new_test_user
from odoo.tools import SQL, mute_logger

from .. import engine
from ..providers import Response
from ..providers.transport import Transport
from ..tools import secrets
from ..tools.transactions import engine_transaction

GROUPS = {
    "user": "whatsapp_broadcast.group_user",
    "manager": "whatsapp_broadcast.group_manager",
    "administrator": "whatsapp_broadcast.group_administrator",
}


class BroadcastCommon(TransactionCase):
    """A connected account with one number and one template, users, and no leads."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keys = Fernet.generate_key().decode()
        cls.startClassPatcher(
            patch.dict(os.environ, {secrets.ENVIRONMENT_VARIABLE: cls.keys})
        )
        cls.startClassPatcher(patch.object(Transport, "__call__", _refuse_call))
        cls.env = cls.env(context={**cls.env.context, "mail_create_nosubscribe": True})
        cls.company = cls.env["res.company"].create(
            {"name": "Garden", "country_id": cls.env.ref("base.us").id}
        )
        # Phones of tests are American, and marketing does not go there.
        cls.env["whatsapp.broadcast.restriction"].search([]).unlink()
        cls.user = cls.make_user("user", "user")
        cls.other_user = cls.make_user("other", "user")
        cls.manager = cls.make_user("manager", "manager")
        cls.administrator = cls.make_user("administrator", "administrator")
        cls.account = cls.make_account("Garden")
        cls.number = cls.make_number(cls.account, "Shop")
        cls.template = cls.make_template(cls.account, "news", "Hello")

    # === DATA === #

    @classmethod
    def make_user(cls, login, group=None, company=None, **values):
        """Make a salesperson of ``company`` who sees all leads of it."""
        groups = ["base.group_user", "sales_team.group_sale_salesman_all_leads"]
        company = company or cls.company
        return new_test_user(
            cls.env,
            f"wb_{login}",
            groups=",".join([*groups, *([GROUPS[group]] if group else [])]),
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            **values,
        )

    @classmethod
    def make_company(cls, name="Elsewhere"):
        return cls.env["res.company"].create({"name": name})

    @classmethod
    def make_account(cls, name, state="connected", **values):
        account = cls.env["whatsapp.broadcast.account"].create(
            {
                "name": name,
                "api_url": "https://graph.example/v23.0",
                "app_id": "900",
                "business_account_id": f"waba-{name}",
                **values,
            }
        )
        account._write_protected({"state": state})
        return account

    @classmethod
    def make_number(cls, account, name, companies=(), **values):
        return cls.env["whatsapp.broadcast.number"].create(
            {
                "name": name,
                "account_id": account.id,
                "external_id": f"number-{name}",
                "phone": "+15550100001",
                "state": "connected",
                "company_ids": [Command.set([company.id for company in companies])],
                **values,
            }
        )

    @classmethod
    def make_template(cls, account, name, body, state="approved", **values):
        template = cls.env["whatsapp.broadcast.template"].create(
            {
                "account_id": account.id,
                "name": name,
                "body": body,
                "category": "utility",
                **values,
            }
        )
        template._write_protected({"state": state, "external_id": f"id-{name}"})
        return template

    @classmethod
    def make_variable(cls, template, name="1", **values):
        """Return the variable, which a template that names it has already."""
        variables = cls.env["whatsapp.broadcast.template.variable"]
        component = values.get("component", "body")
        known = template.variable_ids.filtered(
            lambda variable: (variable.component, variable.name) == (component, name)
        )
        known.write(values)
        return known or variables.create(
            {"template_id": template.id, "name": name, **values}
        )

    @classmethod
    def make_lead(cls, phone=False, **values):
        return cls.env["crm.lead"].create(
            {
                "name": phone or "Lead",
                "phone": phone,
                "country_id": cls.env.ref("base.us").id,
                "company_id": cls.company.id,
                "user_id": cls.user.id,
                **values,
            }
        )

    @classmethod
    def make_leads(cls, count, **values):
        """Make leads with valid, different phones."""
        return cls.env["crm.lead"].union(
            *(cls.make_lead(phone(n), **values) for n in range(count))
        )

    @classmethod
    def make_broadcast(cls, leads=None, user=None, **values):
        """Make a draft of ``user``, in his environment."""
        picked = {} if leads is None else {"lead_ids": [Command.set(leads.ids)]}
        return (
            cls.env["whatsapp.broadcast"]
            .with_user(user or cls.user)
            .create(
                {
                    "number_id": cls.number.id,
                    "template_id": cls.template.id,
                    **picked,
                    **values,
                }
            )
        )

    def make_prepared(self, count=1, state="sending", **values):
        """Make a broadcast that was launched and has ``count`` queued rows."""
        broadcast = self.make_broadcast(self.make_leads(count), **values)
        broadcast.action_launch()
        self.run_prepare()
        broadcast._write_protected({"state": state})
        return broadcast

    @classmethod
    def make_choice(cls, address, kind="opt_out", purpose="marketing", **values):
        """Let a person have chosen, by a name of his."""
        return cls.env["whatsapp.broadcast.choice"].create(
            {
                "kind": kind,
                "address": address,
                "purpose": purpose,
                "channel": "keyword",
                "since": fields.Datetime.now(),
                **values,
            }
        )

    # === DOING === #

    def follow_frozen_time(self):
        """Let ``freeze_time`` decide what the database's clock says to the models."""
        self.patch(
            type(self.env["whatsapp.broadcast"]),
            "_now",
            lambda _broadcasts: fields.Datetime.now(),
        )

    def run_prepare(self):
        """Run the cron that freezes audiences, as the scheduler would."""
        cron = self.env.ref("whatsapp_broadcast.ir_cron_prepare")
        with self.enter_registry_test_mode():
            self.assertIs(cron.method_direct_trigger(), True)

    def merge(self, *events, account=None):
        """Receive events at an account's door, one delivery each, and merge them."""
        account = account or self.account
        with self.enter_registry_test_mode():
            for event in events:
                self.env["whatsapp.broadcast.event"]._receive(account.id, b"{}")
                self.env.flush_all()
                engine.merge(
                    engine_transaction(self.env.registry),
                    lambda _account, _payload, event=event: [event],
                )
        self.env.invalidate_all()

    def settle(self, recipients, state, **columns):
        """Set what the engine would have written."""
        recipients.flush_recordset()
        values = {"state": state, "due_at": None, **columns}
        assignments = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(column), value)
            for column, value in values.items()
        )
        self.env.cr.execute(
            SQL(
                "UPDATE whatsapp_broadcast_recipient SET %s WHERE id IN %s",
                assignments,
                tuple(recipients.ids),
            )
        )
        recipients.invalidate_recordset()
        recipients.broadcast_id.invalidate_recordset()

    def answer(self, *answers):
        """Let the transport give canned (status, data) answers.

        :return: the list that collects the requests
        """
        remaining, requests = list(answers), []

        def call(_transport, request):
            requests.append(request)
            status, data = remaining.pop(0)
            return Response(status, json.dumps(data).encode())

        self.startPatcher(patch.object(Transport, "__call__", call))
        return requests

    # === SEEING === #

    def reasons(self, broadcast):
        """Return {phone: skip reason, or the state of those not left out}."""
        return {
            row.phone: row.skip_reason or row.state for row in broadcast.recipient_ids
        }

    def reviewed(self, *args, **values):
        """Make a broadcast, review it and return :meth:`reasons`."""
        broadcast = self.make_broadcast(*args, **values)
        broadcast.action_review()
        return self.reasons(broadcast)


class BroadcastHttpCommon(BroadcastCommon, HttpCase):
    """Calls over JSON-2 with real HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api_keys = {}

    def api_key(self, user):
        if user not in self.api_keys:
            # One key serves all tests of a class: made outside of their savepoints.
            env = user.with_user(user).env
            self.api_keys[user] = env["res.users.apikeys"]._generate(
                scope="rpc",
                name="test",
                expiration_date=fields.Datetime.now() + timedelta(hours=1),
            )
            self.addCleanup(self.api_keys.pop, user)
        return self.api_keys[user]

    def post(self, user, model, method, ids=(), **arguments):
        """POST to JSON-2 and return the answer as it came."""
        body = {"ids": list(ids), **arguments} if ids else arguments
        return self.url_open(
            f"/json/2/{model}/{method}",
            json=body,
            headers={"Authorization": f"Bearer {self.api_key(user)}"},
            method="POST",
        )

    def call(self, user, model, method, ids=(), **arguments):
        """Return the result of a call that must succeed."""
        answer = self.post(user, model, method, ids, **arguments)
        self.assertEqual(answer.status_code, 200, answer.text)
        return answer.json()

    def assert_refused(self, user, model, method, ids=(), *, error=None, **arguments):
        """Assert that a call is refused with a user's error, and return its text."""
        with mute_logger("odoo.http"):
            answer = self.post(user, model, method, ids, **arguments)
        data = answer.json() if answer.status_code != 200 else {}
        name = data.get("name", "").rpartition(".")[2]
        expected = [error] if error else ["AccessError", "UserError", "ValidationError"]
        self.assertIn(name, expected, f"{model}.{method}{arguments}: {answer.text}")
        return data["message"]


def phone(position):
    """Return the ``position``-th of many valid American phones, in E.164."""
    return f"+1212{2000000 + position}"


def _refuse_call(_transport, request):
    raise AssertionError(f"An unexpected call to the provider: {request}")
