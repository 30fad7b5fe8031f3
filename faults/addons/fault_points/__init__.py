"""A server-wide module that kills its own process at a named point, or errs in time.

The folder that ``FAULT_POINTS`` names holds the order: ``armed``, a JSON object with
``point`` and ``after`` (how many times the point is passed first). One process takes
it, by renaming the file to ``fired``, and dies. Nothing of the product is changed: the
points are where its statements, commits and requests pass through Odoo's cursor and
the standard library's HTTP client.

Beside it, ``claims`` gets one line for each claim: how many milliseconds it took.

``FAULT_CLOCK`` says by how many seconds the clock is ahead, ``FAULT_CLOCK_JUMP`` how
far it jumps; see ``clock``.
"""

import json
import os
import signal
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

from odoo.sql_db import Cursor

from odoo.addons.whatsapp_broadcast.engine import queries

from .clock import go_wrong

FOLDER = Path(os.environ["FAULT_POINTS"])
#: Statements that make a transaction one of this kind.
KINDS = {queries.CLAIM: "claim", queries.WRITE_RESULTS["recipient"]: "result"}
#: The freeze is put together from parts; this is in all of them.
FREEZE = "INSERT INTO whatsapp_broadcast_recipient"
PASSED = {"order": None, "times": 0}
LOCK = threading.Lock()


def reach(point):
    """Die here, if this is where and when somebody is to die."""
    armed = FOLDER / "armed"
    try:
        order = json.loads(armed.read_text())
        stamp = armed.stat().st_mtime_ns
    except (FileNotFoundError, ValueError):
        return
    if order["point"] == point and _is_due(stamp, order["after"]):
        try:
            armed.rename(FOLDER / "fired")
        except FileNotFoundError:  # another process was faster
            return
        os.kill(os.getpid(), signal.SIGKILL)


def _is_due(stamp, after):
    with LOCK:
        if PASSED["order"] != stamp:
            PASSED.update(order=stamp, times=0)
        PASSED["times"] += 1
        return PASSED["times"] > after


def post_load():
    """Watch cursors and requests; set the clock wrong if told to."""
    _watch_cursors()
    _watch_requests()
    if ahead := os.environ.get("FAULT_CLOCK"):
        go_wrong(float(ahead), float(os.environ.get("FAULT_CLOCK_JUMP", "0")))


def _watch_cursors():
    execute, commit = Cursor.execute, Cursor.commit

    def watched_execute(self, query, *arguments, **options):
        start = time.monotonic()
        result = execute(self, query, *arguments, **options)
        if kind := _kind(getattr(query, "code", query)):
            self.fault_kind = kind
            if kind == "claim":
                _note("claims", time.monotonic() - start)
        return result

    def watched_commit(self):
        kind = getattr(self, "fault_kind", None)
        if kind:
            reach(f"before {kind} commit")
            self.fault_kind = None
        commit(self)
        if kind:
            reach(f"after {kind} commit")

    Cursor.execute, Cursor.commit = watched_execute, watched_commit


def _kind(text):
    if not isinstance(text, str):
        return None
    # The first statement of a transaction has a setting in front.
    found = [kind for statement, kind in KINDS.items() if text.endswith(statement)]
    return found[0] if found else "freeze" if FREEZE in text else None


def _note(name, seconds):
    with (FOLDER / name).open("a") as durations:
        durations.write(f"{seconds * 1000:.3f}\n")


def _watch_requests():
    putrequest, getresponse = HTTPConnection.putrequest, HTTPConnection.getresponse

    def watched_putrequest(self, method, url, *arguments, **options):
        self.fault_is_message = method == "POST" and "/messages" in url
        putrequest(self, method, url, *arguments, **options)

    def watched_getresponse(self):
        if getattr(self, "fault_is_message", False):
            reach("after request")
            response = getresponse(self)
            reach("after answer")
            return response
        return getresponse(self)

    HTTPConnection.putrequest = watched_putrequest
    HTTPConnection.getresponse = watched_getresponse
