"""Post prepared requests over several connections, as cheaply as Python can.

The sender shares the machine with the server that it measures: it does no more than
write bytes and read the status. Each request has its own connection: Odoo's workers
close it after the answer.
"""

from __future__ import annotations

import itertools
import re
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CONNECTIONS = 8


@dataclass
class Shots:
    """What a volley reached: seconds of each answered request, and of all together."""

    seconds: float = 0.0
    durations: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.durations) / self.seconds

    def __iadd__(self, other: Shots) -> Shots:
        self.seconds += other.seconds
        self.durations += other.durations
        return self


def request(url: str, body: bytes, **headers: str) -> bytes:
    """Return the bytes of a POST; header names with ``_`` for ``-``."""
    parts = urlsplit(url)
    own = {"Host": parts.netloc, "Content-Length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {text}\r\n" for name, text in own.items()]
    head = f"POST {parts.path} HTTP/1.1\r\n{''.join(lines)}Connection: close\r\n\r\n"
    return head.encode() + body


def fire(port: int, requests: Iterator[bytes], seconds: float) -> Shots:
    """Post ``requests`` for some seconds; raise if an answer is not 200.

    :param requests: shared by all connections; ends the volley when it ends
    """
    shots, faults, lock = Shots(), [], threading.Lock()
    start = time.monotonic()

    def work() -> None:
        while time.monotonic() - start < seconds and not faults:
            with lock:
                content = next(requests, None)
            if content is None:
                return
            begin = time.monotonic()
            status = _post(port, content)
            shots.durations.append(time.monotonic() - begin)
            if status != b"200":
                faults.append(status.decode())

    workers = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if faults:
        raise RuntimeError(f"a webhook was answered {faults[0] or 'nothing'}")
    shots.seconds = time.monotonic() - start
    return shots


def in_turns(
    port: int, kinds: dict[str, Iterable[bytes]], rounds: int, seconds: float
) -> dict[str, Shots]:
    """Post each kind for a while, several rounds: what slows one slows all."""
    feeds = {name: iter(requests) for name, requests in kinds.items()}
    found = {name: Shots() for name in kinds}
    for _round, name in itertools.product(range(rounds), kinds):
        found[name] += fire(port, feeds[name], seconds)
    return found


def _post(port: int, content: bytes) -> bytes:
    """Return the status of the answer; hang up as soon as it is complete.

    As HTTP clients and proxies do: Odoo's server waits 10 ms for one that does not.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(content)
        answer = b""
        while not is_complete(answer):
            if not (more := connection.recv(4096)):
                break
            answer += more
    return answer[9:12]


def is_complete(answer: bytes) -> bool:
    """Tell whether an HTTP answer has its head and as much body as that promises."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return bool(end and length) and len(body) >= int(length[1])
