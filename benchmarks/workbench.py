"""What the rows share: connected stages, and results that several rows show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import cached_property
from typing import TypeVar

from tools import layout, odoo, postgres
from tools.console import Problem
from tools.stage import NUMBER_ID, Stage
from tools.testbed import Testbed

T = TypeVar("T")

#: The provider's time to answer, for us and for every peer that calls one.
LATENCY = "150ms"
LATENCY_SECONDS = 0.15
#: What a number may send in a second: by default, and after the upgrade.
USUAL, FAST = 80, 1000
ADDONS = layout.ROOT / "benchmarks" / "addons"
#: Not inside a broadcast's time window, whatever the hour: no marketing.
TEMPLATE, TEMPLATE_WITH_VARIABLES = "hello_world", "appointment_reminder"


class Workbench:
    """Starts what a row measures; everything is stopped and removed by ``close``.

    :param float scale: shortens runs and audiences, 1 for the real ones
    :param float send_seconds: length of the run at 80 messages a second
    """

    def __init__(self, scale: float, send_seconds: float) -> None:
        self.scale = scale
        self.send_seconds = send_seconds * scale
        self._ending = ExitStack()
        self._results: dict[Callable, object] = {}

    def close(self) -> None:
        """Stop and remove everything, the newest first."""
        self._ending.close()

    def scaled(self, count: int, least: int = 1) -> int:
        """Return a number of things for this scale."""
        return max(least, int(count * self.scale))

    def once(self, measure: Callable[[Workbench], T]) -> T:
        """Return ``measure(self)``, measured at the first call only."""
        if measure not in self._results:
            self._results[measure] = measure(self)
        return self._results[measure]

    def keep(self, context: AbstractContextManager[T]) -> T:
        """Enter a context that is left when the bench ends."""
        return self._ending.enter_context(context)

    @cached_property
    def connected(self) -> Stage:
        """A database with a connected account, to be copied."""
        testbed = self.keep(closing(Testbed()))
        stage = Stage(testbed.server(testbed.database()), testbed.sandbox())
        unlimited = {"messaging_limit": "TIER_UNLIMITED"}
        stage.control(f"number/{NUMBER_ID}", **unlimited)
        stage.connect()
        stage.sandbox.stop()
        return stage

    @contextmanager
    def stage(
        self,
        rate: int,
        *sandbox_options: str,
        arguments: tuple[str, ...] = (),
        **server_options,
    ) -> Iterator[Stage]:
        """Yield a running stage whose number may send ``rate`` messages a second.

        :param arguments: for Odoo's command line
        :param server_options: of ``odoo.Server``
        """
        testbed = Testbed()
        try:
            sandbox = testbed.sandbox(
                f"--latency={LATENCY}",
                f"--messages-per-second={rate}",
                *sandbox_options,
            )
            stage = Stage(testbed.server(testbed.database(), **server_options), sandbox)
            odoo.copy(self.connected.database, stage.database)
            stage.move_in(self.connected.webhook_url, self.connected.key)
            _free_number(stage, rate)
            stage.server.start(*arguments)
            yield stage
        finally:
            testbed.close()


def _free_number(stage: Stage, rate: int) -> None:
    """Let the number use its whole rate: nobody writes to it here."""
    stage.execute(
        "UPDATE whatsapp_broadcast_number"
        " SET messages_per_second = %s, daily_limit = 0",
        rate,
    )
    columns = stage.query(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = 'whatsapp_broadcast_number' AND column_name = 'reserve'"
    )
    if columns:
        stage.execute("UPDATE whatsapp_broadcast_number SET reserve = 0")


def analyze(stage: Stage) -> None:
    """Let no measurement wait for a table that PostgreSQL has not looked at yet."""
    with closing(postgres.connect(stage.database)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def check_fsync() -> None:
    """Raise unless PostgreSQL writes to disk as it must in earnest."""
    with postgres.admin() as cursor:
        cursor.execute("SHOW fsync")
        if cursor.fetchone() != ("on",):
            raise Problem("make bench: set fsync = on in PostgreSQL's configuration.")
