"""Windows slide over every moment, not over whole seconds."""

import random

import pytest

from benchmarks.rates import (
    fewest_in_window,
    growth,
    most_in_window,
    percentile,
    rate,
)


def test_a_rate_is_counted_between_the_first_and_the_last():
    assert rate([10.0, 10.5, 11.0]) == 2.0


def test_a_rate_of_one_moment_is_refused():
    with pytest.raises(ValueError, match="two different moments"):
        rate([1.0, 1.0])


def test_a_crowd_across_two_seconds_is_seen():
    # 80 in the end of one second and 80 in the beginning of the next.
    times = [0.9 + n / 1000 for n in range(80)] + [1.1 + n / 1000 for n in range(80)]
    assert most_in_window(times, 1.0) == 160


def test_a_window_is_open_at_its_end():
    assert most_in_window([0.0, 1.0, 2.0], 1.0) == 1
    assert most_in_window([0.0, 0.999, 1.0], 1.0) == 2


def test_windows_agree_with_counting_each():
    chance = random.Random(1)
    times = [chance.uniform(0, 20) for _ in range(300)]
    most = max(sum(t <= u < t + 1.5 for u in times) for t in times)
    inside = [t for t in times if t + 1.5 <= max(times)]
    fewest = min(sum(t < u <= t + 1.5 for u in times) for t in inside)
    assert most_in_window(times, 1.5) == most
    assert fewest_in_window(times, 1.5) == fewest


def test_a_pause_is_the_emptiest_window():
    times = [n / 10 for n in range(20)] + [5 + n / 10 for n in range(20)]
    assert fewest_in_window(times, 2.0) == 0
    assert fewest_in_window([n / 10 for n in range(100)], 1.0) == 10


def test_percentiles_are_values_that_occurred():
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([7], 0.95) == 7


def test_memory_that_is_taken_early_is_not_growth():
    flat = [(0, 100), (1, 180), (2, 175), (4, 180)]
    assert growth(flat) == 0
    assert growth([*flat, (3, 150), (8, 230)]) == 50
    assert growth([(0, 100), (10, 90)]) == 0
