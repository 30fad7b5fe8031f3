"""About when a broadcast ends."""

from datetime import datetime, timedelta
from itertools import chain, repeat

import pytest
from engine.estimates import finish, pace
from engine.windows import Window

MONDAY = datetime(2026, 3, 2, 12, 0)
HOUR = timedelta(hours=1)


def office(zone="UTC", days=range(7)):
    return Window("company", 9, 17, list(days), zone, None)


def test_the_slower_of_number_and_broadcast_counts():
    assert pace(80, 0.2) == 64
    assert pace(80, 0.2, 60) == 1
    assert pace(80, 0, 60_000) == 80


def test_at_any_hour_it_is_people_by_rate():
    assert finish(3600, MONDAY, 1) == MONDAY + HOUR
    assert finish(0, MONDAY, 1) == MONDAY


def test_what_does_not_fit_waits_for_the_next_opening():
    # From noon to 17:00 there are five hours, the sixth is the next morning's.
    end = finish(6 * 3600, MONDAY, 1, office())
    assert end == datetime(2026, 3, 3, 10, 0)


def test_it_begins_when_the_window_opens():
    night = datetime(2026, 3, 2, 3, 7)
    assert finish(3600, night, 1, office()) == datetime(2026, 3, 2, 10, 0)


def test_weekends_pass():
    friday = datetime(2026, 3, 6, 16, 30)
    end = finish(3600, friday, 1, office(days=range(5)))
    assert end == datetime(2026, 3, 9, 9, 30)


def test_a_limit_of_people_spreads_it_over_days():
    places = chain([100], repeat(250))
    end = finish(600, MONDAY, 1, places=places)
    # 100 today, 250 tomorrow, 250 the day after, the last of them 250 s after noon.
    assert end == MONDAY + timedelta(days=2, seconds=250)


def test_a_limit_that_is_used_up_is_waited_for():
    assert finish(10, MONDAY, 1, places=chain([0], repeat(100))) == MONDAY + timedelta(
        days=1, seconds=10
    )


def test_no_limit_is_infinity():
    assert finish(60, MONDAY, 1, places=repeat(float("inf"))) == MONDAY + HOUR / 60


@pytest.mark.parametrize("rate", [0.001, 0.01])
def test_what_takes_longer_than_the_horizon_is_not_foretold(rate):
    assert finish(1_000_000, MONDAY, rate) is None
