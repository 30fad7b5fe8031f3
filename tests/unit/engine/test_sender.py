"""The pool that sends rows at their slots."""

import threading
import time

import pytest
from engine import sender as module
from engine.result import ACCEPTED, LATE, REFUSED, UNKNOWN, Result
from engine.sender import Job, Sender

PATIENCE = 10  # seconds until a test is given up


class Channel:
    """Accepts everything and remembers when."""

    def __init__(self, prepare=None, connect=None, send=None):
        self._prepare, self._connect, self._send = prepare, connect, send
        self.connected = threading.Event()
        self.sent = {}

    def prepare(self, row):
        if self._prepare:
            self._prepare(row)
        return row

    def send(self, request, ready):
        if self._connect:
            self._connect(request)
        self.connected.set()
        if not ready():
            return Result(LATE)
        self.sent[request["id"]] = time.monotonic()
        if self._send:
            self._send(request)
        return Result(ACCEPTED, message_id=f"m{request['id']}")


def job(channel, number, ahead=0.0, grace=5.0):
    return Job({"id": number}, channel, time.monotonic() + ahead, grace)


def send_all(jobs, threads=4):
    with Sender(threads, ahead=100) as sender:
        for one in jobs:
            sender.submit(one)
        finished = []
        while len(finished) < len(jobs):
            finished += sender.collect()
    return {done.row["id"]: result for done, result in finished}


def test_every_row_gets_one_result():
    channel = Channel()
    results = send_all([job(channel, n) for n in range(50)])
    assert {n: result.message_id for n, result in results.items()} == {
        n: f"m{n}" for n in range(50)
    }


def test_no_row_goes_before_its_slot_and_the_order_is_that_of_slots():
    channel = Channel()
    jobs = [job(channel, n, ahead=0.3 - n * 0.02) for n in range(10)]
    send_all(jobs, threads=1)
    assert list(channel.sent) == list(reversed(range(10)))
    for one in jobs:
        assert channel.sent[one.row["id"]] >= one.slot


def test_a_missed_slot_is_given_back_unsent():
    channel = Channel()
    results = send_all([job(channel, 1, ahead=-1, grace=0.05)])
    assert results[1].outcome == LATE
    assert not channel.sent


def test_the_connection_comes_before_the_slot(monkeypatch):
    monkeypatch.setattr(module, "CONNECT_AHEAD", 120)
    channel = Channel()
    with Sender(1, ahead=10) as sender:
        sender.submit(job(channel, 1, ahead=60))
        assert channel.connected.wait(PATIENCE)
        # Stopped while it waits with the connection in hand.
    [(_job, result)] = sender.collect()
    assert result.outcome == LATE
    assert not channel.sent


def test_no_connection_is_held_long_before_the_slot():
    far, near = Channel(), Channel()
    with Sender(2, ahead=10) as sender:
        sender.submit(job(far, 1, ahead=60))
        sender.submit(job(near, 2, ahead=0.1))
        assert near.connected.wait(PATIENCE)
    assert not far.connected.is_set()


def test_no_connection_is_taken_for_a_slot_that_is_missed_already():
    channel = Channel()
    send_all([job(channel, 1, ahead=-1, grace=0.05)])
    assert not channel.connected.is_set()


def test_a_slot_that_is_missed_while_connecting_is_given_back_unsent():
    slots = {}

    def outlast_the_slot(request):
        while time.monotonic() <= slots[request["id"]] + 0.05:
            time.sleep(0.01)

    channel = Channel(connect=outlast_the_slot)
    jobs = [job(channel, n, ahead=0.1 + n * 0.01, grace=0.05) for n in range(4)]
    slots.update((one.row["id"], one.slot) for one in jobs)
    results = send_all(jobs)
    assert [result.outcome for result in results.values()] == [LATE] * 4
    assert not channel.sent


def test_a_row_whose_slot_is_far_keeps_no_thread_from_a_nearer_one():
    channel = Channel()
    with Sender(1, ahead=10) as sender:
        sender.submit(job(channel, 1, ahead=60))
        sender.submit(job(channel, 2))
        assert channel.connected.wait(PATIENCE)
    results = {done.row["id"]: result.outcome for done, result in sender.collect()}
    assert results == {1: LATE, 2: ACCEPTED}


def test_a_row_that_cannot_be_prepared_is_refused_with_the_reason():
    def refuse(row):
        raise ValueError("The text is too long.")

    [result] = send_all([job(Channel(prepare=refuse), 1)]).values()
    assert (result.outcome, result.error_message) == (REFUSED, "The text is too long.")


@pytest.mark.parametrize("error", [RuntimeError("bug"), MemoryError()])
def test_an_accident_after_the_request_leaves_doubt(error):
    def fail(request):
        raise error

    [result] = send_all([job(Channel(send=fail), 1)]).values()
    assert result.outcome == UNKNOWN


def test_an_accident_while_connecting_loses_no_row():
    def fail(request):
        raise RuntimeError("bug")

    channel = Channel(connect=fail)
    results = send_all([job(channel, n) for n in range(5)], threads=1)
    assert [result.outcome for result in results.values()] == [UNKNOWN] * 5


def test_stopping_waits_for_answers_and_gives_the_rest_back():
    started, release = threading.Event(), threading.Event()

    def answer_late(_request):
        started.set()
        release.wait(PATIENCE)

    sender, channel = Sender(1, ahead=10), Channel(send=answer_late)
    with sender:
        sender.submit(job(channel, 1))
        sender.submit(job(channel, 2, ahead=60))
        assert started.wait(PATIENCE)
        threading.Timer(0.05, release.set).start()
    results = {done.row["id"]: result.outcome for done, result in sender.collect()}
    assert results == {1: ACCEPTED, 2: LATE}


def test_room_shrinks_with_what_is_in_hand():
    release = threading.Event()
    channel = Channel(send=lambda request: release.wait(PATIENCE))
    with Sender(2, ahead=3) as sender:
        assert sender.room == 5
        for n in range(4):
            sender.submit(job(channel, n))
        assert (sender.room, sender.in_hand) == (1, 4)
        release.set()
