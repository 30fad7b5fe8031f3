"""A page in a headless Chromium, told what to do over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import itertools
import json
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import websocket

from tools import browser, layout
from tools.processes import Process, free_port, is_listening

SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--window-size=1366,768",
    "--remote-allow-origins=*",
)
#: Seconds for one step of a page.
PATIENCE = 60


class Page:
    """One page; ``run`` is all that it can."""

    def __init__(self, address: str) -> None:
        self._socket = websocket.create_connection(address, timeout=PATIENCE)
        self._ids = itertools.count(1)

    def close(self) -> None:
        """Close the connection; the page stays."""
        self._socket.close()

    def open(self, url: str) -> None:
        """Go to an address; returns before it is loaded."""
        self._call("Page.navigate", url=url)

    def run(self, script: str) -> object:
        """Return what the body of an async function returns; raise what it throws."""
        result = self._call(
            "Runtime.evaluate",
            expression=f"(async () => {{{script}}})()",
            awaitPromise=True,
            returnByValue=True,
        )
        if fault := result.get("exceptionDetails"):
            raise RuntimeError(fault["exception"].get("description", fault["text"]))
        return result["result"].get("value")

    def _call(self, method: str, **parameters) -> dict:
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                break
        if fault := answer.get("error"):
            raise RuntimeError(f"{method}: {fault['message']}")
        return answer["result"]


@contextmanager
def page() -> Iterator[Page]:
    """Yield an empty page of a Chromium that is there for it alone."""
    browser.ensure()
    process, port = Process("bench_chromium"), free_port()
    layout.make_state()
    with tempfile.TemporaryDirectory(dir=layout.RUN) as profile:
        own = [f"--remote-debugging-port={port}", f"--user-data-dir={profile}"]
        process.start([browser.find(), *SWITCHES, *own, "about:blank"])
        try:
            process.wait_ready(lambda: is_listening(port))
            found = Page(_address(port))
            yield found
            found.close()
        finally:
            process.stop()


def _address(port: int) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new", method="PUT")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)["webSocketDebuggerUrl"]
