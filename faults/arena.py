"""What every row of the matrix plays in: databases, sandboxes, servers, people."""

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psycopg2

from tools import layout, odoo, postgres
from tools.processes import wait_until
from tools.stage import Stage
from tools.testbed import Testbed

from .tally import Row, Tally, compare

ADDONS = Path(__file__).parent / "addons"
#: The last six digits of a phone may name an error code of the sandbox; not these.
FIRST_SUFFIX, SUFFIXES = 200_000, 800_000
SANDBOX = (
    "--latency=150ms",
    "--status-delays=0.05",
    "--no-pair-limit",
    "--delivered=1",
    "--read=0",
    # One update a POST, as Meta may send them, is what the bench measures.
    "--batch=100",
    "--retry-pause=200ms",
)

PEOPLE = """
INSERT INTO crm_lead (name, contact_name, phone, phone_sanitized, user_id, company_id,
    type, active, won_status, create_date, write_date)
SELECT 'Person ' || n, 'Person ' || n, phone, phone, u.id, u.company_id,
    'lead', TRUE, 'pending', now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC'
FROM generate_series(%s, %s) AS n
CROSS JOIN LATERAL (
    SELECT '+1212' || 2 + n / %s || lpad((%s + n %% %s)::text, 6, '0') AS phone
) AS phones
JOIN res_users u ON u.login = %s
RETURNING id, phone
"""

#: Runs in Odoo's shell, several at a time: drives lanes as cron and queue jobs do.
DRIVE = """
import os, pathlib, time
folder = pathlib.Path({folder!r})
(folder / f"ready-{{os.getpid()}}").touch()
while not (folder / "go").exists():
    time.sleep(0.05)
end = time.monotonic() + {seconds}
lanes = env["whatsapp.broadcast.lane"]
while time.monotonic() < end:
    lanes._drive(lambda elapsed: elapsed < 2)
    env.cr.rollback()
    env.cr.execute(
        "SELECT count(*) FROM whatsapp_broadcast"
        " WHERE state IN ('preparing', 'sending')"
    )
    if not env.cr.fetchone()[0]:
        break
    env.cr.rollback()
    time.sleep(0.1)
result = True
"""


#: Seconds that a sender of ``Scene.drive`` sends at most.
DRIVE_SECONDS = 60


class Measure(NamedTuple):
    """A figure beside the tally, with its bounds."""

    name: str
    value: float
    unit: str
    at_most: float | None
    at_least: float | None

    @property
    def is_met(self) -> bool:
        """Tell whether it keeps its bounds."""
        too_much = self.at_most is not None and self.value > self.at_most
        too_little = self.at_least is not None and self.value < self.at_least
        return not too_much and not too_little

    def __str__(self) -> str:
        bounds = [(self.at_most, "≤"), (self.at_least, "≥")]
        wanted = [f"{sign} {bound:g}" for bound, sign in bounds if bound is not None]
        text = f"{self.name} {self.value:.4g}{self.unit}"
        text += f" ({', '.join(wanted)})" if wanted else ""
        return text if self.is_met else f"{text} MISSED"


@dataclass
class Options:
    """How thorough a run is.

    ``seed`` of all chance; ``times`` repetitions at a point; ``scale`` of the row with
    1,000,000 people.
    """

    seed: int = 1
    times: int = 5
    scale: float = 0.1


