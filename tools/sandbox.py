"""The sandbox, a local WhatsApp Cloud API, as a process of this checkout."""

import json
import urllib.error
import urllib.request
from pathlib import Path

from . import layout, venv
from .processes import Process, free_port


class Sandbox:
    """A sandbox process with its ledger."""

    def __init__(self, name: str = "sandbox", port: int | None = None) -> None:
        self.process = Process(name)
        self.port = port or free_port()
        self.ledger: Path = layout.LOG / f"{name}.ledger"

    @property
    def url(self) -> str:
        """The address that takes the place of the Graph API's."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *options: str) -> None:
        """Start it with an empty ledger and wait until it answers."""
        layout.make_state()
        self.ledger.unlink(missing_ok=True)
        own = [f"--port={self.port}", f"--ledger={self.ledger}"]
        command = [venv.PYTHON, "-m", "sandbox", *own, *options]
        self.process.start(command, cwd=layout.ROOT)
        self.process.wait_ready(self._is_healthy)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_sandbox/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def messages(self) -> list[dict]:
        """Return the ledger: one object for each message that the sandbox took."""
        if not self.ledger.exists():
            return []
        return [json.loads(line) for line in self.ledger.read_text().splitlines()]

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.stop()
