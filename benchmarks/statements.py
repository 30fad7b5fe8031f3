"""Count the engine's SQL statements in Odoo's log of all statements."""

from __future__ import annotations

import re
from collections import Counter

#: A log line: its process, the logger's name, and the text up to the next line.
ENTRY = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ (?P<pid>\d+) [A-Z]+ \S+ (?P<logger>\S+): "
    r"(?P<text>.*(?:\n(?!\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,).*)*)",
    re.MULTILINE,
)
STATEMENT = re.compile(r"\[[\d.]+ ms\] query: (?P<statement>.*)", re.DOTALL)
#: What the engine asks for; the rest is what Odoo does for any cron.
OURS = re.compile(r"whatsapp_broadcast|SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
VERB = re.compile(
    r"\b(INSERT INTO|UPDATE|DELETE FROM|FROM)\s+\"?(whatsapp_broadcast\w*)"
)


def count(log: str, pids: set[int]) -> Counter:
    """Return how often each kind of the engine's statements is in ``log``.

    :param log: of a server with ``--log-handler=odoo.sql_db:DEBUG``
    :param pids: processes that count
    :return: keys such as "UPDATE whatsapp_broadcast_lane"
    """
    found = Counter()
    for entry in ENTRY.finditer(log):
        statement = STATEMENT.match(entry["text"])
        if not statement or int(entry["pid"]) not in pids:
            continue
        if OURS.search(statement["statement"]):
            found[_kind(statement["statement"])] += 1
    return found


def _kind(statement: str) -> str:
    # The last verb is the outermost one of a statement with WITH.
    changes = [verb for verb in VERB.findall(statement) if verb[0] != "FROM"]
    named = changes[-1:] or VERB.findall(statement)[:1]
    if not named:
        return "SET TRANSACTION" if statement.startswith("SET") else "SELECT"
    [(verb, table)] = named
    return f"{'SELECT' if verb == 'FROM' else verb.split()[0]} {table}"
