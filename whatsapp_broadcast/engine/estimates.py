"""About when a broadcast ends: at its pace, in its hours, within the limits of a day.

Knows nothing of what else is sent from the number meanwhile, nor of new tries.
"""

from datetime import timedelta

from .windows import DAY

#: Further ahead nothing is foretold.
HORIZON = timedelta(days=90)
#: What a window is looked at in: the end is as exact as this, if there is one.
STEP = timedelta(minutes=15)


def pace(messages_per_second, reserve=0.0, messages_per_minute=0):
    """Return the messages a second that a broadcast sends at.

    :param int messages_per_second: what the number may send
    :param float reserve: share of it that is left for what comes in
    :param int messages_per_minute: the broadcast's own limit, 0 for none
    """
    rate = messages_per_second * (1 - reserve)
    return min(rate, messages_per_minute / 60) if messages_per_minute else rate


def finish(people, start, rate, window=None, places=None):
    """Return when the last of ``people`` is written to, None if after HORIZON.

    :param int people: who is still to be written to
    :param datetime start: naive UTC, not before now
    :param float rate: messages a second, see :func:`pace`
    :param Window window: hours of sending, None for any
    :param places: how many new people may be reached in each 24 hours from start on,
        an iterator as of ``places.allowances``; None: any number
    :rtype: datetime | None
    """
    now, left = start, people
    day_ends, room = start + DAY, next(places) if places else left
    while now < start + HORIZON:
        if left <= 0:
            return now
        if now >= day_ends or room <= 0:
            now, day_ends = max(now, day_ends), day_ends + DAY
            room = next(places) if places else left
            continue
        opening = window and window.opening(now)
        if opening:
            now = opening
            continue
        until = min(day_ends, _next_step(now) if window else day_ends)
        sent = min(left, room, rate * (until - now).total_seconds())
        left, room = left - sent, room - sent
        now = until if room > 0 < left else now + timedelta(seconds=sent / rate)
    return None


def _next_step(now):
    """Return the next quarter of an hour: windows open and close on the minute."""
    passed = timedelta(
        minutes=now.minute % 15, seconds=now.second, microseconds=now.microsecond
    )
    return now - passed + STEP
