"""PostgreSQL clusters of this checkout: made, started and stopped."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from . import layout, machine, stamps
from .console import Problem, run_logged, step

USER = "odoo"
PORT = "5432"
# A socket's path has 107 bytes; PostgreSQL puts this name below the folder.
SOCKET_FOLDER_LIMIT = 107 - len(f"/.s.PGSQL.{PORT}")
SETTINGS = {
    "listen_addresses": "",
    "port": PORT,
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "log_line_prefix": "%m [%p] %d ",
}
INSTALLED = Path("/usr/lib/postgresql")
DEBIAN_DEFAULTS = "/etc/postgresql-common/createcluster.d"


class Cluster:
    """A private PostgreSQL cluster below ``.odoo/``, reached by its socket."""

    def __init__(self, name: str = "postgresql", socket: str = "socket") -> None:
        self.name = name
        self._socket = socket

    @property
    def data(self) -> Path:
        """Where its files are."""
        return layout.STATE / self.name

    @property
    def socket_folder(self) -> Path:
        """The private folder of its socket, short enough for one."""
        folder = layout.STATE / self._socket
        if len(str(folder)) <= SOCKET_FOLDER_LIMIT:
            return folder
        return Path("/tmp") / f"odoo-{os.getuid()}-{layout.CHECKOUT_ID}-{self._socket}"

    @property
    def environment(self) -> dict[str, str]:
        """libpq's variables that lead to it."""
        return {"PGHOST": str(self.socket_folder), "PGPORT": PORT, "PGUSER": USER}

    def ensure(self) -> None:
        """Make it unless it is there, and start it unless it runs."""
        with stamps.lock(self.name):
            if not self._is_made():
                with step("making a PostgreSQL cluster"):
                    self._make()
            if not self._is_running():
                self.start()

    def stop(self, mode: str = "fast") -> None:
        """Stop it if it runs; ``mode`` as of pg_ctl: smart, fast, immediate."""
        if self._is_running():
            self._pg_ctl("-m", mode, "stop", failure="PostgreSQL does not stop")

    def start(self) -> None:
        """Start it, when it is made and does not run."""
        _give_folder(self.socket_folder)
        settings = {**SETTINGS, "unix_socket_directories": f"{self.socket_folder}"}
        lines = [f"{key} = '{value}'\n" for key, value in settings.items()]
        (self.data / "postgresql.auto.conf").write_text("".join(lines))
        log = layout.LOG / f"{self.name}-server.log"
        log.touch()
        _own(log)
        failure = f"PostgreSQL does not start: see {log}"
        self._pg_ctl("-l", log, "start", failure=failure)

    def programs(self) -> Path:
        """Return the folder of PostgreSQL's programs; install PostgreSQL if missing."""
        if self._is_made():
            version = (self.data / "PG_VERSION").read_text().strip()
            if folder := _find_programs(version):
                return folder
            raise Problem(
                f"PostgreSQL {version}, which made .odoo, is gone: make clean"
            )
        if not _find_programs():
            _install()
        if folder := _find_programs():
            return folder
        raise Problem("PostgreSQL is missing: install it, or set PGHOST and PGUSER.")

    def _is_made(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def _is_running(self) -> bool:
        if not (self.data / "postmaster.pid").exists():
            return False
        command = [self.programs() / "pg_ctl", "-D", self.data, "status"]
        return not subprocess.run(_as_owner(command), capture_output=True).returncode

    def _make(self) -> None:
        programs = self.programs()
        shutil.rmtree(self.data, ignore_errors=True)
        _give_folder(self.data)
        options = ["--auth=trust", f"--username={USER}", "--encoding=UTF8"]
        command = [programs / "initdb", "-D", self.data, "--locale=C.UTF-8", *options]
        try:
            run_logged(_as_owner(command), "postgresql.log", "initdb failed")
        except Problem:
            shutil.rmtree(self.data)
            raise

    def _pg_ctl(self, *arguments: object, failure: str) -> None:
        command = [self.programs() / "pg_ctl", "-D", self.data, "-w", *arguments]
        run_logged(_as_owner(command), "postgresql.log", failure)


#: Where the databases of this checkout are, unless PGHOST names another place.
MAIN = Cluster()
#: One that may be broken on purpose, by ``make faults``.
FAULTS = Cluster("faults-postgresql", "faults-socket")


def _give_folder(folder: Path) -> None:
    """Make a folder that only the cluster's owner may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, _owner().pw_uid):
        raise Problem(f"{folder} belongs to somebody else: remove it.")
    folder.chmod(0o700)
    _own(folder)


def _owner() -> pwd.struct_passwd:
    """Return the user that runs PostgreSQL, which refuses to run as root."""
    if os.geteuid():
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, _owner().pw_uid, _owner().pw_gid)


def _as_owner(command: list) -> list:
    """Return the command as it must be called to run as the cluster's owner.

    The owner keeps the right to pass folders that only root may enter: the checkout
    may be below one.
    """
    if os.geteuid():
        return command
    if not (setpriv := shutil.which("setpriv")):
        raise Problem("setpriv is missing: apt-get install util-linux")
    rights = "-all,+dac_override,+dac_read_search"
    user = [f"--reuid={_owner().pw_uid}", f"--regid={_owner().pw_gid}"]
    caps = [f"--inh-caps={rights}", f"--ambient-caps={rights}"]
    return [setpriv, *user, "--clear-groups", *caps, *command]


def _find_programs(version: str = "*") -> Path | None:
    """Return the newest installed PostgreSQL's folder of programs, if there is one."""
    found = [path.parent for path in INSTALLED.glob(f"{version}/bin/initdb")]
    if found:
        return max(found, key=lambda folder: float(folder.parent.name))
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


def _install() -> None:
    """Install PostgreSQL without the cluster that Debian would make and start."""
    settings = f"{DEBIAN_DEFAULTS}/no-main-cluster.conf"
    write = f"mkdir -p {DEBIAN_DEFAULTS} && echo create_main_cluster=false > {settings}"
    remove = ["rm", "-f", settings]
    subprocess.run(machine.as_root(["sh", "-c", write], "postgresql"), check=True)
    try:
        machine.install("postgresql")
    finally:
        subprocess.run(machine.as_root(remove, "postgresql"), check=True)
