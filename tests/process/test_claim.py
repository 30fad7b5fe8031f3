"""What a claim takes and leaves, on real connections at the same time."""

import threading
import time
from collections import Counter
from datetime import date

import pytest
from engine import claim, driver, limiter, places, queries

from tools.processes import wait_until


def phones(jobs):
    return [job.row["phone"] for job in jobs]


# === PACE === #


def test_many_workers_never_share_a_row_or_a_slot_nor_exceed_the_limit(world):
    number = world.number()
    for first in (1000, 3000):
        world.broadcast(number, [f"+1201555{n}" for n in range(first, first + 400)])
    jobs, end = [], time.monotonic() + 3

    def work():
        lane = world.lane(number)
        while time.monotonic() < end:
            jobs.extend(world.claim(lane, room=7))

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(jobs) > 100
    assert max(Counter(phones(jobs)).values()) == 1
    slots = sorted(job.row["slot"] for job in jobs)
    for position, first in enumerate(slots):
        assert sum(1 for slot in slots[position:] if slot < first + 1) <= 80
    spacing = limiter.spacing(80)
    gaps = [after - before for before, after in zip(slots, slots[1:], strict=False)]
    assert min(gaps) > 0.99 * spacing


def test_slots_that_nobody_took_are_lost(world):
    number = world.number()
    world.broadcast(number, 500)
    lane = world.lane(number)
    world.claim(lane, room=1)
    world.free_pace()
    assert len(world.claim(lane)) == int(limiter.HORIZON / limiter.spacing(80)) + 1


def test_what_is_kept_free_is_not_used(world):
    number = world.number(reserve=0.5)
    world.broadcast(number, 500)
    jobs = world.claim(world.lane(number))
    gap = jobs[1].row["slot"] - jobs[0].row["slot"]
    assert gap == pytest.approx(2 * limiter.spacing(80), rel=0.01)


def test_a_broadcasts_own_pace_counts_over_all_lanes(world):
    number = world.number()
    broadcast = world.broadcast(number, 50, messages_per_minute=2)
    taken = [world.claim(world.lane(number)) for _ in range(3)]
    assert [len(jobs) for jobs in taken] == [1, 0, 0]
    assert world.states(broadcast)["sending"] == 1


def test_a_claim_takes_no_more_than_the_batch_size(world):
    number = world.number()
    world.broadcast(number, 50, batch_size=3)
    assert len(world.claim(world.lane(number))) == 3


def test_broadcasts_of_a_number_take_turns(world):
    number = world.number()
    broadcasts = [
        world.broadcast(number, [f"+120155{n}{m:04d}" for m in range(200)])
        for n in range(3)
    ]
    lane = world.lane(number)
    order = []
    for _ in range(6):
        jobs = world.claim(lane, room=5)
        order += {job.row["broadcast_id"] for job in jobs}
        lane.turn += 1
        world.free_pace()
    assert order == broadcasts * 2


def test_throttling_slows_the_number_down_and_time_brings_it_back(world, monkeypatch):
    recovery = limiter.RECOVERY
    monkeypatch.setattr(limiter, "RECOVERY", 0)  # while this test takes its time
    number = world.number()
    world.broadcast(number, 2000)
    lane = world.lane(number)

    def gap():
        world.free_pace()
        jobs = world.claim(lane)
        return jobs[1].row["slot"] - jobs[0].row["slot"], jobs

    usual, jobs = gap()
    world.write(jobs, outcome="refused", error_class="throttle", error_code="130429")
    slowed, jobs = gap()
    assert slowed == pytest.approx(usual / limiter.SLOWER, rel=0.01)
    # Within the same second it is the same news.
    world.query(
        "UPDATE whatsapp_broadcast_pace SET slowed_at = slowed_at + interval '1 hour'"
    )
    world.write(jobs, outcome="refused", error_class="throttle", error_code="130429")
    assert gap()[0] == pytest.approx(slowed, rel=0.01)
    monkeypatch.setattr(limiter, "RECOVERY", recovery)
    world.query(
        "UPDATE whatsapp_broadcast_pace SET slowed_at = slowed_at - interval '2 hours'"
    )
    assert gap()[0] == pytest.approx(usual, rel=0.01)


