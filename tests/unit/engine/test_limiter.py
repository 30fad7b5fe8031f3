"""The arithmetic of slots."""

import time

import pytest
from engine import limiter


@pytest.mark.parametrize("limit", [1, 5, 20, 80, 250, 1000])
def test_late_and_early_messages_together_never_exceed_the_limit(limit):
    spacing = limiter.spacing(limit)
    first_late = limiter.GRACE  # the first goes out as late as it may, others in time
    sent = [0 + first_late] + [n * spacing for n in range(1, 2 * limit)]
    for position, start in enumerate(sorted(sent)):
        window = [at for at in sent if start <= at < start + 1.0]
        assert len(window) <= limit, (limit, position)


@pytest.mark.parametrize("limit", [1, 80, 1000])
def test_nearly_all_of_the_limit_is_used(limit):
    assert 1 / limiter.spacing(limit) >= 0.96 * limit


def test_slots_begin_within_the_horizon():
    assert limiter.slots(0, 0.1, 0.55) == 6
    assert limiter.slots(-10, 0.1, 0.55) == 6  # what nobody took is lost
    assert limiter.slots(0.5, 0.1, 0.55) == 1
    assert limiter.slots(0.6, 0.1, 0.55) == 0


def test_a_slot_is_never_dated_too_early():
    clock = limiter.Clock()
    now = time.monotonic()
    clock.learn(1000.0 + now - 0.3)  # this answer took 0.3 s to reach us
    clock.learn(1000.0 + time.monotonic() - 0.001)
    clock.learn(1000.0 + time.monotonic() - 0.2)
    ours = clock.monotonic(1000.0 + now)
    assert 0.0005 <= ours - now < 0.1  # never before the database means it
