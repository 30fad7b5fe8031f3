"""Nobody is lost and nobody is messaged twice, whatever dies or fails."""

import time

from accounting import assert_nobody_lost_nobody_twice, expire_leases, taken

from tools.processes import wait_until
from tools.stage import phones


def test_a_killed_sender_loses_nobody_and_sends_nothing_twice(make_stage):
    stage = make_stage("--latency=150ms")
    # No status may settle a doubtful row before the sender is back.
    stage.control("settings", record=True)
    broadcast = stage.launch(stage.make_leads(phones(300)))
    assert wait_until(lambda: taken(stage) > 60, 30)

    stage.server.kill()
    # The lease of rows in flight is over after a minute; here at once.
    expire_leases(stage)
    stage.server.start()
    stats = stage.wait(broadcast, lambda stats: stats["state"] == "done", 120)
    in_doubt = stats["unknown_count"]
    assert 0 < in_doubt < 100  # a second's worth, and what is on the way
    assert_nobody_lost_nobody_twice(stage)

    stage.control("release", keep_recording=False)
    stats = stage.wait_settled(broadcast)
    assert taken(stage) == 300 - still_unknown(stage, stats)
    assert_nobody_lost_nobody_twice(stage)
    assert stats["accepted_count"] + stats["unknown_count"] == 300
    # What never reached the provider has no webhook to settle it: a person decides.
    assert stats["unknown_count"] < in_doubt


def still_unknown(stage, stats):
    """Unknown rows may or may not have been taken; the ledger knows which."""
    tokens = {message["callback_data"] for message in stage.sandbox.messages()}
    unknown = stage.query(
        "SELECT token FROM whatsapp_broadcast_recipient WHERE state = 'unknown'"
    )
    assert len(unknown) == stats["unknown_count"]
    # A taken one was settled by its status, so that none is left.
    assert not [token for (token,) in unknown if token in tokens]
    return len(unknown)


def test_two_servers_on_one_database_share_without_doubles(make_stage, odoo_env):
    stage = make_stage("--latency=100ms")
    second = odoo_env.server(stage.database)
    second.start()
    leads = stage.make_leads(phones(240))
    first = stage.launch(leads[:120])
    other = stage.launch(leads[120:], number="200000000000002")
    stage.wait_settled(first)
    stats = stage.wait_settled(other)

    assert taken(stage) == 240
    assert_nobody_lost_nobody_twice(stage)
    assert stats["unknown_count"] == 0
    state = stage.control("state")
    for number in state["numbers"].values():
        assert number["most_arrivals_in_one_second"] <= 80


def test_an_answer_that_is_lost_is_settled_by_webhook_and_never_sent_again(make_stage):
    stage = make_stage("--fault=accept-then-reset:0.3", "--delivered=1")
    broadcast = stage.launch(stage.make_leads(phones(100)))
    stats = stage.wait_settled(broadcast)

    assert stats["unknown_count"] == 0
    assert stats["delivered_count"] == 100
    assert taken(stage) == 100
    assert_nobody_lost_nobody_twice(stage)


def test_a_server_error_without_a_code_leaves_doubt_for_a_person(make_stage):
    stage = make_stage("--fault=refuse-503-empty:1")
    broadcast = stage.launch(stage.make_leads(phones(5)))
    stats = stage.wait_settled(broadcast)
    assert stats["unknown_count"] == 5

    stage.control("settings", fault=[])
    unknown = stage.call(
        "whatsapp.broadcast.recipient",
        "search",
        domain=[["broadcast_id", "=", broadcast]],
    )
    stage.call("whatsapp.broadcast.recipient", "action_treat_as_sent", unknown[:1])
    stage.call("whatsapp.broadcast.recipient", "action_send_again", unknown[1:])
    stats = stage.wait_settled(broadcast)

    assert taken(stage) == 4
    assert stats["unknown_count"] == 0
    attempts = stage.query("SELECT result, by FROM whatsapp_broadcast_attempt")
    assert sorted(result for result, _by in attempts) == [
        "treated_as_sent",
        *["unknown"] * 4,
    ]
    assert all(by for _result, by in attempts)


def test_throttling_slows_down_and_everybody_is_reached(make_stage):
    stage = make_stage("--fault=130429:0.1")
    broadcast = stage.launch(stage.make_leads(phones(60)))
    stats = stage.wait_settled(broadcast)

    assert stats["accepted_count"] + stats["failed_count"] == 60
    assert stats["failed_count"] == 0
    assert_nobody_lost_nobody_twice(stage)


def test_a_dead_token_stops_everything_and_burns_no_row(make_stage):
    stage = make_stage()
    leads = stage.make_leads(phones(200))
    broadcast = stage.launch(leads[:160])
    other = stage.launch(leads[160:], number="200000000000002")
    assert wait_until(lambda: taken(stage) > 20, 30)

    stage.control("token", token="sandbox-token", valid=False)
    stats = stage.wait(broadcast, lambda stats: stats["state"] == "paused")
    assert stats["state_reason"] == "credentials"
    stage.wait(other, lambda stats: stats["state"] in ("paused", "done"))
    refused = sum(1 for m in stage.sandbox.messages() if m["result"] == "190")
    assert refused <= 80  # what was claimed ahead on two numbers, no more

    stage.control("token", token="sandbox-token", valid=True)
    stage.run(
        "env['whatsapp.broadcast.account'].search([]).action_connect()\nenv.cr.commit()"
    )
    for id_ in (broadcast, other):
        if stage.stats(id_)["state"] == "paused":
            stage.call("whatsapp.broadcast", "action_resume", id_)
    stage.wait_settled(broadcast)
    stage.wait_settled(other)
    assert taken(stage) == 200
    assert_nobody_lost_nobody_twice(stage)


