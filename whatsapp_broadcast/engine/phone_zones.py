"""In which time zones a phone number may be."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
import pytz
from phonenumbers.timezone import time_zones_for_geographical_number

#: First characters of an E.164 number that decide on its place: "+1 212 555".
PREFIX = 8


def timezones(phone):
    """Return the IANA names of the zones of an E.164 number, comma-separated, sorted.

    A number that is bound to a place has the zone of that place, any other all zones of
    its country; of zones with the same clock one is named. None: nothing is known.
    """
    try:
        number = phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(number)
    names = None
    if region and not phonenumbers.is_number_geographical(number):
        # libphonenumber would say all of America for a mobile phone in Jamaica.
        names = pytz.country_timezones.get(region)
    names = names or time_zones_for_geographical_number(number)
    return ",".join(_different(tuple(sorted(names)))) or None


@lru_cache(maxsize=1024)
def _different(names):
    """Return the first name of each clock."""
    clocks = {}
    for name in names:
        if name in pytz.all_timezones_set:
            clocks.setdefault(_clock(name), name)
    return sorted(clocks.values())


def _clock(name):
    """Return the offsets of a year; zones that differ in none go alike for us."""
    year = datetime.now(UTC).year
    days = (datetime(year, month, 15, tzinfo=UTC) for month in range(1, 13))
    return tuple(day.astimezone(ZoneInfo(name)).utcoffset() for day in days)
