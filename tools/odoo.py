"""Odoo's servers, shells and databases of this checkout."""

import base64
import json
import os
import secrets
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

from . import layout, oca, odoo_source, postgres, stamps
from .console import Problem, run_logged, step
from .processes import Process, free_port, is_listening, remembered_port

CONFIG = layout.STATE / "odoo.conf"
KEY = layout.STATE / "secret-key"
RESULT_MARK = "=== result: "


def environment() -> dict[str, str]:
    """Return the environment in which Odoo's processes run."""
    own = {key: text for key, text in os.environ.items() if not key.startswith("ODOO_")}
    paths = {"PATH": layout.BROWSER / "bin", "PYTHONPATH": layout.OCA}
    searched = {
        name: os.pathsep.join([str(path), *filter(None, [own.get(name)])])
        for name, path in paths.items()
    }
    keys = {"WHATSAPP_BROADCAST_KEYS": encryption_key()}
    return {**own, **postgres.environment(), **keys, **searched}


def encryption_key() -> str:
    """Return this checkout's key for stored secrets; made once."""
    with stamps.lock("key"):
        if not KEY.exists():
            KEY.touch(mode=0o600)
            KEY.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
    return KEY.read_text()


def write_config() -> None:
    """Write the configuration that all Odoo processes of this checkout share."""
    addons = [layout.ROOT, *([oca.ADDONS] if oca.ADDONS.exists() else [])]
    names = {"PGHOST": "db_host", "PGPORT": "db_port", "PGUSER": "db_user"}
    database = {names[key]: value for key, value in postgres.environment().items()}
    options = {
        "addons_path": ",".join(map(str, addons)),
        "data_dir": layout.DATA,
        "http_interface": "127.0.0.1",
        "list_db": False,
        "screenshots": layout.LOG / "screenshots",
        **database,
    }
    lines = [f"{key} = {value}\n" for key, value in options.items()]
    CONFIG.write_text("".join(["[options]\n", *lines]))


def command(database: str, *arguments: str, verb: str = "server") -> list[str]:
    """Return the command line of an Odoo process on one database."""
    # No --db-filter: -d shows this database alone, and with a filter Odoo connects to
    # PostgreSQL anew for each request without a cookie, such as a webhook.
    own = ["-c", str(CONFIG), "-d", database]
    return [*odoo_source.ensure(), verb, *own, *arguments]


def install(database: str, modules: Iterable[str], demo: bool = False) -> None:
    """Install modules in a database, which is made if it does not exist."""
    names = ",".join(modules)
    options = ["-i", names, "--stop-after-init", "--no-http"]
    options += ["--with-demo"] if demo else []
    failure = f"Odoo could not install {names}"
    log = f"install-{database}.log"
    run_logged(command(database, *options), log, failure, env=environment())


def drop(database: str) -> None:
    """Remove a database and its stored files."""
    postgres.drop(database)
    shutil.rmtree(_filestore(database), ignore_errors=True)


def copy(source: str, target: str) -> None:
    """Make a database, and its stored files, as a copy of one that nobody uses."""
    drop(target)
    postgres.copy(source, target)
    if _filestore(source).exists():
        # Odoo never changes a stored file, so that both may share it.
        shutil.copytree(_filestore(source), _filestore(target), copy_function=os.link)


def template(name: str, modules: Iterable[str], demo: bool = False) -> str:
    """Return a database with modules installed, to be copied.

    It is made again when Odoo or an argument changes, and when an addon does if ours
    is among ``modules``.
    """
    modules = sorted(modules)
    database = postgres.database_name(f"template_{name}")
    own = addons_digest() if layout.ADDON in modules else ""
    value = stamps.digest(_odoo_stamp(), modules, demo, own)
    with stamps.lock(f"template-{name}"):
        if postgres.comment(database) != value:
            with step(f"making a database with {', '.join(modules)}"):
                _make_template(database, modules, demo)
            postgres.set_comment(database, value)
    return database


def demo_template() -> str:
    """Return the database with ``crm``, the addon and the demo data of both."""
    return template("demo", ["crm", layout.ADDON], demo=True)


