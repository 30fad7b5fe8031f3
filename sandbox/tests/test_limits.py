"""Throughput and pair limits on a clock of their own."""

from sandbox.limits import PairLimit, Throughput


def test_no_window_of_one_second_holds_more_than_the_limit():
    throughput = Throughput()
    taken = []
    for step in range(3072):
        now = step / 256
        if throughput.admit(now, 80):
            taken.append(now)
    for first, over in zip(taken, taken[80:], strict=False):
        assert over - first >= 1.0
    assert len(taken) == 12 * 80
    assert throughput.arrivals.peak == 256


def test_a_refused_arrival_uses_nothing_up():
    throughput = Throughput()
    assert throughput.admit(0.0, 1)
    assert not throughput.admit(0.999, 1)
    assert throughput.admit(1.0, 1)


def test_inbound_messages_use_up_throughput():
    throughput = Throughput()
    throughput.add_inbound(0.0)
    assert not throughput.admit(0.5, 1)


def test_no_limit():
    throughput = Throughput()
    assert all(throughput.admit(0.0, 0) for _ in range(5000))


def test_a_burst_of_a_pair_is_repaid():
    pairs = PairLimit()
    assert [pairs.admit("pair", 0.0) for _ in range(46)] == [True] * 45 + [False]
    assert not pairs.admit("pair", 5.9)
    assert pairs.admit("pair", 6.0)
    assert not pairs.admit("pair", 6.0)
    assert pairs.admit("other", 6.0)
    assert [pairs.admit("pair", 1000.0) for _ in range(46)].count(True) == 45


def test_a_long_run_does_not_keep_every_pair(monkeypatch):
    monkeypatch.setattr("sandbox.limits.PRUNE_AT", 100)
    pairs = PairLimit()
    for step in range(1000):
        assert pairs.admit(step, step * 1.0)
    assert len(pairs._paid_until) <= 102
