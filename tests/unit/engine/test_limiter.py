"""The arithmetic of slots."""

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


def test_the_quickest_answer_dates_the_slots_and_never_too_early(monkeypatch):
    clock = limiter.Clock()
    for delay in (0.3, 0.001, 0.2):  # seconds that an answer took to reach us
        monkeypatch.setattr(limiter.time, "monotonic", lambda d=delay: 50.0 + d)
        clock.learn(1050.0)  # the database wrote it when our clock was at 50
    assert clock.monotonic(1060.0) == pytest.approx(60.001)
