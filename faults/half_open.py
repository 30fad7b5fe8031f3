"""A way to PostgreSQL that goes dead without a word, as a lost network does."""

import socket
import tempfile
import threading
from pathlib import Path

from tools import cluster

CHUNK = 65536


class HalfOpen:
    """A proxy on a socket of its own; connections stay open when it goes dead."""

    def __init__(self, target: cluster.Cluster) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="half-open-")
        self.folder = Path(self._temporary.name)
        self._target = str(target.socket_folder / f".s.PGSQL.{cluster.PORT}")
        self._dead = threading.Event()
        self._trigger = b""
        self._ends: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.folder / f".s.PGSQL.{cluster.PORT}"))
        self._listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def die_after(self, words: bytes) -> None:
        """Go dead right behind the next statement that holds ``words``.

        It still reaches PostgreSQL; its answer, and all that follows, does not.
        """
        self._trigger = words

    def wait_dead(self, seconds: float = 30) -> None:
        """Wait until it is dead; TimeoutError if the words never came."""
        if not self._dead.wait(seconds):
            raise TimeoutError(f"no statement with {self._trigger!r} came by")

    def close(self) -> None:
        """End all connections, as a network that is back would."""
        self._listener.close()
        for end in self._ends:
            end.close()
        self._temporary.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            self._ends.append(client)
            if not self._dead.is_set():
                self._join(client)

    def _join(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        self._ends.append(server)
        for pair in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while content := source.recv(CHUNK):
                if self._dead.is_set():
                    return
                if self._trigger and self._trigger in content:
                    self._dead.set()  # before an answer to it can come back
                sink.sendall(content)
            if not self._dead.is_set():
                sink.shutdown(socket.SHUT_WR)
        except OSError:
            return
