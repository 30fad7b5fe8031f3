"""What the fault matrix counts as lost, doubled, unexpected and unknown."""

from collections import Counter

import pytest

from faults.tally import (
    Row,
    Tally,
    compare,
    least_in_window,
    most_in_window,
    percentile,
)

ANN, BOB = "+12125550001", "+12125550002"
BOTH = Counter([ANN, BOB])


def message(phone, token, message_id="wamid"):
    return {"to": phone, "callback_data": token, "message_id": message_id}


def row(phone, token=None, state="accepted", message_id=None):
    return Row(phone, state, token, message_id)


def test_nothing_wrong():
    rows = [row(ANN, "a"), row(BOB, "b", "read")]
    found = compare(BOTH, rows, [message(ANN, "a"), message(BOB, "b")])
    assert found == Tally()
    assert found.is_clean


@pytest.mark.parametrize(
    "bob",
    [
        pytest.param([row(BOB, "b")], id="said to be sent"),
        pytest.param([], id="no row"),
        pytest.param([row(BOB, state="queued")], id="left behind"),
        pytest.param([row(BOB, "b", "sending")], id="left in flight"),
        pytest.param([row(BOB, "b", "failed", "wamid")], id="failed by webhook"),
    ],
)
def test_lost(bob):
    found = compare(BOTH, [row(ANN, "a"), *bob], [message(ANN, "a")])
    assert found == Tally(lost=Counter([BOB]))
    assert not found.is_clean


@pytest.mark.parametrize("state", ["skipped", "cancelled", "failed", "unknown"])
def test_an_end_without_a_message_is_no_loss(state):
    found = compare(BOTH, [row(ANN, "a"), row(BOB, "b", state)], [message(ANN, "a")])
    assert found.is_clean
    assert found.unknown == (state == "unknown")


def test_queued_rows_may_wait_for_a_person():
    rows = [row(ANN, state="queued"), row(BOB, "b", "sending")]
    assert compare(BOTH, rows, [], waiting=True).is_clean
    assert compare(BOTH, rows, [message(BOB, "b")], waiting=True).is_clean


def test_duplicated_counts_people_not_tokens():
    taken = [message(ANN, "a"), message(ANN, "a2"), message(BOB, "b")]
    found = compare(BOTH, [row(ANN, "a2"), row(BOB, "b")], taken)
    assert found.duplicated == Counter([ANN])
    assert found.unexpected == Counter([ANN])  # of the first try nothing is known


def test_a_restored_database_is_not_blamed_for_what_it_cannot_know():
    taken = [message(ANN, "a"), message(BOB, "b")]
    rows = [row(ANN, "a"), row(BOB, state="cancelled")]
    assert compare(BOTH, rows, taken, forgotten={"b"}).is_clean
    again = [*taken, message(BOB, "b2")]
    rows = [row(ANN, "a"), row(BOB, "b2")]
    found = compare(BOTH, rows, again, forgotten={"b"})
    assert found == Tally(duplicated=Counter([BOB]))


def test_a_refused_request_is_no_message():
    taken = [message(ANN, "a", None), message(ANN, "a2"), message(BOB, "b")]
    assert compare(BOTH, [row(ANN, "a2"), row(BOB, "b")], taken).is_clean


@pytest.mark.parametrize("state", ["queued", "skipped", "cancelled", "failed"])
def test_unexpected(state):
    rows = [row(ANN, "a"), row(BOB, "b", state)]
    found = compare(BOTH, rows, [message(ANN, "a"), message(BOB, "b")], waiting=True)
    assert found == Tally(unexpected=Counter([BOB]))


def test_a_stranger_is_unexpected():
    found = compare(
        Counter([ANN]), [row(ANN, "a")], [message(ANN, "a"), message(BOB, "b")]
    )
    assert found == Tally(unexpected=Counter([BOB]))


def test_unknown_though_taken_is_unsettled():
    found = compare(Counter([ANN]), [row(ANN, "a", "unknown")], [message(ANN, "a")])
    assert found == Tally(unknown=1, unsettled=1)
    assert not found.is_clean


def test_tallies_add_up():
    one = Tally(lost=Counter([ANN]), unknown=1)
    assert one + one == Tally(lost=Counter([ANN, ANN]), unknown=2)


def test_windows_slide():
    times = [0.0, 0.9, 0.95, 1.0, 1.5, 3.0]
    assert most_in_window(times, 1.0) == 4  # 0.9 to 1.5; 0.0 is a whole second away
    assert least_in_window(times, 1.0) == 0  # behind 1.5 nothing came
    assert most_in_window([], 1.0) == 0


def test_an_even_flow_is_seen_as_even():
    times = [n / 10 for n in range(101)]
    assert most_in_window(times, 1.0) in (10, 11)  # floats
    assert least_in_window(times, 1.0) in (9, 10)
    assert least_in_window(times, 60) == 0


def test_percentile():
    assert percentile(range(100), 0.99) == 99
    assert percentile([7], 0.5) == 7
