"""What a run does while the database is away."""

import time
from contextlib import contextmanager
from types import SimpleNamespace

import psycopg2
import pytest
from engine import driver
from engine.result import LATE


class Cursor:
    def execute(self, *_statement):
        pass

    def fetchone(self):
        return (0.0,)


class Database:
    """Gives cursors; its commit fails once ``is_away``."""

    is_away = False

    @contextmanager
    def transaction(self):
        yield Cursor()
        if self.is_away:
            raise psycopg2.OperationalError


@pytest.fixture
def serving():
    database = Database()
    lane = SimpleNamespace(id=1, number_id=1, next_claim=0.0, turn=0)
    start = time.monotonic()
    serving = driver._Serving(database.transaction, "me", [lane], start, lambda _s: 1)
    serving.database = database
    return serving


def test_rows_of_a_commit_in_doubt_are_given_back_and_not_sent(serving, monkeypatch):
    monkeypatch.setattr(driver, "claim", lambda *_arguments: ["job"])
    serving.database.is_away = True
    sender = SimpleNamespace(room=10, in_hand=0)  # has no ``submit``
    assert serving._turn(serving.lanes[0], sender)
    [(job, result)] = serving.unwritten
    assert (job, result.outcome) == ("job", LATE)


def test_a_lane_does_not_ask_at_once_again(serving, monkeypatch):
    monkeypatch.setattr(driver, "claim", lambda *_arguments: [])
    serving.database.is_away = True
    before = time.monotonic()
    serving._turn(serving.lanes[0], SimpleNamespace(room=10, in_hand=0))
    assert serving.lanes[0].next_claim >= before + driver.CLAIM_EVERY


def test_results_are_kept_until_they_are_written(serving, monkeypatch):
    monkeypatch.setattr(driver, "write", lambda _cr, _finished: None)
    serving.unwritten = [("job", "result")]
    serving.database.is_away = True
    serving._write()
    assert serving.unwritten == [("job", "result")]
    serving.database.is_away = False
    serving._write()
    assert (serving.unwritten, serving.sent) == ([], 1)


def test_a_database_that_is_away_ends_no_run_at_once(serving):
    def ask(_elapsed):
        raise psycopg2.OperationalError

    serving.go_on, serving.ask_at = ask, 0.0
    assert serving._may_go_on()
    serving.start, serving.ask_at = time.monotonic() - driver.LONGEST_FAULT, 0.0
    assert not serving._may_go_on()


# === HANDING OVER === #


@pytest.mark.parametrize(
    ("comes", "next_due"), [(True, driver.LANE_LEASE), (False, 0.0)]
)
def test_lanes_that_were_handed_over_are_not_asked_for_at_once(
    monkeypatch, comes, next_due
):
    class Serving:
        has_heir = comes

        def __init__(self, *_arguments):
            pass

        def serve(self, _between, _call_another):
            return 5

    channel = SimpleNamespace(messages_per_second=80)
    monkeypatch.setattr(driver, "_Serving", Serving)
    monkeypatch.setattr(driver, "_await_lanes", lambda *_arguments: ([(1, 1)], False))
    monkeypatch.setattr(driver, "_settle", lambda _transaction: [])
    course = driver.run(Database().transaction, "me", lambda _id: channel, *[None] * 3)
    assert course == (5, [], next_due)


# === STANDING BY === #


def test_a_driver_stands_by_until_the_lease_of_a_silent_one_ends(monkeypatch):
    looks = iter([([], False, True), ([], False, True), ([(1, 1)], False, False)])
    monkeypatch.setattr(driver, "_lease", lambda *_arguments: next(looks))
    monkeypatch.setattr(driver, "LOOK_EVERY", 0)
    lanes = driver._await_lanes(None, "me", time.monotonic(), lambda _elapsed: True)
    assert lanes == ([(1, 1)], False)


def test_a_driver_does_not_stand_by_longer_than_it_may(monkeypatch):
    monkeypatch.setattr(driver, "_lease", lambda *_arguments: ([], False, True))
    monkeypatch.setattr(driver, "LOOK_EVERY", 0)
    answers = iter([True, True, False])
    assert driver._await_lanes(None, "me", 0, lambda _elapsed: next(answers)) == (
        [],
        False,
    )


def test_a_driver_leaves_lanes_to_those_who_live(monkeypatch):
    monkeypatch.setattr(driver, "_lease", lambda *_arguments: ([], False, False))
    assert driver._await_lanes(None, "me", 0, None) == ([], False)
