"""When a window opens, on the clocks of its zones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from engine.windows import Window, next_opening
from hypothesis import given, settings
from hypothesis import strategies as st

WEEK = range(7)
WORKDAYS = range(5)
NEW_YORK = ["America/New_York"]


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-01-05 13:59:59.9", "2026-01-05 14:00"),
        ("2026-01-05 14:00", None),
        ("2026-01-06 00:59:59.9", None),
        ("2026-01-06 01:00", "2026-01-06 14:00"),
        # Friday evening, with Monday the next day that counts.
        ("2026-01-10 01:00", "2026-01-12 14:00"),
    ],
)
def test_hours_of_workdays(now, opening):
    expected = opening and at(opening)
    assert next_opening(9, 20, WORKDAYS, NEW_YORK, at(now)) == expected


def test_hours_may_have_minutes_and_end_at_midnight():
    assert next_opening(9.5, 24, WEEK, ["UTC"], at("2026-01-05 09:29")) == at(
        "2026-01-05 09:30"
    )
    assert next_opening(9.5, 24, WEEK, ["UTC"], at("2026-01-05 23:59")) is None
    assert next_opening(0, 24, WEEK, ["UTC"], at("2026-01-05 00:00")) is None


@pytest.mark.parametrize(
    ("day", "opening"),
    [
        ("2026-03-07 12:00", "2026-03-07 14:00"),
        ("2026-03-08 12:00", "2026-03-08 13:00"),  # clocks went forward
        ("2026-10-31 12:00", "2026-10-31 13:00"),
        ("2026-11-01 12:00", "2026-11-01 14:00"),  # and back
    ],
)
def test_nine_stays_nine_when_clocks_change(day, opening):
    assert next_opening(9, 20, WEEK, NEW_YORK, at(day)) == at(opening)


def test_a_window_that_begins_in_the_missing_hour_opens_at_its_end():
    # 2:00 is followed by 3:00 at 7:00 UTC.
    now = at("2026-03-08 06:30")
    assert next_opening(2.5, 20, WEEK, NEW_YORK, now) == at("2026-03-08 07:00")


def test_a_window_inside_the_missing_hour_does_not_open_that_day():
    now = at("2026-03-08 06:30")
    assert next_opening(2.25, 2.75, WEEK, NEW_YORK, now) == at("2026-03-09 06:15")


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-11-01 05:00", "2026-11-01 05:15"),
        ("2026-11-01 05:15", None),
        ("2026-11-01 05:45", "2026-11-01 06:15"),  # 1:15 for the second time
        ("2026-11-01 06:45", "2026-11-02 06:15"),
    ],
)
def test_a_window_inside_the_doubled_hour_opens_twice(now, opening):
    expected = opening and at(opening)
    assert next_opening(1.25, 1.75, WEEK, NEW_YORK, at(now)) == expected


def test_going_back_may_open_what_was_closed():
    # At 6:00 UTC it is 1:00 again.
    now = at("2026-11-01 05:45")
    assert next_opening(0, 1.5, WEEK, NEW_YORK, now) == at("2026-11-01 06:00")


def test_all_zones_must_be_open():
    zones = ["America/Los_Angeles", "America/New_York"]
    # 9:00 in Los Angeles is 12:00 in New York.
    assert next_opening(9, 20, WEEK, zones, at("2026-01-05 15:00")) == at(
        "2026-01-05 17:00"
    )
    assert next_opening(9, 20, WEEK, zones, at("2026-01-05 18:00")) is None
    assert next_opening(9, 20, WEEK, zones, at("2026-01-06 01:30")) == at(
        "2026-01-06 17:00"
    )


def test_zones_on_both_sides_of_the_date_line():
    zones = ["America/New_York", "Pacific/Guam"]
    # 18:00 on Friday in New York is 9:00 on Saturday in Guam.
    assert next_opening(9, 20, WEEK, zones, at("2026-01-09 12:00")) == at(
        "2026-01-09 23:00"
    )
    assert next_opening(9, 20, WORKDAYS, zones, at("2026-01-09 12:00")) == at(
        "2026-01-12 23:00"
    )


def test_zones_that_never_meet_follow_the_first():
    zones = ["America/New_York", "Asia/Singapore"]
    assert next_opening(9, 17, WEEK, zones, at("2026-01-05 15:00")) is None
    assert next_opening(9, 17, WEEK, zones, at("2026-01-05 13:00")) == at(
        "2026-01-05 14:00"
    )


@pytest.mark.parametrize("zones", [[], ["Nowhere/Atlantis"], ["../etc/passwd"], [""]])
def test_without_a_known_zone_utc_counts(zones):
    assert next_opening(9, 20, WEEK, zones, at("2026-01-05 08:00")) == at(
        "2026-01-05 09:00"
    )


def test_an_unknown_zone_is_passed_over():
    zones = ["Nowhere/Atlantis", "Asia/Tokyo"]
    assert next_opening(9, 20, WEEK, zones, at("2026-01-05 00:30")) is None


ZONES = st.sampled_from(
    ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]
)


@settings(max_examples=60, deadline=None)
@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
    start=st.integers(0, 1410),
    length=st.integers(30, 1440),
    days=st.sets(st.sampled_from(WEEK), min_size=1),
    zone=ZONES,
)
def test_the_opening_is_the_first_open_minute(now, start, length, days, zone):
    end = min(start + length, 1440)
    found = next_opening(start / 60, end / 60, days, [zone], now)

    def is_open(instant):
        local = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
        minute = 60 * local.hour + local.minute
        return local.weekday() in days and start <= minute < end

    if found is None:
        assert is_open(now)
        return
    assert found > now
    assert is_open(found)
    minute = now
    while (minute := minute + timedelta(minutes=15)) < found:
        assert not is_open(minute)
    assert not is_open(found - timedelta(minutes=1))


# === A BROADCAST'S WINDOW === #

NOON_IN_BERLIN = at("2026-01-05 11:00")


def window(kind, timezones=None):
    return Window(kind, 9, 20, list(WEEK), "Europe/Berlin", timezones)


def test_a_broadcast_without_hours_is_always_open():
    assert window("always").opening(at("2026-01-05 03:00")) is None
    assert window("always", ["Asia/Tokyo"]).closed(NOON_IN_BERLIN) == {}


def test_the_companys_clock():
    assert window("company", ["Asia/Tokyo"]).opening(NOON_IN_BERLIN) is None
    assert window("company").opening(at("2026-01-05 03:00")) == at("2026-01-05 08:00")


def test_the_recipients_clocks():
    some = window("recipient", ["America/New_York", "Asia/Tokyo"])
    # 20:00 in Tokyo, 6:00 in New York.
    assert some.closed(NOON_IN_BERLIN) == {
        "America/New_York": at("2026-01-05 14:00"),
        "Asia/Tokyo": at("2026-01-06 00:00"),
    }
    assert some.opening(NOON_IN_BERLIN) == at("2026-01-05 14:00")
    assert some.opening(at("2026-01-05 15:00")) is None


def test_recipients_without_a_zone_follow_the_company():
    some = window("recipient", ["", "America/New_York"])
    assert some.closed(NOON_IN_BERLIN).keys() == {"America/New_York"}
    assert some.opening(NOON_IN_BERLIN) is None
    assert window("recipient", None).opening(NOON_IN_BERLIN) is None


def test_several_zones_of_one_recipient():
    both = "America/Los_Angeles,America/New_York"
    assert window("recipient", [both]).closed(at("2026-01-05 15:00")) == {
        both: at("2026-01-05 17:00")
    }
