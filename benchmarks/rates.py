"""Arithmetic on moments: rates, and windows that slide over them."""

from __future__ import annotations

from collections.abc import Sequence


def rate(times: Sequence[float]) -> float:
    """Return events a second between the first and the last of ``times`` (seconds)."""
    if len(times) < 2 or max(times) == min(times):
        raise ValueError("a rate needs two different moments")
    return (len(times) - 1) / (max(times) - min(times))


def most_in_window(times: Sequence[float], seconds: float) -> int:
    """Return the most events that any window ``[t, t + seconds)`` holds."""
    ordered = sorted(times)
    most = first = 0
    for position, moment in enumerate(ordered):
        while moment - ordered[first] >= seconds:
            first += 1
        most = max(most, position - first + 1)
    return most


def fewest_in_window(times: Sequence[float], seconds: float) -> int:
    """Return the fewest events that any window within the run holds.

    Windows ``(t, t + seconds]`` that begin at an event and end before the last one.
    """
    ordered = sorted(times)
    fewest, last = len(ordered), 0
    for position, moment in enumerate(ordered):
        if moment + seconds > ordered[-1]:
            break
        while ordered[last] <= moment + seconds and last < len(ordered) - 1:
            last += 1
        fewest = min(fewest, last - position - (ordered[last] > moment + seconds))
    return fewest


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def growth(samples: Sequence[tuple[float, float]]) -> float:
    """Return by how much the sizes of ``(time, size)`` grew after the first quarter.

    The largest size of the last three quarters against the largest of the first.
    """
    start, end = samples[0][0], samples[-1][0]
    quarter = start + (end - start) / 4
    early = max(size for at, size in samples if at <= quarter)
    late = max(size for at, size in samples if at > quarter)
    return max(0.0, late - early)
