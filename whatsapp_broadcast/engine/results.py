"""Write what the tries proved, and act on what the errors are about."""

import random
from collections import Counter

from . import limiter, queries
from .claim import PROBE_EVERY
from .result import ACCEPTED, HELD, LATE, NOT_SENT, REFUSED

#: Tries of one row that end in a proven, passing refusal.
MAX_ATTEMPTS = 6
#: Errors that pass by themselves; the row waits.
PASSING = ("retry", "pair")
#: Errors that stop more than the row; the row is not burnt but waits for a person.
STOPPING = ("template", "number", "account", "credentials")
#: Errors that are the message's or the list's fault if there are many of them.
COUNTED = ("request", "undeliverable")
#: Above which share of how many messages they pause a broadcast.
THRESHOLDS = {
    "request_sends": 50,
    "request_share": 0.02,
    "undeliverable_sends": 200,
    "undeliverable_share": 0.3,
}
#: Seconds that a number rests when the provider throttles it or cannot be reached;
#: longer the slower it is already.
REST = 1.0


def write(cr, finished):
    """Write results of (job, result) pairs, a statement a table; then their effects."""
    results = [(job.row, result) for job, result in finished]
    failed = {table: _write(cr, table, results) for table in queries.TABLES}
    _slow_down(cr, results)
    _watch_holding(cr, [pair for pair in results if pair[0]["table"] == "recipient"])
    refused = [(row, result) for row, result in results if result.outcome == REFUSED]
    act(cr, [(row, result.error_class, _detail(result)) for row, result in refused])
    free_places(cr, failed)


def _write(cr, table, results):
    """Write the results of rows of one table; return the ids of those that failed."""
    columns = [_columns(*pair) for pair in results if pair[0]["table"] == table]
    if columns:
        names = (
            "ids", "tokens", "states", "delays", "message_ids", "user_refs",
            "error_codes", "error_classes", "error_messages", "uncounted",
        )  # fmt: skip
        values = map(list, zip(*columns, strict=True))
        cr.execute(queries.WRITE_RESULTS[table], dict(zip(names, values, strict=True)))
    if met := [column[0] for column in columns if column[5]]:
        cr.execute(queries.SPREAD_CHOICES_BY_ROWS[table], {"ids": met})
    return [column[0] for column in columns if column[2] == "failed"]


def act(cr, errors):
    """Let each error act on what it is about.

    :param errors: list of (row, error class, detail); a row has ``table broadcast_id
        template_id number_id account_id phone``
    """
    opted_out = [row for row, kind, _detail in errors if kind == "opt_out"]
    if opted_out:
        _opt_out(cr, opted_out)
    stopped = set()
    for row, kind, detail in errors:
        target = (kind, row["template_id" if kind == "template" else "number_id"])
        if kind in STOPPING and target not in stopped:
            stopped.add(target)
            _stop(cr, row, kind, detail)
    counted = {
        row["broadcast_id"]
        for row, kind, _detail in errors
        if kind in COUNTED and row["table"] == "recipient"
    }
    if counted:
        values = {"ids": sorted(counted), **THRESHOLDS}
        cr.execute(queries.PAUSE_BY_FAILURES, values)


def _opt_out(cr, rows):
    for table in queries.TABLES:
        if ids := [row["id"] for row in rows if row["table"] == table]:
            values = {"ids": ids, "evidence": "131050"}
            cr.execute(queries.OPT_OUT[table], values)


def free_places(cr, failed):
    """Give back the places of rows that failed: ids by table.

    The last statement of its transaction: a claim may wait for these rows while it
    holds what others would need next.
    """
    for table, ids in failed.items():
        if ids:
            cr.execute(queries.FREE_PLACES[table], {"ids": ids})


