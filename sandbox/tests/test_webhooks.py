"""Statuses, inbound messages and their transport."""

import hashlib
import hmac
import json

import pytest

from sandbox.tests.conftest import (
    APP_ID,
    NUMBER,
    PERSON,
    SECRET,
    VERIFY_TOKEN,
    WABA,
    template,
    text,
)

pytestmark = pytest.mark.asyncio

APP_TOKEN = f"{APP_ID}|{SECRET}"
OFFER = template("spring_offer", "Ann", "31 May")
OFFER["template"]["components"].append(
    {
        "type": "button",
        "sub_type": "url",
        "index": 0,
        "parameters": [{"type": "text", "text": "x"}],
    }
)


def phones(count):
    return [f"+49151124{index:05d}" for index in range(40000, 40000 + count)]


async def settled(sandbox, wamid, last="read"):
    receiver = sandbox.receiver
    await receiver.until(lambda: last in receiver.of_message(wamid))


async def test_three_statuses_in_order_with_echo(sandbox):
    wamid = await sandbox.accepted(OFFER, biz_opaque_callback_data="row:1")
    await settled(sandbox, wamid)
    assert sandbox.receiver.of_message(wamid) == ["sent", "delivered", "read"]
    sent, delivered, read = sandbox.receiver.items("statuses")
    for status in (sent, delivered, read):
        assert status["biz_opaque_callback_data"] == "row:1"
        assert status["recipient_id"] == PERSON[1:]
        assert status["recipient_user_id"].startswith("DE.")
        assert status["timestamp"].isdigit()
    assert sent["pricing"] == {
        "billable": True,
        "pricing_model": "PMP",
        "category": "marketing",
        "type": "regular",
    }
    assert sent["conversation"]["origin"] == {"type": "marketing"}
    assert "expiration_timestamp" in sent["conversation"]
    assert "expiration_timestamp" not in delivered["conversation"]
    assert "pricing" not in read
    _, value = sandbox.receiver.values()[0]
    assert value["metadata"] == {
        "display_phone_number": "15550100001",
        "phone_number_id": NUMBER,
    }
    assert value["contacts"][0]["wa_id"] == PERSON[1:]


async def test_service_messages_in_the_window_may_be_free(start):
    sandbox = await start(free_in_window=("utility", "service"))
    await sandbox.control("inbound", **{"phone_number_id": NUMBER, "from": PERSON})
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    wamid = await sandbox.accepted(text())
    await settled(sandbox, wamid)
    pricing = sandbox.receiver.items("statuses")[0]["pricing"]
    assert pricing["type"] == "free_customer_service"
    assert pricing["billable"] is False


async def test_each_delivery_is_billed_once(start):
    sandbox = await start(delivered=0.5, read=0.5, duplicates=1)
    people = phones(40)
    for phone in people:
        await sandbox.accepted(OFFER, to=phone)
    await sandbox.quiet()
    draws = [sandbox.state.people.by_phone(phone[1:]).draws for phone in people]
    _status, bill = await sandbox.call("GET", "/_sandbox/bill")
    [line] = bill["lines"]
    assert line == {
        "prefix": people[0][:5],
        "category": "marketing",
        "type": "regular",
        "messages": sum(draw[2] < 0.5 for draw in draws),
    }


async def test_signature_over_the_escaped_bytes(sandbox):
    await sandbox.accepted(biz_opaque_callback_data="ä/ß")
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    headers, body = sandbox.receiver.posts[0]
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={expected}"
    assert b"\\u00e4\\/\\u00df" in body
    assert json.loads(body)["object"] == "whatsapp_business_account"


async def test_shares(start):
    sandbox = await start(delivered=0.5, read=0.5)
    wamids = [await sandbox.accepted(to=phone) for phone in phones(40)]
    state = sandbox.state
    people = [state.people.by_phone(phone[1:]) for phone in phones(40)]
    expected = sum(1 + (p.draws[2] < 0.5) * (1 + (p.draws[3] < 0.5)) for p in people)
    receiver = sandbox.receiver
    await receiver.until(lambda: len(receiver.items("statuses")) == expected)
    await sandbox.quiet()
    last = [receiver.of_message(wamid)[-1] for wamid in wamids]
    assert {"sent", "delivered", "read"} == set(last)


async def test_read_without_delivered(start):
    sandbox = await start(silent_delivery=1.0)
    wamid = await sandbox.accepted()
    await settled(sandbox, wamid)
    assert sandbox.receiver.of_message(wamid) == ["sent", "read"]
    assert "pricing" in sandbox.receiver.items("statuses")[1]


