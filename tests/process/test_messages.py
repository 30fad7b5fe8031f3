"""Single messages pass the same engine, before any broadcast's rows."""

import threading
from collections import Counter
from datetime import date

import pytest
from accounting import assert_nobody_lost_nobody_twice, expire_leases, taken
from engine import claim, limiter, places, queries

from tools.processes import wait_until
from tools.stage import phones


def tables(jobs):
    return [job.row["table"] for job in jobs]


def fate(world, message):
    return world.read(message, "state", "error_class", "skip_reason", table="_message")


def later(world, seconds):
    """Let time pass for messages."""
    world.query(
        "UPDATE whatsapp_broadcast_message SET due_at = due_at - %(s)s,"
        " accepted_at = accepted_at - %(s)s".replace("%(s)s", f"interval '{seconds} s'")
    )
    world.free_pace()


# === ORDER AND PACE === #


def test_a_message_goes_before_rows_that_wait_and_takes_slots_of_the_same_pace(world):
    number = world.number()
    world.broadcast(number, 200)
    messages = [world.message(number, f"+120155501{n:02d}") for n in range(3)]
    jobs = world.claim(world.lane(number), room=10)
    assert tables(jobs) == ["message"] * 3 + ["recipient"] * 7
    assert [job.row["id"] for job in jobs[:3]] == messages
    slots = [job.row["slot"] for job in jobs]
    gaps = [after - before for before, after in zip(slots, slots[1:], strict=False)]
    assert gaps == [pytest.approx(limiter.spacing(80), rel=0.01)] * 9
    assert jobs[0].row["token"].startswith(f"m{messages[0]}-")


def test_many_workers_never_share_a_message_nor_a_slot(world):
    number = world.number()
    world.broadcast(number, 300)
    for n in range(60):
        world.message(number, f"+120155501{n:02d}")
    jobs = []

    def work():
        lane = world.lane(number)
        for _turn in range(12):
            jobs.extend(world.claim(lane, room=4))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert max(Counter((j.row["table"], j.row["id"]) for j in jobs).values()) == 1
    assert "message" in tables(jobs)
    slots = sorted(job.row["slot"] for job in jobs)
    gaps = [after - before for before, after in zip(slots, slots[1:], strict=False)]
    assert min(gaps) > 0.99 * limiter.spacing(80)


def test_a_number_with_nothing_but_a_message_has_a_lane(world):
    number = world.number()
    world.message(number)
    rate = {"lane_rate": limiter.LANE_RATE}
    with world.transaction() as cr:
        cr.execute(queries.LANE_HAS_WORK, {"number_id": number, "seconds": 0})
        assert cr.fetchone() == (True,)
        cr.execute(queries.NEXT_DUE)
        assert cr.fetchone()[0] <= 0
        lease = {**rate, "seconds": 30, "limit": 5, "owner": "me"}
        cr.execute(queries.LEASE_LANES, lease)
        assert [n for _lane, n in cr.fetchall()] == [number]
    assert tables(world.claim(world.lane(number))) == ["message"]
    with world.transaction() as cr:
        cr.execute(queries.NEXT_DUE)
        assert cr.fetchone() == (None,)


def test_a_message_waits_for_no_hours_and_no_rest_of_a_broadcast(world):
    number = world.number()
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    tomorrow = days[(date.today().weekday() + 1) % 7]
    closed = {**dict.fromkeys(days, False), tomorrow: True}
    world.broadcast(number, 3, send_window="company", **closed)
    world.broadcast(number, 3, resting_until="2100-01-01")
    for _ in range(2):  # with a broadcast that only now begins to rest, and without
        world.message(number)
        [job] = world.claim(world.lane(number))
        assert job.row["table"] == "message"
        world.write([job], outcome="accepted")
        world.free_pace()


def test_a_claim_says_what_a_message_quotes(world):
    number = world.number()
    world.message(number, context_message_id="wamid.1")
    [job] = world.claim(world.lane(number))
    assert job.row["context_message_id"] == "wamid.1"


def test_a_usual_turn_has_no_statement_more(world, monkeypatch):
    number = world.number()
    world.broadcast(number, 5)
    monkeypatch.setattr(claim, "_claim_messages", None)
    assert len(world.claim(world.lane(number))) == 5


