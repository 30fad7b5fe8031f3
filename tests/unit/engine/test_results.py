"""What a result means for its row."""

import pytest
from engine.result import (
    ACCEPTED,
    HELD,
    LATE,
    NOT_SENT,
    REFUSED,
    UNKNOWN,
    Result,
)
from engine.results import MAX_ATTEMPTS, _decide


def decide(outcome, error_class="", attempt_count=1, table="recipient"):
    row = {"attempt_count": attempt_count, "table": table}
    return _decide(row, Result(outcome, error_class=error_class))


def test_what_was_accepted_is_not_due_again():
    assert decide(ACCEPTED) == ("accepted", None, 0)
    assert decide(HELD) == ("held", None, 0)


@pytest.mark.parametrize("outcome", [UNKNOWN, "something new"])
def test_doubt_is_never_sent_again_by_itself(outcome):
    assert decide(outcome) == ("unknown", None, 0)
    assert decide(outcome, "doubt") == ("unknown", None, 0)


@pytest.mark.parametrize("outcome", [LATE, NOT_SENT])
def test_what_surely_did_not_go_out_waits_and_costs_no_try(outcome):
    state, delay, uncounted = decide(outcome, attempt_count=99)
    assert (state, uncounted) == ("queued", 1)
    assert delay is not None


def test_throttling_costs_the_row_no_try():
    state, delay, uncounted = decide(REFUSED, "throttle", attempt_count=99)
    assert (state, uncounted) == ("queued", 1)
    assert delay is not None


@pytest.mark.parametrize("error_class", ["retry", "pair"])
def test_a_passing_refusal_is_retried_a_bounded_number_of_times(error_class):
    for attempt in range(1, MAX_ATTEMPTS):
        assert decide(REFUSED, error_class, attempt)[0] == "queued"
    assert decide(REFUSED, error_class, MAX_ATTEMPTS) == ("failed", None, 0)


def test_a_pair_waits_four_to_the_power_of_its_tries():
    for attempt, seconds in enumerate([1, 4, 16, 64], start=1):
        _state, delay, _uncounted = decide(REFUSED, "pair", attempt)
        assert seconds <= delay <= seconds + 1


@pytest.mark.parametrize(
    "error_class", ["template", "number", "account", "credentials"]
)
def test_what_stops_more_than_the_row_does_not_burn_it(error_class):
    assert decide(REFUSED, error_class, attempt_count=99) == ("queued", 0.0, 1)


@pytest.mark.parametrize("error_class", ["recipient", "opt_out", "request", "later"])
def test_the_row_fails_where_it_is_to_blame(error_class):
    assert decide(REFUSED, error_class) == ("failed", None, 0)


def test_every_class_of_the_providers_is_decided_on():
    from providers import ErrorClass

    for error_class in ErrorClass:
        assert decide(REFUSED, error_class.value)[0] in ("queued", "failed")


# === SINGLE MESSAGES === #


def test_a_message_shares_what_is_proven_with_a_row():
    assert decide(ACCEPTED, table="message") == ("accepted", None, 0)
    assert decide(HELD, table="message") == ("held", None, 0)
    assert decide(UNKNOWN, table="message") == ("unknown", None, 0)
    assert decide(LATE, attempt_count=99, table="message") == ("queued", 0.0, 1)


@pytest.mark.parametrize(
    ("outcome", "error_class"),
    [(NOT_SENT, ""), (REFUSED, "throttle"), (REFUSED, "retry"), (REFUSED, "pair")],
)
def test_a_message_does_not_wait_for_ever(outcome, error_class):
    state, delay, uncounted = decide(outcome, error_class, table="message")
    assert (state, uncounted) == ("queued", 0)
    assert delay >= 0
    last = decide(outcome, error_class, MAX_ATTEMPTS, "message")
    assert last == ("failed", None, 0)


@pytest.mark.parametrize(
    "error_class", ["template", "number", "account", "credentials", "request"]
)
def test_a_message_fails_at_once_where_nobody_would_resume_it(error_class):
    assert decide(REFUSED, error_class, table="message") == ("failed", None, 0)
