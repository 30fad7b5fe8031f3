"""When a row of the fault matrix is good, and what its line says."""

from collections import Counter

import pytest

from faults import matrix
from faults.arena import Measure
from faults.tally import Tally
from tools.console import Problem


def measure(value, at_most=None, at_least=None):
    return Measure("rate", value, "/s", at_most, at_least)


@pytest.mark.parametrize(
    "found, is_met",
    [
        (measure(5), True),
        (measure(5, at_most=5), True),
        (measure(5.1, at_most=5), False),
        (measure(5, at_least=5), True),
        (measure(4.9, at_least=5), False),
    ],
)
def test_bounds(found, is_met):
    assert found.is_met == is_met
    assert ("MISSED" in str(found)) != is_met


@pytest.mark.parametrize(
    "more, is_good",
    [
        ({}, True),
        ({"tally": Tally(unknown=3)}, True),
        ({"tally": Tally(unknown=3, unsettled=1)}, False),
        ({"tally": Tally(lost=Counter("a"))}, False),
        ({"tally": Tally(duplicated=Counter("a"))}, False),
        ({"tally": Tally(unexpected=Counter("a"))}, False),
        ({"measures": [measure(2, at_most=1)]}, False),
        ({"broken": "no server"}, False),
    ],
)
def test_outcome(more, is_good):
    outcome = matrix.Outcome("F0", "nothing", **more)
    assert outcome.is_good == is_good
    assert ("FAIL" in str(outcome)) != is_good


def test_a_row_that_did_not_run_shows_no_counts():
    line = str(matrix.Outcome("F0", "nothing", broken="no server"))
    assert "COULD NOT RUN: no server" in line
    assert line.split()[1] == "-"


def test_rows_are_chosen_by_name():
    assert matrix.chosen("") == list(matrix.ROWS)
    assert matrix.chosen("F4, F1") == ["F4", "F1"]
    with pytest.raises(Problem, match="no row F99"):
        matrix.chosen("F4,F99")


def test_every_row_says_what_it_does():
    for row in matrix.ROWS.values():
        assert row.__doc__
