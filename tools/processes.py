"""Long-running programs of this checkout: started, waited for, stopped by id."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from . import layout, stamps
from .console import Problem, tail

POLL_SECONDS = 0.1


def wait_until(ready: Callable[[], object], seconds: float) -> bool:
    """Poll until ``ready()`` is true; tell whether it was within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _start_time(pid: int) -> str | None:
    """Return the kernel's start time of a live process, which makes its id unique."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


class Process:
    """One program, known by a name under ``.odoo/run`` and ``.odoo/log``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log = layout.LOG / f"{name}.log"
        self._record = layout.RUN / f"{name}.pid"
        self._child: subprocess.Popen | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        if not self._record.exists():
            return None
        record = json.loads(self._record.read_text())
        is_same = _start_time(record["pid"]) == record["started"]
        return record["pid"] if is_same else None

    def start(self, command: list, **options) -> None:
        """Start the program in a session of its own, with its output in the log.

        The log begins anew, except when this object has started the program before.
        """
        if self.pid:
            raise Problem(f"{self.name} runs already (process {self.pid}): make stop")
        layout.make_state()
        with self.log.open("ab" if self._child else "wb") as output:
            self._child = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **options,
            )
        record = {"pid": self._child.pid, "started": _start_time(self._child.pid)}
        self._record.write_text(json.dumps(record))

    def wait_ready(self, ready: Callable[[], object], seconds: float = 60) -> None:
        """Poll until ``ready()``; raise with its log if it ends or takes too long."""
        if wait_until(lambda: self._has_ended() or ready(), seconds):
            if not self._has_ended():
                return
            what = "ended at once"
        else:
            self.stop()
            what = f"was not ready after {seconds:.0f} s"
        raise Problem(f"{self.name} {what}. End of {self.log}:\n{tail(self.log)}")

    def _has_ended(self) -> bool:
        return self._child is None or self._child.poll() is not None

    def children(self) -> list[int]:
        """Return the ids of the direct children (Odoo's workers)."""
        return _children(self.pid) if self.pid else []

    def stop(self, seconds: float = 20) -> None:
        """Ask the program to end; kill what is left of it after ``seconds``."""
        if pid := self.pid:
            os.kill(pid, signal.SIGTERM)
            if not wait_until(lambda: self._is_gone(pid), seconds):
                self.kill()
            self._kill_group(pid)
        self._record.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill the program and all of its children at once, as a power cut would."""
        if pid := self.pid:
            self._kill_group(pid)
            wait_until(lambda: self._is_gone(pid), 20)
        self._record.unlink(missing_ok=True)

    def _is_gone(self, pid: int) -> bool:
        if self._child:
            self._child.poll()
        return _start_time(pid) is None

    @staticmethod
    def _kill_group(pid: int) -> None:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def recorded() -> Iterator[Process]:
    """Yield every program that this checkout has started and not stopped."""
    for path in sorted(layout.RUN.glob("*.pid")):
        yield Process(path.stem)


def is_listening(port: int) -> bool:
    """Tell whether something on 127.0.0.1 accepts connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def remembered_port(name: str, is_ours: bool = False) -> int:
    """Return this checkout's port for ``name``; a new one if another program has it.

    ``is_ours``: the program of this checkout runs, so that it is the one that listens.
    """
    path = layout.STATE / "ports.json"
    with stamps.lock("ports"):
        ports = json.loads(path.read_text()) if path.exists() else {}
        if name not in ports or (is_listening(ports[name]) and not is_ours):
            ports[name] = free_port()
            path.write_text(json.dumps(ports, indent=1))
        return ports[name]