def test_one_person_in_two_broadcasts_waits_between_messages(world, monkeypatch):
    # A minute for the six seconds: this test may take its time.
    monkeypatch.setitem(claim.CONSTANTS, "pair_seconds", 60)
    number, other_number = world.number(), world.number()
    first = world.broadcast(number, ["+12015551000", "+12015551001"])
    second = world.broadcast(number, ["+12015551000", "+12015551002"])
    elsewhere = world.broadcast(other_number, ["+12015551000"])
    jobs = world.claim(world.lane(number))
    assert sorted(phones(jobs)) == ["+12015551000", "+12015551001", "+12015551002"]
    assert len(world.claim(world.lane(other_number))) == 1  # a limit of each number
    assert world.states(elsewhere) == {"sending": 1}

    world.write(jobs, outcome="accepted")
    world.free_pace()
    assert world.claim(world.lane(number)) == []
    waits = world.query(
        "SELECT EXTRACT(EPOCH FROM due_at - clock_timestamp() AT TIME ZONE 'UTC')"
        " FROM whatsapp_broadcast_recipient WHERE state = 'queued'"
    )
    assert [0 < seconds <= 60 for (seconds,) in waits] == [True]
    world.query(
        "UPDATE whatsapp_broadcast_recipient SET accepted_at = accepted_at"
        " - interval '61 s', due_at = due_at - interval '61 s'"
    )
    assert phones(world.claim(world.lane(number))) == ["+12015551000"]
    assert {first, second} == {
        broadcast
        for (broadcast,) in world.query(
            "SELECT broadcast_id FROM whatsapp_broadcast_recipient"
            " WHERE phone = '+12015551000' AND number_id = %s",
            number,
        )
    }


# === PEOPLE A DAY === #


def test_companies_share_the_limit_of_their_portfolio(world):
    numbers = [
        world.number(world.account(business_portfolio_id="p"), daily_limit=10)
        for _ in range(2)
    ]
    broadcasts = [
        world.broadcast(number, [f"+120155{n}{m:04d}" for m in range(20)])
        for n, number in enumerate(numbers)
    ]
    first = world.claim(world.lane(numbers[0]), room=7)
    second = world.claim(world.lane(numbers[1]))
    assert (len(first), len(second)) == (7, 3)

    world.free_pace()
    assert world.claim(world.lane(numbers[0])) == []
    reason, resting = world.read(broadcasts[0], "rest_reason", "resting_until")
    assert reason == "daily_limit"
    assert resting


def test_a_margin_is_left_for_what_is_sent_from_elsewhere(world):
    number = world.number(world.account(reach_margin=0.1), daily_limit=10)
    world.broadcast(number, 20)
    assert len(world.claim(world.lane(number))) == 9


def test_a_refused_message_gives_its_place_back_and_a_delivered_one_dates_it(world):
    number = world.number(daily_limit=5)
    world.broadcast(number, 20)
    lane = world.lane(number)
    jobs = world.claim(lane)
    assert len(jobs) == 5
    world.write(jobs[:2], outcome="refused", error_class="recipient")
    world.write(jobs[2:], outcome="accepted")
    world.free_pace()
    world.query("UPDATE whatsapp_broadcast SET resting_until = NULL")
    assert len(world.claim(lane)) == 2

    world.query(
        "UPDATE whatsapp_broadcast_reach SET at = at - interval '25 hours'"
        " WHERE recipient_id = ANY(%s)",
        [job.row["id"] for job in jobs[2:]],
    )
    late = jobs[2].row["id"]
    world.query(
        "UPDATE whatsapp_broadcast_recipient SET delivered_at = clock_timestamp()"
        " AT TIME ZONE 'UTC' WHERE id = %s",
        late,
    )
    world.query(queries.REDATE_PLACES["recipient"].replace("%(ids)s", "%s"), [late])
    world.free_pace()
    world.query("UPDATE whatsapp_broadcast SET resting_until = NULL")
    assert len(world.claim(lane)) == 2  # two of the three days-old places


def test_an_open_conversation_and_somebody_reached_today_need_no_place(world):
    account = world.account()
    number = world.number(account, daily_limit=2)
    world.meet(number, "+12015551000")
    world.broadcast(number, 5)
    lane = world.lane(number)
    jobs = world.claim(lane)
    assert len(jobs) == 3
    world.write(jobs, outcome="accepted")
    world.query(
        "UPDATE whatsapp_broadcast_recipient SET accepted_at = accepted_at"
        " - interval '1 hour'"
    )
    again = world.broadcast(number, phones(jobs))
    world.free_pace()
    world.query("UPDATE whatsapp_broadcast SET resting_until = NULL")
    lane.turn = 1
    assert len(world.claim(lane)) == 3
    assert world.states(again) == {"sending": 3}


