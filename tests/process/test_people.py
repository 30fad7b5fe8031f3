"""What a person said holds in the very next claim, by each name that the person has."""

import threading
from datetime import UTC, datetime

import pytest
from engine import queries
from engine.people import Encounter, meet

from tools.processes import wait_until

NUMBER = "200000000000001"
#: One Brazilian phone, as people write it and as WhatsApp does.
WRITTEN, NAMED = "+5511987654321", "+551187654321"


# === CLAIMS === #


@pytest.fixture
def number(world):
    return world.number()


def claimed(world, number):
    return [job.row["phone"] for job in world.claim(world.lane(number))]


@pytest.mark.parametrize(("said", "sent"), [(NAMED, WRITTEN), (WRITTEN, NAMED)])
def test_a_running_broadcast_obeys_a_stop_from_the_other_form(world, said, sent):
    number = world.number()
    broadcast = world.broadcast(number, [sent, "+12015551000"])
    world.stop(number, said)
    assert claimed(world, number) == ["+12015551000"]
    assert world.states(broadcast) == {"skipped": 1, "sending": 1}


def test_a_running_broadcast_obeys_a_stop_by_user_id(world, number):
    broadcast = world.broadcast(number, ["+12015551001", "+12015551002"])
    world.query(
        "UPDATE whatsapp_broadcast_recipient SET user_ref = 'US.7' WHERE phone = %s",
        "+12015551001",
    )
    world.stop(number, user_ref="US.7")
    assert claimed(world, number) == ["+12015551002"]
    assert world.states(broadcast) == {"skipped": 1, "sending": 1}


def test_marketing_needs_consent_where_it_is_required(world, number):
    [(company,)] = world.query(
        "UPDATE res_company SET whatsapp_consent_rule = 'require'"
        " WHERE id = (SELECT min(id) FROM res_company) RETURNING id"
    )
    people = ["+12015551003", "+12015551004"]
    broadcast = world.broadcast(number, people, company_id=company)
    world.opt_in(people[0])
    assert claimed(world, number) == people[:1]
    assert world.query(
        "SELECT skip_reason, consent_id IS NULL FROM whatsapp_broadcast_recipient"
        " WHERE broadcast_id = %s ORDER BY phone",
        broadcast,
    ) == [(None, False), ("no_consent", True)]
    world.query("UPDATE res_company SET whatsapp_consent_rule = 'warn'")


def test_the_pairs_rule_holds_over_both_forms(world, number):
    world.broadcast(number, [WRITTEN])
    world.broadcast(number, [NAMED])
    lane = world.lane(number)
    first = world.claim(lane)
    world.free_pace()
    lane.turn = 1
    assert len(first) == 1
    assert world.claim(lane) == []


def test_who_wrote_after_a_stop_gets_an_answer_and_no_template(world, number):
    phone = "+12015551005"
    world.stop(number, phone)
    text = {"message_type": "text", "body": "Hi"}
    before = world.message(number, phone, **text)
    assert world.claim(world.lane(number)) == []
    assert world.read(before, "skip_reason", table="_message") == "opted_out"
    world.meet(number, phone)
    after = world.message(number, phone, **text)
    assert [job.row["id"] for job in world.claim(world.lane(number))] == [after]
    template = world.message(number, phone)
    world.free_pace()
    assert world.claim(world.lane(number)) == []
    assert world.read(template, "skip_reason", table="_message") == "opted_out"


def test_the_answer_to_a_stop_may_go_out(world, number):
    phone = "+12015551006"
    world.stop(number, phone)
    text = {"message_type": "text", "body": "Done.", "is_confirmation": True}
    answer = world.message(number, phone, **text)
    assert [job.row["id"] for job in world.claim(world.lane(number))] == [answer]


def test_two_who_meet_somebody_at_once_make_one_person(world, number):
    [(account,)] = world.query(
        "SELECT account_id FROM whatsapp_broadcast_number WHERE id = %s", number
    )
    barrier = threading.Barrier(4)

    def come(position):
        names = {"phone": "+12015551007"} if position % 2 else {}
        with world.transaction() as cr:
            barrier.wait()
            cr.execute(queries.LOCK_PEOPLE)
            now = datetime.now(UTC).replace(tzinfo=None)
            encounter = Encounter(account, number, user_ref="US.8", at=now, **names)
            meet(cr, [encounter])

    threads = [threading.Thread(target=come, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert world.query(
        "SELECT phone, user_ref FROM whatsapp_broadcast_contact WHERE number_id = %s",
        number,
    ) == [("+12015551007", "US.8")]


# === FROM THE WEBHOOK TO THE NEXT BROADCAST === #


def test_nobody_who_said_stop_gets_the_next_broadcast(make_stage):
    """By the other form of the phone, by user id only, and after a changed phone."""
    stage = make_stage("--delivered=1")
    changed, hidden = ("+12015550142", "+12015550143"), "+12015550144"
    first = stage.launch(stage.make_leads([WRITTEN, changed[0], hidden]))
    assert stage.wait_settled(first)["delivered_count"] == 3
    said = [{"from": NAMED}, {"from": changed[0]}, {"from": hidden, "hide_phone": True}]
    for sender in said:
        inbound(stage, text={"body": "STOP"}, **sender)
    news = {"type": "user_changed_number", "wa_id": changed[1].lstrip("+"), "body": "!"}
    inbound(stage, type="system", system=news, **{"from": changed[0]})
    assert wait_until(lambda: stopped(stage, WRITTEN, *changed, hidden), 30)
    everybody = [WRITTEN, NAMED, *changed, hidden, "+12015550145"]
    second = stage.launch(stage.make_leads(everybody), template="hello_world")
    stats = stage.wait_settled(second)
    assert (stats["delivered_count"], stats["skipped_count"]) == (1, 5)
    sent = [message["to"].lstrip("+") for message in stage.sandbox.messages()]
    assert sent[3:] == ["12015550145"]


def inbound(stage, **values):
    if "from" in values:
        values["from"] = values["from"].lstrip("+")
    stage.control("inbound", phone_number_id=NUMBER, **values)


def stopped(stage, *phones):
    rows = stage.query(
        "SELECT address FROM whatsapp_broadcast_choice WHERE kind = 'opt_out'"
    )
    return set(phones) <= {address for (address,) in rows}