async def test_a_reaction_is_only_sent(sandbox):
    await sandbox.control("inbound", **{"phone_number_id": NUMBER, "from": PERSON})
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    [message] = sandbox.receiver.items("messages")
    reaction = {"message_id": message["id"], "emoji": "👍"}
    wamid = await sandbox.accepted({"type": "reaction", "reaction": reaction})
    await settled(sandbox, wamid, "sent")
    await sandbox.quiet()
    assert sandbox.receiver.of_message(wamid) == ["sent"]


async def test_duplicates(start):
    sandbox = await start(duplicates=1.0)
    wamid = await sandbox.accepted()
    receiver = sandbox.receiver
    await receiver.until(lambda: len(receiver.of_message(wamid)) == 6)
    assert sorted(receiver.of_message(wamid)) == sorted(
        ["sent", "delivered", "read"] * 2
    )


async def test_disorder(start):
    sandbox = await start(disorder=1.0)
    orders = set()
    for phone in phones(12):
        wamid = await sandbox.accepted(to=phone)
        await sandbox.receiver.until(
            lambda wamid=wamid: len(sandbox.receiver.of_message(wamid)) == 3
        )
        orders.add(tuple(sandbox.receiver.of_message(wamid)))
    assert len(orders) > 1


async def test_a_status_before_the_answer(start):
    sandbox = await start(disorder=1.0, latency=0.5)
    wamid = await sandbox.accepted()
    assert sandbox.receiver.of_message(wamid)


async def test_batches(start):
    sandbox = await start(batch=1000, status_delays=0.0, messages_per_second=0)
    wamids = [await sandbox.accepted(to=phone) for phone in phones(20)]
    receiver = sandbox.receiver
    await receiver.until(lambda: len(receiver.items("statuses")) == 60)
    assert len(receiver.posts) < 20
    for wamid in wamids:
        assert receiver.of_message(wamid) == ["sent", "delivered", "read"]


async def test_a_batch_names_each_account_and_number(start):
    sandbox = await start(batch=1000, record=True)
    await sandbox.accepted()
    await sandbox.accepted(number="200000000000002")
    await sandbox.accepted(number="200000000000011")
    await sandbox.control("release")
    receiver = sandbox.receiver
    await receiver.until(lambda: len(receiver.items("statuses")) == 9)
    [(_, body)] = receiver.posts
    entries = json.loads(body)["entry"]
    found = [
        (entry["id"], change["value"]["metadata"]["phone_number_id"])
        for entry in entries
        for change in entry["changes"]
    ]
    assert sorted(found) == [
        (WABA, NUMBER),
        (WABA, "200000000000002"),
        ("100000000000002", "200000000000011"),
    ]


async def test_recording(start):
    sandbox = await start(record=True)
    wamid = await sandbox.accepted()
    _, state = await sandbox.call("GET", "/_sandbox/state")
    assert (state["events"]["recorded"], state["events"]["pending"]) == (3, 0)
    assert not sandbox.receiver.posts
    assert (await sandbox.control("release"))["released"] == 3
    await settled(sandbox, wamid)
    assert sandbox.receiver.of_message(wamid) == ["sent", "delivered", "read"]


async def test_retries_the_same_bytes_until_200(sandbox):
    sandbox.receiver.answers = [500, 302, 404]
    await sandbox.control("event", waba_id=WABA, field="account_alerts", value={"a": 1})
    await sandbox.receiver.until(lambda: len(sandbox.receiver.posts) == 4)
    assert len({body for _, body in sandbox.receiver.posts}) == 1
    _, state = await sandbox.call("GET", "/_sandbox/state")
    assert state["events"]["unsuccessful_posts"] == 3


async def test_pending_counts_what_waits_for_a_retry(start):
    sandbox = await start(retry_pause=3600.0)
    sandbox.receiver.answers = [500]
    await sandbox.control("event", waba_id=WABA, field="account_alerts", value={})
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    assert sandbox.state.outbox.pending() == 1


async def test_replies_quote_the_message(start):
    sandbox = await start(replies=1.0)
    wamid = await sandbox.accepted()
    receiver = sandbox.receiver
    await receiver.until(lambda: receiver.items("messages"))
    [message] = receiver.items("messages")
    assert message["context"] == {"from": "15550100001", "id": wamid}
    assert message["from"] == PERSON[1:]
    assert message["text"]["body"]