def test_who_is_left_out_takes_no_place(world):
    number = world.number(daily_limit=2)
    broadcast = world.broadcast(number, 10)
    world.query(
        "INSERT INTO phone_blacklist (number, active)"
        " SELECT phone, TRUE FROM whatsapp_broadcast_recipient ORDER BY id LIMIT 3"
    )
    assert len(world.claim(world.lane(number), room=3)) == 2
    assert world.states(broadcast) == {"skipped": 3, "sending": 2, "queued": 5}


def test_a_new_number_starts_slowly(world):
    number = world.number()
    world.query(
        "UPDATE whatsapp_broadcast_number SET warm_up_started_on = CURRENT_DATE - 1"
    )
    world.broadcast(number, 600)
    lane, total = world.lane(number), 0
    while jobs := world.claim(lane):
        total += len(jobs)
        world.query("UPDATE whatsapp_broadcast_pace SET next_slot_at = 'epoch'")
    assert total == 2 * places.WARM_UP


def test_many_numbers_at_once_never_take_more_places_than_there_are(world):
    account = world.account()
    numbers = [world.number(account, daily_limit=100) for _ in range(4)]
    for n, number in enumerate(numbers):
        world.broadcast(number, [f"+120155{n}{m:04d}" for m in range(200)])
    taken, end = [], time.monotonic() + 3

    def work(number):
        lane = world.lane(number)
        while time.monotonic() < end:
            taken.extend(world.claim(lane, room=9))

    workers = [threading.Thread(target=work, args=[number]) for number in numbers]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(taken) == 100


# === HELD === #


def test_held_messages_let_the_broadcast_rest_and_probe(world):
    number = world.number()
    broadcast = world.broadcast(number, 50)
    lane = world.lane(number)
    jobs = world.claim(lane, room=4)
    world.write(jobs[:2], outcome="held")
    world.write(jobs[2:], outcome="accepted")
    world.free_pace()
    assert world.claim(lane) == []
    assert world.read(broadcast, "state", "rest_reason") == ("sending", "held")

    ten_minutes_pass(world)
    [probe] = world.claim(lane)
    assert world.claim(lane) == []
    world.write([probe], outcome="held")
    ten_minutes_pass(world)
    [probe] = world.claim(lane)
    world.write([probe], outcome="accepted")
    assert world.read(broadcast, "held_since", "resting_until") == (None, None)
    world.free_pace()
    assert len(world.claim(lane)) > 1


def ten_minutes_pass(world):
    world.query(
        "UPDATE whatsapp_broadcast SET resting_until = resting_until"
        " - interval '10 minutes'"
    )
    world.free_pace()


# === THRESHOLDS === #


def test_two_percent_of_bad_requests_pause_after_fifty(world):
    number = world.number()
    broadcast = world.broadcast(number, 200)
    jobs = claim_all(world, number, 60)
    world.write(jobs[:2], outcome="refused", error_class="request")
    world.write(jobs[2:50], outcome="accepted")
    assert world.read(broadcast, "state") == "sending"  # 2 of 50 is not above 2 %
    world.write(jobs[50:51], outcome="refused", error_class="request")
    reason = world.read(broadcast, "state", "state_reason", "state_detail")
    assert reason == ("paused", "request", "3 / 51")

    world.query(queries.FORGET_FAILURES.replace("%(ids)s", "%s"), [broadcast])
    world.change("", broadcast, state="sending")
    world.write(jobs[51:52], outcome="refused", error_class="request")
    assert world.read(broadcast, "state") == "sending"  # a person has seen the others


def test_a_bad_list_pauses_later_and_other_recipients_causes_never(world):
    number = world.number()
    broadcast = world.broadcast(number, 400)
    jobs = claim_all(world, number, 320)
    world.write(jobs[:100], outcome="refused", error_class="recipient")
    world.write(jobs[100:200], outcome="refused", error_class="undeliverable")
    assert world.read(broadcast, "state") == "paused"
    assert world.read(broadcast, "state_reason") == "undeliverable"

    other = world.broadcast(world.number(), 400)
    jobs = claim_all(world, world.read(other, "number_id"), 300)
    world.write(jobs, outcome="refused", error_class="recipient")
    assert world.read(other, "state") == "sending"


def claim_all(world, number, count):
    lane, jobs = world.lane(number), []
    while len(jobs) < count:
        jobs += world.claim(lane)
        world.free_pace()
    return jobs


# === LEFT OUT, AND STOPPED === #


