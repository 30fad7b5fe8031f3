"""Take rows in hand: slots and rows in one short transaction, before any byte goes."""

import math
import time

from . import limiter, queries
from .sender import GRACE, Job

#: Seconds between two claims of a lane: before its slots run out. Results of all rows
#: that were answered in between go into one statement.
CLAIM_EVERY = limiter.HORIZON * 0.8

#: Seconds a claimed row is ours: slot, connect, answer, and writing the result.
ROW_LEASE = 60


def claim(cr, lane, room):
    """Claim what the limits allow now; return the jobs and plan the next claim.

    :param lane: has ``number_id``, ``channel``, ``turn`` (a counter) and
        ``next_claim``, which is set
    :param int room: rows that the sender can take
    """
    lane.next_claim = time.monotonic() + CLAIM_EVERY
    broadcasts = _sending(cr, lane.number_id)
    if not broadcasts:
        return []
    lane.channel.learn(cr, [broadcast["id"] for broadcast in broadcasts])
    spacing = limiter.number_spacing(broadcasts[0]["messages_per_second"])
    slots = limiter.look(cr, "number", lane.number_id, spacing)
    rows = _share_out(cr, lane, broadcasts, min(slots.count, room))
    if rows:
        limiter.use(cr, "number", lane.number_id, len(rows) * spacing)
    grace = max(spacing, GRACE)
    return [
        Job(row, lane.channel, slots.at(position), grace)
        for position, row in enumerate(rows)
    ]


def _sending(cr, number_id):
    cr.execute(queries.SENDING_BROADCASTS, {"number_id": number_id})
    return cr.dictfetchall()


def _share_out(cr, lane, broadcasts, free):
    """Let the broadcasts of a number take turns; what one leaves, the next may use."""
    start = lane.turn % len(broadcasts)
    ordered = broadcasts[start:] + broadcasts[:start]
    rows, next_slots = [], []
    for position, broadcast in enumerate(ordered):
        share = math.ceil((free - len(rows)) / (len(ordered) - position))
        if slots := _own_pace(cr, broadcast):
            share = min(share, slots.count)
            next_slots.append(slots.first - limiter.HORIZON)
        rows += _claim_rows(cr, broadcast, share)
    if not rows and len(next_slots) == len(broadcasts):
        # Each waits for its own pace: no use in asking before the first of them.
        lane.next_claim = max(lane.next_claim, min(next_slots))
    return rows


def _own_pace(cr, broadcast):
    """Return the slots that the broadcast's own pace leaves, None if it has none."""
    if not broadcast["messages_per_minute"]:
        return None
    spacing = 60 / broadcast["messages_per_minute"]
    return limiter.look(cr, "broadcast", broadcast["id"], spacing)


def _claim_rows(cr, broadcast, share):
    if broadcast["batch_size"]:
        share = min(share, broadcast["batch_size"])
    if share <= 0:
        return []
    cr.execute(
        queries.CLAIM,
        {"broadcast_id": broadcast["id"], "limit": share, "lease": ROW_LEASE},
    )
    rows = [row for row in cr.dictfetchall() if row["state"] == "sending"]
    per_minute = broadcast["messages_per_minute"]
    if rows and per_minute:
        limiter.use(cr, "broadcast", broadcast["id"], len(rows) * 60 / per_minute)
    return rows