async def test_opt_outs_come_in_all_three_ways(start):
    sandbox = await start(replies=1.0, stop_share=1.0)
    for phone in phones(40):
        await sandbox.accepted(OFFER, to=phone)
    receiver = sandbox.receiver

    def answers():
        return receiver.items("messages") + receiver.items("user_preferences")

    await receiver.until(lambda: len(answers()) == 40)
    buttons = [one["button"] for one in answers() if one.get("type") == "button"]
    texts = [one["text"]["body"] for one in answers() if one.get("type") == "text"]
    preferences = [one["value"] for one in answers() if "value" in one]
    stop = "Stop promotions"
    assert buttons and all(one == {"payload": stop, "text": stop} for one in buttons)
    assert set(texts) == {"STOP"}
    assert set(preferences) == {"stop"}


async def test_who_stopped_inside_whatsapp_gets_no_marketing(sandbox):
    person = {"phone_number_id": NUMBER, "from": PERSON}
    await sandbox.control("preference", value="stop", **person)
    receiver = sandbox.receiver
    await receiver.until(lambda: receiver.items("user_preferences"))
    assert isinstance(receiver.items("user_preferences")[0]["timestamp"], int)
    assert (await sandbox.failure(await sandbox.accepted(OFFER)))["code"] == 131050
    await settled(sandbox, await sandbox.accepted())
    await sandbox.control("preference", value="resume", **person)
    await receiver.until(lambda: len(receiver.items("user_preferences")) == 2)
    await settled(sandbox, await sandbox.accepted(OFFER))


@pytest.mark.parametrize(
    "kind",
    "text image video audio document sticker location contacts button interactive "
    "order reaction edit revoke system unsupported".split(),
)
async def test_inbound_of_every_type(sandbox, kind):
    asked = {"phone_number_id": NUMBER, "from": PERSON, "type": kind}
    answer = await sandbox.control("inbound", **asked)
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    [message] = sandbox.receiver.items("messages")
    assert (message["id"], message["type"]) == (answer["id"], kind)
    assert message[kind]
    has_contacts = "contacts" in sandbox.receiver.values()[0][1]
    assert has_contacts == (kind != "system")


@pytest.mark.parametrize("kind", ["system", "edit", "revoke"])
async def test_what_opens_no_window(sandbox, kind):
    asked = {"phone_number_id": NUMBER, "from": PERSON, "type": kind}
    await sandbox.control("inbound", **asked)
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    wamid = await sandbox.accepted(text())
    assert (await sandbox.failure(wamid))["code"] == 131047


async def test_echo(sandbox):
    content = {"text": {"body": "We call you"}}
    asked = {"phone_number_id": NUMBER, "from": PERSON, **content}
    answer = await sandbox.control("echo", **asked)
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    [(field, value)] = sandbox.receiver.values()
    assert field == "smb_message_echoes"
    [item] = value["message_echoes"]
    assert float(item.pop("timestamp"))
    assert item == {
        "from": "15550100001",
        "to": PERSON[1:],
        "to_user_id": answer["user_id"],
        "id": answer["id"],
        "type": "text",
        **content,
    }
    wamid = await sandbox.accepted(text())
    assert (await sandbox.failure(wamid))["code"] == 131047


async def test_inbound_by_a_parent_user_id(sandbox):
    asked = {"phone_number_id": NUMBER, "from": PERSON, "from_parent_user_id": "DE.1"}
    await sandbox.control("inbound", **asked)
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    [message] = sandbox.receiver.items("messages")
    assert message["from_parent_user_id"] == "DE.1"


async def test_inbound_without_a_phone(sandbox):
    asked = {"phone_number_id": NUMBER, "from": PERSON, "hide_phone": True}
    answer = await sandbox.control("inbound", **asked)
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    [(_, value)] = sandbox.receiver.values()
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == answer["user_id"]
    assert "wa_id" not in value["contacts"][0]
    wamid = await sandbox.accepted(text(), to=PERSON)
    await settled(sandbox, wamid)


async def test_silence_without_subscription(sandbox):
    await sandbox.call("DELETE", f"/v23.0/{WABA}/subscribed_apps")
    await sandbox.control("event", waba_id=WABA, field="account_alerts", value={})
    path = f"/v23.0/{WABA}/subscribed_apps"
    assert (await sandbox.call("GET", path))[1] == {"data": []}
    assert (await sandbox.call("POST", path))[1] == {"success": True}
    [app] = (await sandbox.call("GET", path))[1]["data"]
    assert app["whatsapp_business_api_data"]["id"] == APP_ID
    await sandbox.control("event", waba_id=WABA, field="account_alerts", value={"n": 2})
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    assert [value for _, value in sandbox.receiver.values()] == [{"n": 2}]
    assert sandbox.state.outbox.counts["dropped"] == 1