def test_a_turn_waits_for_a_pause_under_way_and_sees_it(world):
    number = world.number()
    paused, other = world.broadcast(number, 5), world.broadcast(number, 5)
    jobs = []
    lane = world.lane(number)
    turn = threading.Thread(target=lambda: jobs.extend(world.claim(lane)))
    with world.transaction() as cr:
        cr.execute(
            "UPDATE whatsapp_broadcast SET state = 'paused' WHERE id = %s", [paused]
        )
        turn.start()
        waits = "SELECT 1 FROM pg_locks WHERE NOT granted"
        assert wait_until(lambda: world.query(waits), 30)
    turn.join()
    assert {job.row["broadcast_id"] for job in jobs} == {other}
    assert world.states(paused) == {"queued": 5}


def test_a_lead_closed_after_the_launch_is_left_out(world):
    number = world.number()
    broadcast = world.broadcast(number, 2, skip_closed_leads=True)
    [(lead,)] = world.query(
        "INSERT INTO crm_lead (name, type, active, won_status)"
        " VALUES ('x', 'lead', TRUE, 'lost') RETURNING id"
    )
    world.query("UPDATE whatsapp_broadcast_recipient SET lead_id = %s", lead)
    assert world.claim(world.lane(number)) == []
    assert world.states(broadcast) == {"skipped": 2}


def test_many_left_out_rows_do_not_hold_up_the_others(world):
    number = world.number()
    broadcast = world.broadcast(number, 150)
    world.query(
        "INSERT INTO phone_blacklist (number, active)"
        " SELECT phone, TRUE FROM whatsapp_broadcast_recipient ORDER BY id LIMIT 140"
    )
    assert len(world.claim(world.lane(number))) == 10
    assert world.states(broadcast) == {"skipped": 140, "sending": 10}


def test_what_cannot_be_sent_from_is_paused_before_a_row_is_taken(world):
    number = world.number()
    broadcast = world.broadcast(number, 5)
    world.change("_number", number, active=False)
    assert world.claim(world.lane(number)) == []
    assert world.read(broadcast, "state", "state_reason") == ("paused", "number")
    assert world.states(broadcast) == {"queued": 5}


def test_one_process_is_given_no_more_than_it_can_hold(world):
    rate = {"lane_rate": limiter.LANE_RATE}
    fast = world.number(messages_per_second=1000)
    small = [world.number(messages_per_second=80) for _ in range(8)]
    for number in (fast, *small):
        world.broadcast(number, 1)
    lease = {**rate, "seconds": 30, "limit": 50}
    shares = []
    for owner in ("a", "b", "c", "d"):
        with world.transaction() as cr:
            cr.execute(queries.LEASE_LANES, {**lease, "owner": owner})
            shares.append([number for _lane, number in cr.fetchall()])
    assert shares[0] == [fast] and shares[1] == [fast]
    assert len(shares[2]) == 7  # 7 × 80: the first that fills the process is its last
    assert len(shares[3]) == 1


@pytest.mark.parametrize(
    ("people", "values", "expected"),
    [
        (1000, {}, 1),
        (250, {"daily_limit": 250}, 1),
        (251, {"daily_limit": 250}, 2),
        (1001, {"daily_limit": 250}, 5),
        (0, {"daily_limit": 250}, 1),
        (600, {"warm_up_started_on": date.today()}, 2),  # 200, then 400
    ],
)
def test_how_many_days_a_broadcast_takes(world, people, values, expected):
    number = world.number(**values)
    with world.transaction() as cr:
        assert places.days(cr, number, people) == expected


def test_people_reached_today_are_taken_off_the_first_day(world):
    number = world.number(daily_limit=10)
    world.broadcast(number, 4)
    world.claim(world.lane(number))
    with world.transaction() as cr:
        assert places.days(cr, number, 6) == 1
        assert places.days(cr, number, 7) == 2


# === HOURS === #


def test_outside_its_hours_a_broadcast_rests_until_they_begin(world):
    number = world.number()
    tomorrow = (date.today().weekday() + 1) % 7
    days = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), False)
    days[list(days)[tomorrow]] = True
    broadcast = world.broadcast(number, 3, send_window="company", **days)
    assert world.claim(world.lane(number)) == []
    reason, resting = world.read(broadcast, "rest_reason", "resting_until")
    assert reason == "window"
    assert (resting.hour, resting.minute) in [(9, 0), (8, 59)]
    assert world.states(broadcast) == {"queued": 3}