def test_a_paused_template_stops_its_broadcast(make_stage):
    stage = make_stage()
    [(template,)] = stage.query(
        "SELECT external_id FROM whatsapp_broadcast_template"
        " WHERE name = 'spring_offer' AND language = 'en_US'"
    )
    broadcast = stage.launch(stage.make_leads(phones(200)))
    assert wait_until(lambda: taken(stage) > 10, 30)
    stage.control(f"template/{template}", status="PAUSED")
    stats = stage.wait(broadcast, lambda stats: stats["state"] == "paused")

    assert stats["state_reason"] == "template"
    assert stats["failed_count"] == 0
    assert stats["queued_count"] > 0


def test_pause_holds_and_cancel_ends(make_stage):
    stage = make_stage()
    broadcast = stage.launch(stage.make_leads(phones(300)))
    assert wait_until(lambda: taken(stage) > 20, 30)
    stage.call("whatsapp.broadcast", "action_pause", broadcast)
    stage.wait(broadcast, lambda stats: stats["sending_count"] == 0)
    held = taken(stage)
    assert held < 300

    stage.call("whatsapp.broadcast", "action_resume", broadcast)
    assert wait_until(lambda: taken(stage) > held, 30)
    stage.call("whatsapp.broadcast", "action_cancel", broadcast)
    stats = stage.wait(
        broadcast,
        lambda stats: not stats["sending_count"] and not stats["queued_count"],
    )
    assert stats["state"] == "cancelled"
    assert stats["cancelled_count"] > 0
    assert stats["cancelled_count"] + stats["accepted_count"] == 300
    assert_nobody_lost_nobody_twice(stage)


def test_a_broadcasts_own_pace_is_kept(make_stage):
    stage = make_stage()
    broadcast = stage.launch(stage.make_leads(phones(12)), messages_per_minute=120)
    stage.wait_settled(broadcast)

    times = sorted(message["at"] for message in stage.sandbox.messages())
    assert len(times) == 12
    # 12 messages at 120 a minute: the last is due 5.5 s after the first.
    assert times[-1] - times[0] > 4.5


def test_a_number_is_never_faster_than_it_may_be(make_stage):
    stage = make_stage("--latency=150ms", "--messages-per-second=80")
    broadcast = stage.launch(stage.make_leads(phones(400)))
    stage.wait_settled(broadcast)

    number = stage.control("state")["numbers"]["200000000000001"]
    assert number["most_arrivals_in_one_second"] <= 80
    assert not [m for m in stage.sandbox.messages() if m["result"] != "accepted"]


def test_a_copy_of_the_database_sends_nothing(make_stage, odoo_env):
    from tools import odoo, postgres

    stage = make_stage()
    broadcast = stage.launch(stage.make_leads(phones(400)))
    assert wait_until(lambda: taken(stage) > 20, 30)
    stage.server.kill()
    before = taken(stage)

    name = f"{stage.database}_copy"
    odoo.copy(stage.database, name)
    copy = odoo_env.server(name)
    copy.start()
    try:
        connection = postgres.connect(name)
        connection.autocommit = True

        def paused():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT state_reason FROM whatsapp_broadcast"
                    " WHERE id = %s AND state = 'paused'",
                    [broadcast],
                )
                return cursor.fetchone() == ("restored",)

        assert wait_until(paused, 90)
        assert taken(stage) == before
        connection.close()
    finally:
        copy.kill()
        odoo.drop(name)


def test_ten_numbers_progress_and_the_mail_queue_runs(make_stage, tmp_path):
    stage = make_stage(f"--config={world_with_numbers(tmp_path, 10)}", connect=True)
    leads = stage.make_leads(phones(10 * 30))
    stage.run(
        "env['mail.mail'].create(dict(subject='x', body_html='x', email_to='a@b.c'))\n"
        "env.ref('mail.ir_cron_mail_scheduler_action')._trigger()\n"
        "env.cr.commit()"
    )
    broadcasts = [
        stage.launch(
            leads[n * 30 : n * 30 + 30],
            number=f"20000000000010{n}",
            messages_per_minute=60,
        )
        for n in range(10)
    ]
    end = time.monotonic() + 60
    for broadcast in broadcasts:
        stage.wait(
            broadcast,
            lambda stats: stats["accepted_count"] >= 5,
            end - time.monotonic(),
        )
    [(waiting,)] = stage.query(
        "SELECT count(*) FROM mail_mail WHERE state = 'outgoing' AND email_to = 'a@b.c'"
    )
    assert waiting == 0


def world_with_numbers(folder, count):
    """Write a world of the sandbox whose first account has ``count`` numbers."""
    import json

    from sandbox.settings import WORLD

    world = json.loads(WORLD.read_text())
    world["wabas"][0]["numbers"] = [
        {
            "id": f"20000000000010{n}",
            "display_phone_number": f"+1 555-010-010{n}",
            "country_dial_code": "1",
            "verified_name": f"Shop {n}",
        }
        for n in range(count)
    ]
    path = folder / "world.json"
    path.write_text(json.dumps(world))
    return path
