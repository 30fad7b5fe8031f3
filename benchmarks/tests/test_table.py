"""The table says honestly what was met."""

from benchmarks.table import Peer, Row, at_least, at_most, render, share_of_peer


def test_targets_are_met_at_their_bound():
    assert Row("send", 76.0, "/s", at_least(76)).met is True
    assert Row("send", 75.9, "/s", at_least(76)).met is False
    assert Row("most", 80, "", at_most(80)).met is True
    assert Row("most", 81, "", at_most(80)).met is False


def test_a_share_is_that_of_the_first_peer():
    peers = (Peer("nothing", 1000), Peer("insert", 100))
    assert Row("door", 800, "/s", share_of_peer(0.8), peers).met is True
    assert Row("door", 799, "/s", share_of_peer(0.8), peers).met is False


def test_what_could_not_be_measured_is_missed_with_or_without_a_target():
    assert Row("send", None, "/s", at_least(76)).met is False
    assert Row("growth", None, "").met is False
    assert Row("growth", 1.0, "").met is None


def test_the_ratio_says_how_many_times_better_ours_is():
    rate, cost = Peer("sms_twilio", 6.5), Peer("requests", 0.9)
    assert Row("send", 78.0, "/s", peers=(rate,)).ratio(rate) == 12.0
    assert Row("cpu", 0.3, "ms", peers=(cost,), less_is_better=True).ratio(cost) == 3


def test_figures_of_another_run_are_shown_but_not_divided_by():
    old = Peer("gateway", 625, same_run=False)
    row = Row("door", 900, "/s", peers=(old,))
    assert row.ratio(old) is None
    assert "gateway (measured before)" in render([row])


def test_each_peer_has_a_line_and_the_note_is_below_the_last():
    peers = (Peer("requests", 0.9), Peer("aiohttp", 0.2))
    text = render([Row("cpu", 0.5, "ms", at_most(1), peers, note="beside: 0.3")])
    lines = text.splitlines()
    assert "requests" in lines[2] and "yes" in lines[2]
    assert "aiohttp" in lines[3] and "yes" not in lines[3]
    assert lines[4].strip() == "beside: 0.3"


def test_json_names_what_the_table_shows():
    row = Row("send", 60.0, "/s", at_least(76), (Peer("sms_twilio", 6.0),))
    found = row.as_json()
    assert found["met"] is False
    assert found["target"] == ">= 76"
    assert found["peers"][0]["ratio"] == 10.0