class Scene(Stage):
    """A stage that counts who is to get something, and can stand a dead server."""

    def __init__(self, server: odoo.Server, sandbox) -> None:
        super().__init__(server, sandbox)
        self.audience = Counter()
        self.points = Points()
        #: Rows may stay queued at the end, because a person has to decide.
        self.waiting = False
        #: Tokens of messages that the database cannot know: it was restored.
        self.forgotten: set[str] = set()
        self._people = 0

    def start(self, *arguments: str, **variables: str) -> None:
        """Start the server with points to die at."""
        start_server(self.server, self.points, *arguments, **variables)

    def people(self, count: int, meant: bool = True) -> list[int]:
        """Make leads with phones of their own; return the ids.

        :param meant: each is to get one message
        """
        first = self._people
        self._people += count
        span = (first, first + count - 1, SUFFIXES, FIRST_SUFFIX, SUFFIXES)
        with self.connection() as connection, connection.cursor() as cursor:
            cursor.execute(PEOPLE, [*span, self.login])
            rows = cursor.fetchall()
            connection.commit()
        if meant:
            self.audience.update(phone for _id, phone in rows)
        return [id_ for id_, _phone in rows]

    @contextmanager
    def connection(self) -> Iterator:
        """A connection of our own, closed at the end."""
        with closing(postgres.connect(self.database)) as connection:
            yield connection

    def ask(self, statement: str, *parameters) -> object:
        """Return the one value that a statement gives; None while nobody answers."""
        try:
            [(value,)] = self.query(statement, *parameters)
        except psycopg2.OperationalError:
            return None
        return value

    def taken(self) -> list[dict]:
        """Return what the sandbox took, in the order of arrival."""
        return [line for line in self.sandbox.messages() if line["message_id"]]

    def wait_taken(self, count: int, seconds: float = 60) -> None:
        """Wait until the sandbox took so many messages."""
        self._wait(lambda: len(self.taken()) >= count, f"{count} messages", seconds)

    def wait_state(self, state: str, seconds: float = 60) -> None:
        """Wait until the newest broadcast is in a state."""
        self._wait(lambda: self.state() == state, f"state {state}", seconds)

    def state(self) -> str | None:
        """Return the state of the newest broadcast."""
        return self.ask("SELECT state FROM whatsapp_broadcast ORDER BY id DESC LIMIT 1")

    def wait_rest(self, seconds: float = 120) -> None:
        """Wait until all is done, told and merged."""
        busy = (
            "SELECT (SELECT count(*) FROM whatsapp_broadcast WHERE state IN"
            " ('preparing', 'sending')) + (SELECT count(*) FROM"
            " whatsapp_broadcast_event WHERE processed_at IS NULL)"
            " + (SELECT count(*) FROM whatsapp_broadcast_recipient"
            " WHERE lease_until IS NOT NULL)"
            # What a cancelled broadcast has left is cancelled by the sender.
            " + (SELECT count(*) FROM whatsapp_broadcast_recipient r"
            " JOIN whatsapp_broadcast b ON b.id = r.broadcast_id"
            " WHERE r.due_at IS NOT NULL AND b.state <> 'paused')"
        )
        self._wait(lambda: self.ask(busy) == 0 and self.is_quiet(), "rest", seconds)

    def _wait(self, ready: Callable[[], bool], what: str, seconds: float) -> None:
        if not wait_until(ready, seconds):
            states = self.ask(
                "SELECT string_agg(state || ' ' || n, ', ') FROM (SELECT state,"
                " count(*) AS n FROM whatsapp_broadcast_recipient GROUP BY 1) AS s"
            )
            log = self.server.process.log
            raise TimeoutError(f"no {what} in {seconds:g} s ({states}); see {log}")

    def in_flight(self) -> int:
        """Return how many rows are being sent, by the database."""
        return self.ask(
            "SELECT count(*) FROM whatsapp_broadcast_recipient WHERE state = 'sending'"
        )

    def unknown(self) -> int:
        """Return how many rows are in doubt."""
        return self.ask(
            "SELECT count(*) FROM whatsapp_broadcast_recipient WHERE state = 'unknown'"
        )

    def expire_leases(self) -> None:
        """Let the leases of the dead end now, as they would in a minute."""
        for table in ("recipient", "lane"):
            self.execute(
                f"UPDATE whatsapp_broadcast_{table} SET lease_until = now() AT TIME"
                " ZONE 'UTC' - interval '1 second' WHERE lease_until IS NOT NULL"
            )
        # Odoo lets a job rest for a minute that died three times without progress.
        self.execute(
            "UPDATE ir_cron_progress SET timed_out_counter = 0"
            " WHERE timed_out_counter > 0"
        )

    def wake(self) -> None:
        """Let the cron workers look for work now, as they would in a minute."""
        with postgres.admin() as cursor:
            cursor.execute("SELECT pg_notify('cron_trigger', %s)", [self.database])

    def drive(self, count: int, launch: Callable[[], object]) -> None:
        """Let ``count`` more processes send what ``launch`` launches, to the end.

        :raise Problem: if one of them does not end well
        """
        with tempfile.TemporaryDirectory(prefix="drivers-") as folder:
            code = DRIVE.format(seconds=DRIVE_SECONDS, folder=folder)
            with ThreadPoolExecutor(count) as pool:
                drivers = [
                    pool.submit(odoo.run_code, self.database, code, 3 * DRIVE_SECONDS)
                    for _ in range(count)
                ]
                is_ready = wait_until(lambda: len(os.listdir(folder)) == count, 90)
                launch()
                (Path(folder) / "go").touch()
                for driver in drivers:
                    driver.result()
        if not is_ready:
            raise TimeoutError("the senders did not start")

    def tally(self) -> Tally:
        """Compare the ledger with the database, as they are now."""
        rows = self.query(
            "SELECT COALESCE(phone, ''), state, token, provider_message_id"
            " FROM whatsapp_broadcast_recipient"
        )
        return compare(
            self.audience,
            [Row(*row) for row in rows],
            self.sandbox.messages(),
            self.waiting,
            self.forgotten,
        )


