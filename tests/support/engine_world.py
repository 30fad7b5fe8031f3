"""A database with rows for the engine, and connections to it as the engine has them."""

import itertools
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import psycopg2.extensions
from engine import limiter, queries
from engine.claim import claim
from engine.consents import Wish, record
from engine.driver import Lane
from engine.people import Encounter, meet
from engine.result import Result
from engine.results import write

from tools import postgres


class Cursor(psycopg2.extensions.cursor):
    """A cursor that gives rows as dicts, as Odoo's does."""

    def dictfetchall(self):
        names = [column.name for column in self.description]
        return [dict(zip(names, row, strict=True)) for row in self.fetchall()]


class Channel:
    """A number's channel that learns nothing; tests send nothing."""

    def __init__(self, messages_per_second=80):
        self.messages_per_second = messages_per_second

    def learn(self, cr, broadcast_ids):
        pass


class World:
    """Numbers, broadcasts and recipients, made by SQL."""

    def __init__(self, database):
        self.database = database
        self._names = itertools.count(1)

    @contextmanager
    def transaction(self):
        """A short READ COMMITTED transaction on a connection of its own."""
        with closing(postgres.connect(self.database)) as connection:
            with connection, connection.cursor(cursor_factory=Cursor) as cr:
                cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                yield cr

    def query(self, statement, *values):
        """Return all rows of a statement, or None if it gives none."""
        with self.transaction() as cr:
            cr.execute(statement, values)
            return cr.fetchall() if cr.description else None

    def clear(self):
        """Delete everything again."""
        tables = "_recipient _message  _template _number _account _pace"
        for name in tables.split(" "):
            self.query(f"DELETE FROM whatsapp_broadcast{name}")
        for table in ("crm_lead", "phone_blacklist", "whatsapp_broadcast_choice"):
            self.query(f"DELETE FROM {table}")
        self.cap(0)

    def cap(self, count, days=1):
        """Let a person get so much marketing in so many days; 0: any."""
        self.query(
            "UPDATE res_company SET whatsapp_cap_count = %s, whatsapp_cap_days = %s",
            count,
            days,
        )

    def add(self, table, **values):
        """Insert a row and return its id."""
        columns, places = ", ".join(values), ", ".join(["%s"] * len(values))
        [(id_,)] = self.query(
            f"INSERT INTO whatsapp_broadcast{table} ({columns}) VALUES ({places})"
            " RETURNING id",
            *values.values(),
        )
        return id_

    def change(self, table, id_, **values):
        """Update a row."""
        columns = ", ".join(f"{name} = %s" for name in values)
        self.query(
            f"UPDATE whatsapp_broadcast{table} SET {columns} WHERE id = %s",
            *values.values(),
            id_,
        )

    def account(self, **values):
        """Add a connected account."""
        name = f"Account {next(self._names)}"
        defaults = {
            "name": name,
            "webhook_token": name,
            "provider": "meta",
            "api_url": "http://127.0.0.1",
            "state": "connected",
            "active": True,
            "reach_margin": 0,
        }
        return self.add("_account", **{**defaults, **values})

    def number(self, account=None, **values):
        """Add a number that may send 80 messages a second, none kept free."""
        name = f"Number {next(self._names)}"
        defaults = {
            "account_id": account or self.account(),
            "name": name,
            "external_id": name,
            "messages_per_second": 80,
            "reserve": 0,
            "daily_limit": 0,
            "state": "connected",
            "quality": "green",
            "active": True,
        }
        return self.add("_number", **{**defaults, **values})

    def template(self, account, **values):
        """Add an approved template."""
        name = f"template_{next(self._names)}"
        defaults = {
            "account_id": account,
            "name": name,
            "language": "en_US",
            "category": "marketing",
            "state": "approved",
            "parameter_format": "positional",
            "header_type": "none",
            "body": "Hello",
        }
        return self.add("_template", **{**defaults, **values})

    def broadcast(self, number, people, template=None, **values):
        """Add a broadcast that is sending to ``people`` (a count, or phones)."""
        [(account,)] = self.query(
            "SELECT account_id FROM whatsapp_broadcast_number WHERE id = %s", number
        )
        defaults = {
            "name": f"Broadcast {next(self._names)}",
            "user_id": 1,
            "company_id": 1,
            "number_id": number,
            "account_id": account,
            "message_type": "template",
            "template_id": template or self.template(account),
            "launched_category": "marketing",
            "audience_type": "leads",
            "audience_model": "crm.lead",
            "state": "sending",
            "messages_per_minute": 0,
            "batch_size": 0,
            "recurrence": "none",
            "recurrence_interval": 1,
            "send_window": "always",
            "send_window_start": 9,
            "send_window_end": 20,
            "company_tz": "UTC",
            **dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), True),
        }
        broadcast = self.add("", **{**defaults, **values})
        self.recipients(broadcast, people)
        with self.transaction() as cr:
            cr.execute(queries.ADD_LANES, {"lane_rate": limiter.LANE_RATE})
        return broadcast

    def recipients(self, broadcast, people):
        """Add queued recipients that are due."""
        if isinstance(people, int):
            people = [f"+1201555{n:04d}" for n in range(1000, 1000 + people)]
        self.query(
            """
            INSERT INTO whatsapp_broadcast_recipient (broadcast_id, account_id,
                number_id, company_id, template_id, address, phone, state, due_at,
                attempt_count)
            SELECT b.id, b.account_id, b.number_id, b.company_id, b.template_id, phone,
                phone, 'queued', clock_timestamp() AT TIME ZONE 'UTC', 0
            FROM whatsapp_broadcast b, unnest(%s) AS phone WHERE b.id = %s
            """,
            people,
            broadcast,
        )

    def message(self, number, phone="+12015550100", **values):
        """Add a single message out that is due."""
        [(account,)] = self.query(
            "SELECT account_id FROM whatsapp_broadcast_number WHERE id = %s", number
        )
        [(now,)] = self.query("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        defaults = {
            "number_id": number,
            "account_id": account,
            "direction": "out",
            "message_type": "template",
            "template_id": values.get("template_id") or self.template(account),
            "address": phone,
            "phone": phone,
            "state": "queued",
            "due_at": now,
            "attempt_count": 0,
        }
        message = self.add("_message", **{**defaults, **values})
        with self.transaction() as cr:
            cr.execute(queries.ADD_LANES, {"lane_rate": limiter.LANE_RATE})
        return message

    def meet(self, number, phone):
        """Let a person write to a number now."""
        [(account, now)] = self.query(
            "SELECT account_id, clock_timestamp() AT TIME ZONE 'UTC'"
            " FROM whatsapp_broadcast_number WHERE id = %s",
            number,
        )
        with self.transaction() as cr:
            meet(cr, [Encounter(account, number, phone, at=now)])

    def stop(self, number, phone="", user_ref=""):
        """Let a person write STOP to a number now."""
        [(account, now)] = self.query(
            "SELECT account_id, clock_timestamp() AT TIME ZONE 'UTC'"
            " FROM whatsapp_broadcast_number WHERE id = %s",
            number,
        )
        person = Encounter(account, number, phone, user_ref, at=now)
        with self.transaction() as cr:
            cr.execute(queries.LOCK_PEOPLE)
            meet(cr, [person])
            record(cr, Wish(tuple(person.names), "opt_out", "all", "keyword", now))

    def opt_out(self, address):
        """Let a person have opted out of marketing by all companies."""
        self._choose(address, "opt_out")

    def opt_in(self, address):
        """Let a person have consented to marketing by all companies."""
        self._choose(address, "opt_in")

    def _choose(self, address, kind):
        with self.transaction() as cr:
            now = datetime.now(UTC).replace(tzinfo=None)
            record(cr, Wish((address,), kind, "marketing", "form", now))

    def lane(self, number, rate=80):
        """Return a lane of a number, as a driver holds it."""
        return Lane(0, number, Channel(rate), turn=0)

    def claim(self, lane, room=1000):
        """Let a lane claim once; return the jobs."""
        with self.transaction() as cr:
            clock = limiter.Clock()
            clock.ask(cr)
            return claim(cr, lane, room, clock)

    def free_pace(self):
        """Let time pass for all limits: their next slots are there."""
        self.query(
            "UPDATE whatsapp_broadcast_pace SET next_slot_at = next_slot_at"
            " - interval '1 hour', counted_at = NULL"
        )

    def write(self, jobs, **result):
        """Write the same result for some jobs."""
        with self.transaction() as cr:
            write(cr, [(job, Result(**result)) for job in jobs])

    def states(self, broadcast):
        """Return {state: rows in it}."""
        return dict(
            self.query(
                "SELECT state, count(*) FROM whatsapp_broadcast_recipient"
                " WHERE broadcast_id = %s GROUP BY 1",
                broadcast,
            )
        )

    def read(self, id_, *names, table=""):
        """Return values of a broadcast, or of another row; a single one bare."""
        [row] = self.query(
            f"SELECT {', '.join(names)} FROM whatsapp_broadcast{table} WHERE id = %s",
            id_,
        )
        return row if len(names) > 1 else row[0]
