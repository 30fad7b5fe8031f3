"""Take rows in hand: slots and rows in one short transaction, before any byte goes."""

import math
import time
from datetime import UTC, datetime

from . import limiter, places, queries
from .sender import Job
from .windows import Window

#: Seconds a claimed row is ours: slot, connect, answer, and writing the result.
ROW_LEASE = 60
#: Statements a turn may spend on rows that do not go out (left out, or later).
ROUNDS = 5
#: Seconds that a broadcast rests between two looks whether the provider holds it.
PROBE_EVERY = 600
#: Seconds that such a look has to tell, before another one is sent.
PROBE_ANSWER = 30
#: Rows that are looked at for time zones in which it is not the hour to send.
LOOK_AHEAD = 5000
#: What every claim is told.
CONSTANTS = {
    "lead": limiter.LEAD,
    "lead_idle": limiter.LEAD_IDLE,
    "idle": limiter.IDLE,
    "lease": ROW_LEASE,
    "pair_seconds": limiter.PAIR_SECONDS,
    "pair_burst": limiter.PAIR_BURST,
}


def claim(cr, lane, room, clock):
    """Claim what the limits allow now; return the jobs and plan the next claim.

    :param lane: see ``driver.Lane``; ``turn`` decides who is first
    :param int room: rows that the sender can take
    :param limiter.Clock clock: knows the database's time
    """
    lane.next_claim = time.monotonic() + lane.every
    turn = _begin(cr, lane)
    broadcasts = [row for row in turn if row["id"] and not row["unsendable"]]
    broadcasts = _open_now(cr, broadcasts)
    if not (broadcasts or turn and turn[0]["message_is_due"]):
        return []
    number = turn[0]
    spacing = limiter.spacing(number["rate"], lane.usable)
    free = limiter.slots(number["ahead"], spacing, lane.horizon)
    free = min(free, math.ceil(lane.share / spacing), room)
    people = places.look(cr, lane.number_id, number)
    rows = []
    if number["message_is_due"] and free > 0:
        rows = _claim_messages(cr, lane, free, spacing, people)
    if broadcasts:
        lane.channel.learn(cr, [broadcast["id"] for broadcast in broadcasts])
        free -= len(rows)
        rows += _share_out(cr, lane, broadcasts, free, spacing, people)
        if not rows and free > 0:
            places.rest_if_none(cr, lane.number_id, people)
    return [
        Job(row, lane.channel, clock.monotonic(row["slot"]), limiter.GRACE)
        for row in rows
    ]


def _begin(cr, lane):
    """Lock the number's pace and return what may send from it now, as TURN does."""
    cr.execute(
        queries.TURN,
        {"number_id": lane.number_id, "recovery": limiter.RECOVERY},
    )
    turn = cr.dictfetchall()
    unsendable = [row["id"] for row in turn if row["unsendable"]]
    if unsendable:
        cr.execute(queries.PAUSE_UNSENDABLE, {"ids": unsendable})
    return turn


def _open_now(cr, broadcasts):
    """Return those within their hours of sending; the others rest until they are."""
    opened = []
    for broadcast in broadcasts:
        now = datetime.fromtimestamp(broadcast["now"], UTC).replace(tzinfo=None)
        window = Window.of(broadcast)
        if opening := window.opening(now):
            seconds = (opening - now).total_seconds()
            values = {"ids": [broadcast["id"]], "reason": "window", "seconds": seconds}
            cr.execute(queries.REST, values)
        else:
            opened.append({**broadcast, "closed": window.closed(now)})
    return opened


def _claim_messages(cr, lane, limit, spacing, people):
    """Claim single messages: they go before any broadcast's rows."""
    values = {
        "number_id": lane.number_id,
        "broadcast_id": None,
        "limit": limit,
        "spacing": spacing,
        "own_spacing": 0,
    }
    cr.execute(queries.CLAIM_MESSAGES, {**CONSTANTS, **values, **people.parameters()})
    rows = [row for row in cr.dictfetchall() if row["state"] == "sending"]
    people.take(rows)
    return [{**row, "is_probe": False} for row in rows]


def _share_out(cr, lane, broadcasts, free, spacing, people):
    """Let the broadcasts of a number take turns; what one leaves, the next may use."""
    start = lane.turn % len(broadcasts)
    rows, waits = [], []
    for broadcast in broadcasts[start:] + broadcasts[:start]:
        if broadcast["messages_per_minute"]:
            waits.append(broadcast["own_ahead"] - limiter.HORIZON)
        if len(rows) < free:
            rows += _claim_rows(cr, lane, broadcast, free - len(rows), spacing, people)
    if not rows and len(waits) == len(broadcasts):
        # Each waits for its own pace: no use in asking before the first of them.
        lane.next_claim = max(lane.next_claim, time.monotonic() + min(waits))
    return rows


def _claim_rows(cr, lane, broadcast, share, spacing, people):
    """Claim up to ``share`` rows of a broadcast."""
    share = min(share, broadcast["batch_size"] or share)
    own_spacing = 60 / (broadcast["messages_per_minute"] or math.inf)
    if own_spacing:
        ahead = broadcast["own_ahead"]
        share = min(share, limiter.slots(ahead, own_spacing, limiter.HORIZON))
    if share <= 0:
        return []
    if broadcast["held"]:
        # One message asks whether the provider still holds the template.
        share = 1
        cr.execute(queries.HOLD, {"ids": [broadcast["id"]], "seconds": PROBE_ANSWER})
    if closed := broadcast["closed"]:
        values = {"timezones": list(closed), "openings": list(closed.values())}
        values.update(broadcast_id=broadcast["id"], limit=LOOK_AHEAD)
        cr.execute(queries.WAIT_FOR_OPENING, values)
    rows = []
    for _round in range(ROUNDS):
        limit = share - len(rows)
        values = {
            "broadcast_id": broadcast["id"],
            "number_id": lane.number_id,
            "others": broadcast["others"],
            "closed": list(broadcast["closed"]),
            "limit": limit,
            "spacing": spacing,
            "own_spacing": own_spacing,
        }
        cr.execute(queries.CLAIM, {**CONSTANTS, **values, **people.parameters()})
        taken = cr.dictfetchall()
        sending = [row for row in taken if row["state"] == "sending"]
        people.take(sending)
        rows += [{**row, "is_probe": broadcast["held"]} for row in sending]
        if len(taken) < limit or len(rows) == share:
            break
    return rows