def make_demo(database: str) -> None:
    """Make the demo database anew."""
    copy(demo_template(), database)
    postgres.set_comment(database, addons_digest())


def demo_updates(database: str) -> list[str]:
    """Return the options that bring the demo database up to the addon's present files.

    It is made if it does not exist.
    """
    made_from = postgres.comment(database)
    if made_from is None:
        make_demo(database)
    return [] if made_from in (None, addons_digest()) else ["-u", layout.ADDON]


def _make_template(database: str, modules: list[str], demo: bool) -> None:
    drop(database)
    try:
        install(database, modules, demo)
    except Problem:
        drop(database)
        raise


def addons_digest() -> str:
    """Return a short hash of the files of the checkout's addons."""
    found = (path for folder in layout.addon_folders() for path in folder.rglob("*"))
    sources = [path for path in found if path.is_file() and path.suffix != ".pyc"]
    return stamps.digest_files(sources)


def _odoo_stamp() -> str:
    stamp = layout.STAMPS / "odoo"
    return os.environ.get("ODOO_BIN") or stamp.read_text()


def _filestore(database: str) -> Path:
    return layout.DATA / "filestore" / database


def run_code(database: str, code: str, seconds: float = 120) -> object:
    """Run code in Odoo's shell; return what it assigned to ``result``, through JSON.

    ``env`` is there, as the superuser. What shall stay must be committed in the code.
    """
    ending = (
        f"\nimport json\nprint({RESULT_MARK!r} + json.dumps(globals().get('result')))\n"
    )
    options = ["--no-http", "--workers=0", "--max-cron-threads=0", "--log-level=warn"]
    answer = subprocess.run(
        command(database, *options, verb="shell"),
        input=code + ending,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    for line in answer.stdout.splitlines():
        if line.startswith(RESULT_MARK):
            return json.loads(line.removeprefix(RESULT_MARK))
    raise Problem(f"The code failed in Odoo's shell on {database}:\n{answer.stderr}")


class Server:
    """An Odoo server on one database: prefork workers, crons, and HTTP."""

    def __init__(
        self,
        database: str,
        name: str = "odoo",
        port: int | None = None,
        gevent_port: int | None = None,
        workers: int = 2,
        cron_threads: int = 2,
    ) -> None:
        self.database = database
        self.process = Process(name)
        self.port = port or free_port()
        self.gevent_port = gevent_port or free_port()
        self.workers = workers
        self.cron_threads = cron_threads

    @property
    def url(self) -> str:
        """The address of the web client."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *arguments: str, seconds: float = 60, **variables: str) -> None:
        """Start it and wait until it answers; ``variables`` add to its environment."""
        options = [
            f"--http-port={self.port}",
            f"--gevent-port={self.gevent_port}",
            f"--workers={self.workers}",
            f"--max-cron-threads={self.cron_threads}",
        ]
        line = command(self.database, *options, *arguments)
        self.process.start(line, env={**environment(), **variables})
        self.process.wait_ready(self._is_ready, seconds)

    def _is_ready(self) -> bool:
        if self.workers and not (
            is_listening(self.gevent_port) and self._crons_listen()
        ):
            return False
        try:
            with urllib.request.urlopen(f"{self.url}/web/health", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _crons_listen(self) -> bool:
        """Tell whether each cron worker waits for word; before, it sleeps a minute.

        It does once it has committed its LISTEN, the first that it commits there.
        """
        names = [f"odoo-{pid}" for pid in self.process.children()]
        with postgres.admin() as cursor:
            cursor.execute(
                "SELECT count(DISTINCT application_name) FROM pg_stat_activity"
                " WHERE datname = 'postgres' AND application_name = ANY(%s)"
                " AND state = 'idle' AND query = 'COMMIT'",
                [names],
            )
            return cursor.fetchone()[0] >= self.cron_threads

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.stop()

    def kill(self) -> None:
        """Kill the master, its workers and its gevent process at once."""
        self.process.kill()


def main_server(database: str) -> Server:
    """Return this checkout's one server for people, on its remembered ports."""
    is_running = bool(Process("odoo").pid)
    ports = (remembered_port(name, is_running) for name in ("http", "gevent"))
    return Server(database, "odoo", *ports)