def _slow_down(cr, results):
    """Slow numbers that were too fast; let those rest that reach nobody."""
    tried = Counter(row["number_id"] for row, _result in results)
    unreached = {r["number_id"] for r, result in results if result.outcome == NOT_SENT}
    too_fast = Counter(r["number_id"] for r, result in results if _is_throttle(result))
    for number_id in sorted(too_fast.keys() | unreached):
        share = too_fast[number_id] / tried[number_id] / limiter.MANY
        weight = 1 if number_id in unreached else min(share, 1)
        values = {
            "number_id": number_id,
            "share": 1 - (1 - limiter.SLOWER) * weight,
            # With jitter, as others may do so too.
            "rest": REST * weight * random.uniform(0.5, 1.5),
            "least": limiter.LEAST,
            "recovery": limiter.RECOVERY,
        }
        cr.execute(queries.SLOW_DOWN, values)
    for number_id in sorted(unreached):
        values = {"number_id": number_id, "reason": "unreachable"}
        cr.execute(queries.REST_NUMBER, {**values, "seconds": 2 * REST})


def _is_throttle(result):
    return result.outcome == REFUSED and result.error_class == "throttle"


def _watch_holding(cr, results):
    """Rest while the provider holds messages of a template; go on when it does not."""
    held = {row["broadcast_id"] for row, result in results if result.outcome == HELD}
    if held:
        cr.execute(queries.HOLD, {"ids": sorted(held), "seconds": PROBE_EVERY})
    passed = {
        row["broadcast_id"]
        for row, result in results
        if row["is_probe"] and result.outcome == ACCEPTED
    }
    if passed:
        cr.execute(queries.RELEASE, {"ids": sorted(passed)})


def _stop(cr, row, kind, detail):
    if kind == "template":
        cr.execute(
            queries.PAUSE_BY_TEMPLATE,
            {"template_id": row["template_id"], "detail": detail},
        )
    elif kind == "number":
        cr.execute(
            queries.STOP_NUMBER, {"number_id": row["number_id"], "detail": detail}
        )
    else:
        cr.execute(
            queries.STOP_ACCOUNT,
            {"account_id": row["account_id"], "detail": detail, "reason": kind},
        )


def _columns(row, result):
    state, delay, uncounted = _decide(row, result)
    return (
        row["id"],
        row["token"],
        state,
        delay,
        result.message_id,
        result.user_ref,
        result.error_code,
        result.error_class,
        result.error_message[:500],
        uncounted,
    )


def _decide(row, result):
    """Return (state, seconds until due again or None, tries not to count)."""
    if result.outcome in (ACCEPTED, HELD):
        return result.outcome, None, 0
    if result.outcome == LATE:
        return "queued", 0.0, 1
    if result.outcome not in (NOT_SENT, REFUSED):
        return "unknown", None, 0
    decide = _decide_message if row["table"] == "message" else _decide_recipient
    return decide(row, result)


def _decide_message(row, result):
    """A person waits for it: it fails rather than to be queued for long."""
    passes = result.outcome == NOT_SENT or result.error_class in (*PASSING, "throttle")
    if passes and row["attempt_count"] < MAX_ATTEMPTS:
        return "queued", _delay(result.error_class, row["attempt_count"]), 0
    return "failed", None, 0


def _decide_recipient(row, result):
    if result.outcome == NOT_SENT:
        return "queued", _backoff(1), 1
    if result.error_class in STOPPING:
        return "queued", 0.0, 1
    if result.error_class == "throttle":
        # The number's fault, not the row's: it rests, and the row's tries are kept.
        return "queued", _backoff(row["attempt_count"]), 1
    if result.error_class in PASSING and row["attempt_count"] < MAX_ATTEMPTS:
        return "queued", _delay(result.error_class, row["attempt_count"]), 0
    return "failed", None, 0


def _delay(error_class, attempt_count):
    if error_class == "pair":
        # Meta: 4^X seconds, X from 0; never earlier.
        return 4.0 ** (attempt_count - 1) + random.uniform(0, 1)
    return _backoff(attempt_count)


def _backoff(attempt_count):
    """Full jitter: spread over the whole interval, or retries come in waves."""
    return random.uniform(0, min(2.0**attempt_count, 300.0))


def _detail(result):
    code = f"({result.error_code}) " if result.error_code else ""
    return f"{code}{result.error_message}"[:500]