def test_rows_whose_zone_is_closed_wait_and_the_others_go(world):
    number = world.number()
    # Two zones twelve hours apart: from 0 to 12 o'clock one of them is always closed.
    zones = ["Etc/GMT-6", "Etc/GMT+6"]
    broadcast = world.broadcast(
        number,
        10,
        send_window="recipient",
        send_window_start=0,
        send_window_end=12,
        recipient_timezones=f'["{zones[0]}", "{zones[1]}"]',
    )
    world.query(
        "UPDATE whatsapp_broadcast_recipient SET timezones = (%s)[id %% 2 + 1]", zones
    )
    jobs = world.claim(world.lane(number))
    assert len(jobs) == 5
    waiting = world.query(
        "SELECT due_at > clock_timestamp() AT TIME ZONE 'UTC', timezones"
        " FROM whatsapp_broadcast_recipient WHERE state = 'queued'"
    )
    assert [due for due, _zone in waiting] == [True] * 5
    assert len({zone for _due, zone in waiting}) == 1
    assert world.read(broadcast, "resting_until") is None


# === WAKING === #


def test_who_finds_the_lanes_taken_looks_again_when_their_drivers_would_be_dead(world):
    number = world.number()
    world.broadcast(number, 3)
    with world.transaction() as cr:
        cr.execute(queries.NEXT_DUE)
        assert cr.fetchone()[0] <= 0
        cr.execute(
            queries.LEASE_LANES,
            {"lane_rate": 500, "seconds": 30, "limit": 5, "owner": "other"},
        )
        cr.execute(queries.NEXT_DUE)
        assert 50 < cr.fetchone()[0] <= 60


def test_a_driver_that_may_be_dead_is_found_before_its_lease_ends(world):
    broadcast = world.broadcast(world.number(), 3)
    lease = {"lane_rate": 500, "seconds": driver.LANE_LEASE, "limit": 5}
    with world.transaction() as cr:
        cr.execute(queries.LEASE_LANES, {**lease, "owner": "cron 1:a"})

    def look(owner="cron 2:b"):
        values = {"seconds": driver.LANE_LEASE - driver.SILENCE, "owner": owner}
        with world.transaction() as cr:
            cr.execute(queries.LANES_LEFT, {"lane_rate": 500, **values})
            return cr.fetchone()

    assert look() == (False, False)
    assert look("cron 1:b") == (False, True)
    world.query(
        "UPDATE whatsapp_broadcast_lane SET lease_until = lease_until - interval '8 s'"
    )
    assert look() == (False, True)
    world.change("", broadcast, state="paused")
    assert look("cron 1:b") == (False, False)


def test_a_renewed_lease_comes_with_what_was_launched_meanwhile(world):
    number = world.number()
    world.broadcast(number, 3)
    lease = {"lane_rate": 500, "seconds": 30, "limit": 5, "owner": "me"}
    with world.transaction() as cr:
        cr.execute(queries.LEASE_LANES, lease)
        [(lane, _number)] = cr.fetchall()
        cr.execute("DELETE FROM whatsapp_broadcast_pace WHERE kind = 'broadcast'")
        cr.execute(queries.RENEW_LANES, lease)
        assert cr.fetchall() == [(lane,)]
        cr.execute("SELECT FROM whatsapp_broadcast_pace WHERE kind = 'broadcast'")
        assert cr.rowcount == 1


def test_a_cron_that_runs_is_not_woken_to_help(world):
    crons = [id_ for (id_,) in world.query("SELECT id FROM ir_cron ORDER BY id")][:2]
    with world.transaction() as running, world.transaction() as cr:
        lock = "SELECT FROM ir_cron WHERE id = %s FOR NO KEY UPDATE"
        running.execute(lock, crons[:1])
        cr.execute(queries.IDLE_CRON, {"ids": crons})
        assert cr.fetchall() == [(crons[1],)]


def test_only_a_cron_that_is_due_and_does_not_run_waits(world):
    [(cron,)] = world.query("SELECT min(id) FROM ir_cron WHERE active")
    hour = "clock_timestamp() AT TIME ZONE 'UTC' + interval '1 hour'"
    world.query(f"UPDATE ir_cron SET nextcall = {hour}")
    world.query("DELETE FROM ir_cron_trigger")

    def wait():
        return world.query(queries.OTHER_CRONS_WAIT)[0][0]

    assert wait() is None
    due = "nextcall - interval '1 hour 10 seconds'"
    world.query(f"UPDATE ir_cron SET nextcall = {due} WHERE id = %s", cron)
    assert wait() == pytest.approx(10, abs=5)
    with world.transaction() as running:
        running.execute("SELECT FROM ir_cron WHERE id = %s FOR NO KEY UPDATE", [cron])
        assert wait() is None