# === WHO GETS NONE === #


def test_who_opted_out_gets_no_marketing_and_nobody_on_the_blacklist_anything(world):
    account = world.account()
    number = world.number(account)
    utility = world.template(account, category="utility")
    for phone in ("+12015559101", "+12015559102"):
        world.opt_out(phone)
    world.query(
        "INSERT INTO phone_blacklist (number, active) VALUES ('+12015559103', TRUE)"
    )
    marketing = world.message(number, "+12015559101")
    allowed = world.message(number, "+12015559102", template_id=utility)
    blocked = world.message(number, "+12015559103", template_id=utility)
    assert [job.row["id"] for job in world.claim(world.lane(number))] == [allowed]
    for message in (marketing, blocked):
        assert fate(world, message) == ("skipped", None, "opted_out")


def test_a_text_needs_an_open_conversation(world):
    account = world.account()
    number = world.number(account)
    world.meet(number, "+12015550101")
    text = {"message_type": "text", "body": "Hi"}
    inside = world.message(number, "+12015550101", **text)
    outside = world.message(number, "+12015550102", **text)
    assert [job.row["id"] for job in world.claim(world.lane(number))] == [inside]
    assert fate(world, outside) == ("skipped", None, "outside_window")


@pytest.mark.parametrize(
    ("table", "values", "error_class"),
    [
        ("_account", {"state": "error", "error_message": "Stopped"}, "account"),
        ("_number", {"state": "banned"}, "number"),
        ("_template", {"state": "paused"}, "template"),
    ],
)
def test_what_cannot_be_sent_fails_and_does_not_wait(world, table, values, error_class):
    account = world.account()
    number, template = world.number(account), world.template(account)
    message = world.message(number, template_id=template)
    ids = {"_account": account, "_number": number, "_template": template}
    world.change(table, ids[table], **values)
    assert world.claim(world.lane(number)) == []
    assert fate(world, message) == ("failed", error_class, None)
    error, due = world.read(message, "error_message", "due_at", table="_message")
    assert error in values.values()
    assert due is None


def test_a_deleted_template_fails_its_message(world):
    number = world.number()
    message = world.message(number)
    world.query("DELETE FROM whatsapp_broadcast_template")
    assert world.claim(world.lane(number)) == []
    assert fate(world, message) == ("failed", "template", None)


# === THE PAIR === #


def test_a_pair_gets_a_burst_and_then_one_in_six_seconds(world, monkeypatch):
    # A minute for the six seconds: this test may take its time.
    monkeypatch.setitem(claim.CONSTANTS, "pair_seconds", 60)
    monkeypatch.setitem(claim.CONSTANTS, "pair_burst", 3)
    number = world.number()
    lane = world.lane(number)
    for _ in range(5):
        world.message(number)
    for _ in range(3):
        [job] = world.claim(lane)  # one at a time, though all are due
        world.write([job], outcome="accepted")
        world.free_pace()
    elsewhere = world.message(number, "+12015550199")
    assert [job.row["id"] for job in world.claim(lane)] == [elsewhere]
    [(wait,)] = world.query(
        "SELECT EXTRACT(EPOCH FROM max(due_at) - clock_timestamp() AT TIME ZONE 'UTC')"
        " FROM whatsapp_broadcast_message WHERE state = 'queued'"
    )
    assert 30 < wait <= 60
    later(world, 61)
    assert len(world.claim(lane)) == 1
    world.free_pace()
    assert world.claim(lane) == []


# === PEOPLE A DAY === #


def test_a_message_takes_a_place_and_gives_it_back(world):
    number = world.number(daily_limit=2)
    lane = world.lane(number)
    world.message(number, "+12015550101")
    world.message(number, "+12015550102")
    late = world.message(number, "+12015550103")
    jobs = world.claim(lane)
    assert len(jobs) == 2
    assert fate(world, late) == ("failed", "daily_limit", None)

    world.write(jobs[:1], outcome="refused", error_class="recipient")
    world.free_pace()
    world.message(number, "+12015550104")
    assert len(world.claim(lane)) == 1
    with world.transaction() as cr:
        assert places.days(cr, number, 1) == 2