class Points:
    """Orders to die at a point; see ``addons/fault_points``."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="fault-points-")
        self.folder = Path(self._temporary.name)

    def arm(self, point: str, after: int = 0) -> None:
        """Order that one process dies when it reaches ``point`` after some times."""
        (self.folder / "fired").unlink(missing_ok=True)
        order = self.folder / "order"
        order.write_text(json.dumps({"point": point, "after": after}))
        order.rename(self.folder / "armed")

    def disarm(self) -> None:
        """Withdraw an order that nobody took."""
        (self.folder / "armed").unlink(missing_ok=True)

    @property
    def has_fired(self) -> bool:
        """Tell whether somebody took the order, and died."""
        return (self.folder / "fired").exists()

    def wait_fired(self, seconds: float = 60) -> None:
        """Wait until somebody died; TimeoutError if the point was never reached."""
        if not wait_until(lambda: self.has_fired, seconds):
            order = (self.folder / "armed").read_text()
            raise TimeoutError(f"the point was not reached: {order}")

    def claims(self) -> list[float]:
        """Return how many milliseconds each claim took."""
        path = self.folder / "claims"
        return [float(line) for line in path.read_text().split()]


def start_server(
    server: odoo.Server, points: Points, *arguments: str, **variables: str
) -> None:
    """Start a server with points to die at."""
    server.start(
        f"--addons-path={layout.ROOT},{ADDONS}",
        "--load=base,rpc,web,whatsapp_broadcast,fault_points",
        *arguments,
        FAULT_POINTS=str(points.folder),
        **variables,
    )


@dataclass
class Arena:
    """What one row of the matrix has: scenes, chance, and a place for its figures."""

    options: Options
    testbed: Testbed
    connected: Stage
    measures: list[Measure] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.options.seed)

    def scene(
        self, *sandbox_options: str, start: bool = True, **server_options
    ) -> Scene:
        """Return a new scene whose server runs, unless told not to start it."""
        database = self.testbed.database(like=self.connected.database)
        seed = f"--seed={self.options.seed}"
        sandbox = self.testbed.sandbox(*SANDBOX, seed, *sandbox_options)
        scene = Scene(self.testbed.server(database, **server_options), sandbox)
        scene.move_in(self.connected.webhook_url, self.connected.key)
        self.scenes.append(scene)
        if start:
            self.open(scene)
        return scene

    def open(self, scene: Scene, *arguments: str, **variables: str) -> None:
        """Start a scene's server and connect the webhook."""
        scene.start(*arguments, **variables)
        scene.verify_webhook()

    def measure(
        self,
        name: str,
        value: float,
        unit: str = "",
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Keep a figure; the row misses if it breaks a bound."""
        self.measures.append(Measure(name, value, unit, at_most, at_least))

    def tally(self) -> Tally:
        """Return the sum over all scenes."""
        return sum((scene.tally() for scene in self.scenes), Tally())


def signal_master(scene: Scene, number: int, seconds: float = 60) -> float:
    """Send a signal to the server's master; return the seconds until it was gone."""
    pid, start = scene.server.process.pid, time.monotonic()
    os.kill(pid, number)
    if not wait_until(lambda: scene.server.process.pid is None, seconds):
        raise TimeoutError(f"the server did not end within {seconds:g} s")
    took = time.monotonic() - start
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # the gevent process outlives its master
    return took