async def test_no_subscription_at_the_start(start):
    sandbox = await start(subscribe=False)
    assert (await sandbox.get(f"{WABA}/subscribed_apps"))[1] == {"data": []}


async def test_handshake_of_the_dashboard(start):
    sandbox = await start(webhook="")
    url = sandbox.receiver.url
    status, body = await sandbox.call(
        "POST",
        "/_sandbox/webhook/verify",
        json={"callback_url": url, "verify_token": "wrong"},
    )
    assert (status, body["error"]["code"]) == (400, 2200)
    assert sandbox.state.settings.webhook == ""
    await sandbox.control("webhook/verify", callback_url=url)
    assert sandbox.state.settings.webhook == url
    wamid = await sandbox.accepted()
    await settled(sandbox, wamid)


async def test_samples_of_the_dashboard(sandbox):
    answer = await sandbox.control("webhook/test")
    assert set(answer["statuses"].values()) == {200}
    fields = {field for field, _ in sandbox.receiver.values()}
    assert fields == set(answer["statuses"]) == sandbox.state.app.fields
    assert all(value for _, value in sandbox.receiver.values())


async def test_subscription_of_the_app(sandbox):
    path = f"{APP_ID}/subscriptions"
    wanted = {
        "object": "whatsapp_business_account",
        "callback_url": sandbox.receiver.url,
        "verify_token": VERIFY_TOKEN,
        "fields": "messages,account_update",
    }
    status, body = await sandbox.post(path, wanted)
    assert body["error"]["code"] == 15
    assert (await sandbox.post(path, wanted, token=APP_TOKEN))[0] == 200
    _, body = await sandbox.get(path, token=APP_TOKEN)
    [found] = body["data"]
    assert [one["name"] for one in found["fields"]] == ["account_update", "messages"]
    await sandbox.control("event", waba_id=WABA, field="account_alerts", value={})
    await sandbox.control("event", waba_id=WABA, field="account_update", value={})
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    assert [field for field, _ in sandbox.receiver.values()] == ["account_update"]


async def test_callback_override_of_account_and_number(start):
    sandbox = await start(webhook="http://127.0.0.1:9/nobody", retry_pause=3600.0)
    override = {
        "override_callback_uri": sandbox.receiver.url,
        "verify_token": VERIFY_TOKEN,
    }
    status, _ = await sandbox.post(
        f"{WABA}/subscribed_apps", {**override, "verify_token": "wrong"}
    )
    assert status == 400
    assert (await sandbox.post(f"{WABA}/subscribed_apps", override))[0] == 200
    await settled(sandbox, await sandbox.accepted())
    webhook = {"webhook_configuration": override}
    assert (await sandbox.post("200000000000011", webhook))[0] == 200
    path = "200000000000011?fields=webhook_configuration"
    assert (await sandbox.get(path))[1]["webhook_configuration"] == {
        "application": "http://127.0.0.1:9/nobody",
        "phone_number": sandbox.receiver.url,
    }
    await settled(sandbox, await sandbox.accepted(number="200000000000011"))


async def test_payload_as_given(sandbox):
    payload = {"object": "whatsapp_business_account", "entry": []}
    answer = await sandbox.control("payload", payload=payload)
    assert answer == {"status": 200}
    assert json.loads(sandbox.receiver.posts[0][1]) == payload


async def test_inbound_messages_use_up_throughput(start):
    sandbox = await start(messages_per_second=1)
    inbound = {"phone_number_id": NUMBER, "from": PERSON}
    await sandbox.control("settings", inbound_counts=False)
    await sandbox.control("inbound", **inbound)
    await sandbox.receiver.until(lambda: len(sandbox.receiver.items("messages")) == 1)
    assert throughput_used(sandbox) == 0
    await sandbox.control("settings", inbound_counts=True)
    await sandbox.control("inbound", **inbound)
    await sandbox.receiver.until(lambda: len(sandbox.receiver.items("messages")) == 2)
    assert throughput_used(sandbox) == 1


def throughput_used(sandbox):
    return sandbox.state.numbers[NUMBER].throughput.used(0.0)