def test_somebody_reached_today_needs_no_second_place(world):
    number = world.number(daily_limit=1)
    lane = world.lane(number)
    broadcast = world.broadcast(number, ["+12015550101"])
    world.write(world.claim(lane), outcome="accepted")
    world.free_pace()
    world.message(number, "+12015550101")
    assert tables(world.claim(lane)) == ["message"]
    assert world.states(broadcast) == {"accepted": 1}


def test_places_of_messages_are_forgotten_a_day_after_their_delivery(world):
    number = world.number(daily_limit=5)
    for n in range(2):
        world.message(number, f"+1201555010{n}")
    jobs = world.claim(world.lane(number))
    world.write(jobs, outcome="accepted")
    world.query("UPDATE whatsapp_broadcast_reach SET at = at - interval '26 hours'")
    world.change("_message", jobs[0].row["id"], delivered_at="2026-01-01")
    with world.transaction() as cr:
        cr.execute(queries.PURGE_PLACES, {"limit": 10})
    [(left,)] = world.query("SELECT message_id FROM whatsapp_broadcast_reach")
    assert left == jobs[1].row["id"]


# === RESULTS === #


def test_a_message_fails_where_a_row_would_wait_for_a_person(world):
    account = world.account()
    number, template = world.number(account), world.template(account)
    lane = world.lane(number)
    broadcast = world.broadcast(number, 1, template, resting_until="2100-01-01")
    same = world.broadcast(world.number(account), 1, template)
    message = world.message(number, template_id=template)
    [job] = world.claim(lane)
    refusal = {"error_class": "template", "error_code": "132015"}
    world.write([job], outcome="refused", error_message="Paused", **refusal)
    assert fate(world, message) == ("failed", "template", None)
    for id_ in (broadcast, same):
        assert world.read(id_, "state", "state_reason") == ("paused", "template")
        assert world.states(id_) == {"queued": 1}


def test_a_dead_token_fails_the_message_and_stops_the_account(world):
    number = world.number()
    broadcast = world.broadcast(number, 1, resting_until="2100-01-01")
    message = world.message(number)
    [job] = world.claim(world.lane(number))
    world.write([job], outcome="refused", error_class="credentials", error_code="190")
    assert fate(world, message) == ("failed", "credentials", None)
    assert world.read(broadcast, "state", "state_reason") == ("paused", "credentials")


def test_no_result_of_a_message_counts_for_its_broadcast(world):
    number = world.number()
    broadcast = world.broadcast(number, 1, resting_until="2100-01-01")
    for n, outcome in enumerate(["held", "refused", "accepted"]):
        message = world.message(number, f"+1201555010{n}", broadcast_id=broadcast)
        [job] = world.claim(world.lane(number))
        world.write([job], outcome=outcome, error_class="request")
        state = "failed" if outcome == "refused" else outcome
        assert world.read(message, "state", table="_message") == state
        world.free_pace()
    # Of a broadcast, and of none.
    world.message(number, "+12015550110", broadcast_id=broadcast)
    world.message(number, "+12015550111")
    jobs = world.claim(world.lane(number))
    world.write(jobs, outcome="refused", error_class="request")
    assert world.read(broadcast, "state", "held_since") == ("sending", None)
    assert world.states(broadcast) == {"queued": 1}
    [(counted,)] = world.query(
        "SELECT sum(delta) FROM whatsapp_broadcast_counter WHERE broadcast_id = %s",
        broadcast,
    )
    assert counted == 1


def test_an_opt_out_told_by_a_refusal_is_kept(world):
    number = world.number()
    world.message(number, "+12015559104")
    [job] = world.claim(world.lane(number))
    world.write([job], outcome="refused", error_class="opt_out")
    assert world.query(
        "SELECT kind, purpose, channel FROM whatsapp_broadcast_choice"
        " WHERE address = %s",
        job.row["phone"],
    ) == [("opt_out", "marketing", "preference")]


def test_a_message_in_flight_whose_sender_died_is_in_doubt(world):
    number = world.number()
    message = world.message(number)
    [job] = world.claim(world.lane(number))
    world.change("_message", message, lease_until="2026-01-01")
    with world.transaction() as cr:
        cr.execute(queries.EXPIRE_LEASES["message"])
    assert world.read(message, "state", table="_message") == "unknown"
    world.write([job], outcome="accepted")  # the answer came after all
    assert world.read(message, "state", table="_message") == "accepted"


