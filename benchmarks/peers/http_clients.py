"""HTTP clients without Odoo that send as many messages as they can.

``python -m benchmarks.peers.http_clients CLIENT URL MESSAGES CONNECTIONS`` prints one
JSON object: ``rate`` (messages a second) and ``milliseconds`` (processor time of this
process a message).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

import aiohttp
import requests
import urllib3

from tools import layout, venv
from tools.sandbox import Sandbox

HEADERS = {
    "Authorization": "Bearer sandbox-token",
    "Content-Type": "application/json",
}


def measure(client: str, sandbox: Sandbox, number: str, count: int) -> dict:
    """Let one client send ``count`` messages in a process of its own."""
    url = f"{sandbox.url}/v23.0/{number}/messages"
    arguments = [client, url, str(count), "200"]
    answer = subprocess.run(
        [venv.PYTHON, "-m", "benchmarks.peers.http_clients", *arguments],
        cwd=layout.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if answer.returncode:
        raise RuntimeError(f"{client}: {answer.stderr.strip()[-300:]}")
    return json.loads(answer.stdout)


def body(position: int) -> bytes:
    """Return a template message, as the addon's provider writes it."""
    message = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": f"+4915110{200000 + position}",
        "type": "template",
        "template": {"name": "hello_world", "language": {"code": "en_US"}},
        "biz_opaque_callback_data": f"r{position}-{position:032x}",
    }
    return json.dumps(message).encode()


def _with_requests(url: str) -> Callable[[int], int]:
    sessions = threading.local()

    def post(position: int) -> int:
        if not hasattr(sessions, "session"):
            sessions.session = requests.Session()
        answer = sessions.session.post(url, data=body(position), headers=HEADERS)
        return len(answer.json()["messages"])

    return post


def _with_urllib3(url: str) -> Callable[[int], int]:
    pool = urllib3.PoolManager(maxsize=256)

    def post(position: int) -> int:
        answer = pool.request("POST", url, body=body(position), headers=HEADERS)
        return len(json.loads(answer.data)["messages"])

    return post


def in_threads(post: Callable[[int], int], count: int, threads: int) -> int:
    """Call ``post`` for each message; return how many were taken."""
    waiting, taken = SimpleQueue(), SimpleQueue()
    for position in range(count):
        waiting.put(position)

    def work() -> None:
        while True:
            try:
                position = waiting.get_nowait()
            except Empty:
                return
            taken.put(post(position))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return taken.qsize()


async def in_tasks(url: str, count: int, connections: int) -> int:
    """Send with aiohttp; return how many were taken."""
    positions, taken = iter(range(count)), 0
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:

        async def work() -> None:
            nonlocal taken
            for position in positions:
                async with session.post(url, data=body(position)) as answer:
                    taken += len((await answer.json())["messages"])

        await asyncio.gather(*(work() for _ in range(connections)))
    return taken


def send(client: str, url: str, count: int, connections: int) -> int:
    """Send ``count`` messages with one client; return how many were taken."""
    if client == "aiohttp":
        return asyncio.run(in_tasks(url, count, connections))
    post = {"requests": _with_requests, "urllib3": _with_urllib3}[client](url)
    return in_threads(post, count, connections)


def main(client: str, url: str, count: str, connections: str) -> None:
    """Send and print what it took."""
    start, used = time.monotonic(), time.process_time()
    taken = send(client, url, int(count), int(connections))
    seconds, used = time.monotonic() - start, time.process_time() - used
    if taken != int(count):
        sys.exit(f"{taken} of {count} messages were taken")
    result = {"rate": taken / seconds, "milliseconds": 1000 * used / taken}
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
