"""The server's time for the form and the lists of a broadcast to many."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from xml.etree import ElementTree

from tools.stage import Stage

from .. import chromium, crowd, sending
from ..table import Row, at_most
from ..workbench import Workbench
from .freeze import million

TIMES = 20
RECIPIENT = "whatsapp.broadcast.recipient"
#: The lists that the form's buttons open, first page.
LISTS = {
    "recipients": ("state", "!=", "skipped"),
    "left out": ("state", "=", "skipped"),
    "read": ("state", "=", "read"),
    "failed": ("state", "=", "failed"),
    "unknown": ("state", "=", "unknown"),
}
PAGE, COUNT_LIMIT = 80, 10_001

#: What the list calls the broadcast that is opened in the browser.
NAME = "To a million"
OPENED = 7
UNTIL = """
const until = (test) => new Promise((resolve) => {
    const look = () => {
        const found = test();
        found ? resolve(found) : setTimeout(look, 5);
    };
    look();
});
"""
LOG_IN = """
const answer = await fetch("/web/session/authenticate", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify({params: %s}),
});
if (!(await answer.json()).result.uid) throw new Error("cannot log in");
"""
#: Clicks the broadcast in the list; milliseconds until its form shows the figures.
OPEN_FORM = (
    UNTIL
    + """
const row = await until(() => [...document.querySelectorAll(".o_data_row")].find(
    (one) => one.querySelector("[name=name]")?.textContent === %s));
const start = performance.now();
row.querySelector("[name=name]").click();
await until(() => document.querySelector(".o_form_view .oe_stat_button .o_stat_value"));
const taken = performance.now() - start;
document.querySelector(".o_breadcrumb a, .o_back_button a, .o_back_button").click();
await until(() => document.querySelector(".o_list_view .o_data_row"));
return taken;
"""
)


def rows(bench: Workbench) -> Iterator[Row]:
    """Yield the slowest of what a plain User's browser asks for."""
    stage, broadcast = bench.once(crowd.stage), bench.once(million).broadcast
    times = measure(stage, broadcast)
    slowest = max(times, key=times.get)
    each = ", ".join(f"{name} {value:.0f}" for name, value in times.items())
    yield Row(
        f"broadcast with {crowd.size(bench):,} recipients: slowest answer for its form",
        times[slowest],
        "ms",
        at_most(300),
        note=f"medians of {TIMES}, plain User, HTTP included, ms: {each}",
        less_is_better=True,
    )
    opened = _open_in_browser(stage, broadcast)
    yield Row(
        f"broadcast with {crowd.size(bench):,} recipients: usable in Chromium",
        statistics.median(opened),
        "s",
        at_most(1.5),
        note="from the click in the list to the figures in the form, median of"
        f" {len(opened)}; slowest {max(opened):.2f} s",
        less_is_better=True,
    )


def _open_in_browser(stage: Stage, broadcast: int) -> list[float]:
    """Return the seconds of each time that a plain User opened the form."""
    stage.execute(
        "UPDATE whatsapp_broadcast SET name = %s WHERE id = %s", NAME, broadcast
    )
    login = {"db": stage.database, "login": stage.login, "password": stage.login}
    with chromium.page() as page:
        page.open(f"{stage.server.url}/web/login")
        sending.wait(
            lambda: page.run("return location.pathname") == "/web/login",
            60,
            "the login page did not come",
        )
        page.run(LOG_IN % json.dumps(login))
        page.open(f"{stage.server.url}/odoo/whatsapp-broadcasts")
        sending.wait(
            lambda: page.run("return !!document.querySelector('.o_data_row')"),
            120,
            "the list did not come",
        )
        page.run(OPEN_FORM % json.dumps(NAME))  # what is loaded once does not count
        return [
            page.run(OPEN_FORM % json.dumps(NAME)) / 1000 for _time in range(OPENED)
        ]


def measure(stage: Stage, broadcast: int) -> dict[str, float]:
    """Return the median milliseconds of each request by what it shows."""
    form = _specification(stage, "whatsapp.broadcast", "form")
    columns = _specification(stage, RECIPIENT, "list")
    found = {
        "form": _median(
            stage, "whatsapp.broadcast", "web_read", broadcast, specification=form
        )
    }
    for name, leaf in LISTS.items():
        found[name] = _median(
            stage,
            RECIPIENT,
            "web_search_read",
            domain=[["broadcast_id", "=", broadcast], list(leaf)],
            specification=columns,
            limit=PAGE,
            count_limit=COUNT_LIMIT,
        )
    return found


def _median(stage: Stage, model: str, method: str, ids=None, **arguments) -> float:
    times = []
    for _time in range(TIMES):
        start = time.monotonic()
        stage.call(model, method, ids, **arguments)
        times.append(1000 * (time.monotonic() - start))
    return statistics.median(times)


def _specification(stage: Stage, model: str, kind: str) -> dict:
    """Return what the web client reads for a view: its fields, and those of lists."""
    views = stage.call(model, "get_views", views=[[False, kind]])
    arch = ElementTree.fromstring(views["views"][kind]["arch"])
    return _fields(arch, views["models"][model]["fields"])


def _fields(node: ElementTree.Element, known: dict) -> dict:
    found = {}
    for child in node:
        if child.tag != "field":
            found |= _fields(child, known)
            continue
        name = child.get("name")
        many = known.get(name, {}).get("type") == "many2one"
        found[name] = {"fields": {"display_name": {}}} if many else {}
        if len(child):
            found[name] = {"fields": _fields(child, {}), "limit": 40}
    return found
