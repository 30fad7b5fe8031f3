"""When a broadcast may send: hours and weekdays, on the wall clocks of zones.

Instants are naive UTC, as in the database. Only the wall clock decides: in the night
when clocks go back, a window that lies in the doubled hour opens twice; where they go
forward, one that begins in the missing hour opens at the hour's end.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from heapq import merge
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Days ahead in which an opening is looked for.
DAYS_AHEAD = 14
DAY = timedelta(days=1)


class Window(NamedTuple):
    """When one broadcast may send.

    ``kind``: always, company, recipient; ``start``, ``end``: hours, as 9.5 for 9:30;
    ``days``: of the week, 0 = Monday; ``zone``: the company's IANA name; ``timezones``:
    what is in this column of the recipients, each once and "" for NULL, or None.
    """

    kind: str
    start: float
    end: float
    days: list[int]
    zone: str
    timezones: list[str] | None

    @classmethod
    def of(cls, row):
        """Return the window of a row (dict) with ``queries.WINDOW_COLUMNS``."""
        return cls(
            row["send_window"],
            row["send_window_start"],
            row["send_window_end"],
            row["send_window_days"],
            row["company_tz"],
            row["recipient_timezones"],
        )

    def opening(self, now):
        """Return None if somebody may be written to now, else the next such instant."""
        if self.kind == "always":
            return None
        openings = [self._opening(combined, now) for combined in self._combinations()]
        return None if None in openings else min(openings)

    def closed(self, now):
        """Return {timezones of a row: its opening} of those that must wait now.

        The key "" is for rows without a zone of their own: the company's counts.
        """
        if self.kind == "always":
            return {}
        openings = {
            combined: self._opening(combined, now) for combined in self._combinations()
        }
        return {combined: at for combined, at in openings.items() if at}

    def _combinations(self):
        return self.timezones if self.kind == "recipient" and self.timezones else [""]

    def _opening(self, combined, now):
        zones = combined.split(",") if combined else [self.zone]
        return next_opening(self.start, self.end, self.days, zones, now)


def next_opening(start, end, days, zones, now):
    """Return None if the window is open now in all zones, else when it next is.

    Zones whose windows do not meet within 14 days (New York and Singapore with 9 to 17
    o'clock) are treated as the first of them alone.

    :param float start: hour of the day at which it opens
    :param float end: hour of the day at which it closes, 24 for midnight
    :param days: weekdays on which it opens, 0 = Monday; at least one
    :param zones: IANA names; unknown ones are passed over, and none at all means UTC
    :param datetime now: naive UTC
    :rtype: datetime | None
    """
    # Windows and changes of the clock begin on the minute, so nothing is lost.
    minute = now.replace(second=0, microsecond=0)
    return _next_opening(
        _minutes(start), _minutes(end), frozenset(days), tuple(zones), minute
    )


@lru_cache(maxsize=4096)
def _next_opening(start, end, days, names, now):
    zones = [zone for zone in map(_zone, names) if zone] or [ZoneInfo("UTC")]
    for group in (zones, zones[:1]):
        if _is_open(start, end, days, group, now):
            return None
        for instant in merge(*(_instants(start, zone, now) for zone in group)):
            if instant > now and _is_open(start, end, days, group, instant):
                return instant
    return now + DAYS_AHEAD * DAY


def _is_open(start, end, days, zones, instant):
    return all(_is_open_in(start, end, days, zone, instant) for zone in zones)


def _is_open_in(start, end, days, zone, instant):
    local = instant.replace(tzinfo=UTC).astimezone(zone)
    return local.weekday() in days and start <= 60 * local.hour + local.minute < end


def _instants(start, zone, now):
    """Yield, ascending, the instants at which a closed window may open in ``zone``."""
    first = now.replace(tzinfo=UTC).astimezone(zone).date()
    for ahead in range(DAYS_AHEAD + 1):
        midnight = datetime.combine(first + ahead * DAY, datetime.min.time())
        opening = midnight + timedelta(minutes=start)
        instants = {_utc(opening, zone, fold) for fold in (0, 1)}
        begin, end = _utc(midnight, zone), _utc(midnight + DAY, zone)
        if _offset(begin, zone) != _offset(end, zone):
            instants.add(_change(begin, end, zone))
        yield from sorted(instants)


def _change(begin, end, zone):
    """Return the minute between two instants at which the clock is changed."""
    before = _offset(begin, zone)
    low, high = 0, int((end - begin).total_seconds() // 60)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(begin + timedelta(minutes=middle), zone) == before:
            low = middle
        else:
            high = middle
    return begin + timedelta(minutes=high)


def _offset(instant, zone):
    return instant.replace(tzinfo=UTC).astimezone(zone).utcoffset()


def _utc(wall, zone, fold=0):
    at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    return at.replace(tzinfo=None)


def _minutes(hours):
    return round(60 * hours)


def _zone(name):
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