# === REAL PROCESSES === #


def send_test(stage, broadcast, people):
    """Send a test of a broadcast to some people."""
    stage.call("whatsapp.broadcast", "action_send_test", broadcast, phones=people)


def states(stage):
    """Return the state of each single message that goes out."""
    rows = stage.query(
        "SELECT state FROM whatsapp_broadcast_message WHERE direction = 'out'"
        " ORDER BY id"
    )
    return [state for (state,) in rows]


def test_a_test_overtakes_a_broadcast_at_a_slow_number_and_keeps_its_limit(make_stage):
    stage = make_stage("--messages-per-second=20", "--delivered=1", "--read=1")
    stage.execute("UPDATE whatsapp_broadcast_number SET messages_per_second = 20")
    broadcast = stage.launch(stage.make_leads(phones(300)))
    assert wait_until(lambda: taken(stage) > 20, 30)
    people = phones(3, first=5000)
    send_test(stage, broadcast, people)
    stats = stage.wait_settled(broadcast)

    order = [message["to"].lstrip("+") for message in stage.sandbox.messages()]
    last = max(order.index(phone.lstrip("+")) for phone in people)
    assert len(order) == 303
    assert len(order) - last > 150
    assert states(stage) == ["read"] * 3
    assert (stats["recipient_count"], stats["read_count"]) == (300, 300)
    assert_nobody_lost_nobody_twice(stage)
    number = stage.control("state")["numbers"]["200000000000001"]
    assert number["most_arrivals_in_one_second"] <= 20
    assert not [m for m in stage.sandbox.messages() if m["result"] != "accepted"]


def test_a_test_does_not_wait_for_a_driver_that_is_busy_with_another_number(make_stage):
    stage = make_stage()
    stage.launch(stage.make_leads(phones(600)))
    assert wait_until(lambda: taken(stage) > 30, 30)
    elsewhere = stage.broadcast(
        stage.make_leads(phones(1, first=2000)), number="200000000000002"
    )
    [phone] = phones(1, first=5000)
    send_test(stage, elsewhere, [phone])
    assert wait_until(lambda: taken(stage) == 601, 60)
    order = [message["to"].lstrip("+") for message in stage.sandbox.messages()]
    assert order.index(phone.lstrip("+")) < 500


def test_a_test_whose_sender_died_is_in_doubt_until_its_status_comes(make_stage):
    stage = make_stage("--latency=5000ms", "--delivered=1", "--read=1")
    # No status may settle it before the sender is back.
    stage.control("settings", record=True)
    draft = stage.broadcast(stage.make_leads(phones(1)))
    send_test(stage, draft, phones(1, first=5000))
    assert wait_until(lambda: taken(stage) == 1, 30)
    stage.server.kill()
    assert states(stage) == ["sending"]

    expire_leases(stage)
    stage.server.start()
    other = stage.broadcast(stage.make_leads(phones(1, first=100)))
    send_test(stage, other, phones(1, first=6000))  # wakes the engine
    assert wait_until(lambda: states(stage)[0] == "unknown", 60)
    assert stage.stats(draft)["recipient_count"] == 0

    stage.control("release", keep_recording=False)
    assert wait_until(lambda: states(stage) == ["read"] * 2, 60)
    assert taken(stage) == 2
    assert_nobody_lost_nobody_twice(stage)


def test_a_test_that_is_refused_fails_with_the_providers_words(make_stage):
    stage = make_stage("--fault=131026:1")
    draft = stage.broadcast(stage.make_leads(phones(1)))
    send_test(stage, draft, phones(1, first=5000))
    assert wait_until(lambda: states(stage) == ["failed"], 30)
    [row] = stage.call(
        "whatsapp.broadcast.message", "search_read", domain=[], fields=["error_code"]
    )
    assert row["error_code"] == "131026"
    told = "SELECT 1 FROM whatsapp_broadcast_message WHERE is_told"
    assert wait_until(lambda: stage.query(told), 30)
