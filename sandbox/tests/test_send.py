"""POST /{phone_number_id}/messages: what is taken and what is refused."""

import asyncio
import base64

import pytest

from sandbox.errors import KINDS
from sandbox.recipients import HIDDEN
from sandbox.tests.conftest import NUMBER, PERSON, template, text

pytestmark = pytest.mark.asyncio

OFFER = template("spring_offer", "Ann", "31 May")
URL_BUTTON = {
    "type": "button",
    "sub_type": "url",
    "index": "0",
    "parameters": [{"type": "text", "text": "abc"}],
}


def offer(*values, button=URL_BUTTON):
    message = template("spring_offer", *(values or ("Ann", "31 May")))
    if button:
        message["template"]["components"].append(button)
    return message


def image_header(kind="image", **content):
    message = template("summer_image", "Ann")
    header = {"type": "header", "parameters": [{"type": kind, kind: content}]}
    message["template"]["components"].append(header)
    return message


async def open_window(sandbox, phone=PERSON):
    await sandbox.control("inbound", **{"phone_number_id": NUMBER, "from": phone})
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))


async def test_answer_to_a_template(sandbox):
    status, body = await sandbox.send(offer())
    assert status == 200
    assert body["messaging_product"] == "whatsapp"
    assert body["contacts"] == [{"input": PERSON, "wa_id": PERSON[1:]}]
    [sent] = body["messages"]
    assert sent["message_status"] == "accepted"
    decoded = base64.b64decode(sent["id"].removeprefix("wamid."))
    assert PERSON[1:].encode() in decoded


async def test_answer_to_a_text_has_no_message_status(sandbox):
    _, body = await sandbox.send(text())
    assert list(body["messages"][0]) == ["id"]


@pytest.mark.parametrize("path", ["", "/v19.0", "/v24.0"])
async def test_any_version(sandbox, path):
    message = {"messaging_product": "whatsapp", "to": PERSON, **template("hello_world")}
    status, _ = await sandbox.call("POST", f"{path}/{NUMBER}/messages", json=message)
    assert status == 200


async def test_recipient_by_user_id(sandbox):
    user_id = "US.13491208655302741918"
    status, body = await sandbox.send(to=None, recipient=user_id)
    assert body["contacts"] == [{"input": user_id, "user_id": user_id}]
    wamid = body["messages"][0]["id"]
    await sandbox.receiver.until(lambda: sandbox.receiver.of_message(wamid))
    [seen] = sandbox.receiver.items("statuses")[:1]
    assert seen["recipient_user_id"] == user_id
    assert "recipient_id" not in seen


@pytest.mark.parametrize(
    "to, number, wa_id",
    [
        ("+49 (151) 1234-0000", NUMBER, "4915112340000"),
        ("(631) 555-1234", NUMBER, "16315551234"),
        ("16315551234", NUMBER, "16315551234"),
        ("15112340000", "200000000000002", "4915112340000"),
        ("+5541988887777", NUMBER, "554188887777"),
        ("+525512345678", NUMBER, "5215512345678"),
        ("+541123456789", NUMBER, "5491123456789"),
    ],
)
async def test_to_is_normalised(sandbox, to, number, wa_id):
    status, body = await sandbox.send(to=to, number=number)
    assert body["contacts"] == [{"input": to, "wa_id": wa_id}]


REFUSED = [
    ({"to": None}, 100, 400, "The parameter to is required"),
    ({"messaging_product": "x"}, 100, 400, "messaging_product"),
    ({"type": "video_note"}, 100, 400, "type must be one of"),
    ({"to": "nobody"}, 131009, 400, "not valid"),
    ({"to": "+15550100001"}, 131021, 400, "same"),
    ({"biz_opaque_callback_data": "x" * 513}, 100, 400, "512"),
    (text("x" * 4097), 100, 400, "4096"),
    ({"type": "text", "text": {}}, 131008, 400, "missing"),
    ({"type": "image", "image": {"link": "ftp://x"}}, 131009, 400, "link"),
    ({"type": "image", "image": {"id": "abc"}}, 131009, 400, "media id"),
    ({"type": "image", "image": {"id": "1", "link": "http://x"}}, 131009, 400, "one"),
    ({"type": "location", "location": {"latitude": 91}}, 131009, 400, "range"),
    ({"type": "contacts", "contacts": [{}]}, 131008, 400, "formatted_name"),
    ({"type": "reaction", "reaction": {"emoji": "x"}}, 131008, 400, "message_id"),
    (template("hello_world", language="fr"), 132001, 404, "does not exist in fr"),
    (template("pending_offer", "Ann"), 132001, 404, "pending_offer"),
    (template("rejected_offer", "Ann"), 132001, 404, "rejected_offer"),
    (template("paused_offer", "Ann"), 132015, 400, "paused"),
    (template("disabled_offer", "Ann"), 132016, 400, "disabled"),
    (template("order_update", language="es"), 132000, 400, "(0)"),
    (template("order_update", "a", "b", language="es"), 132000, 400, "(2)"),
    (template("order_update", language="es", number="a"), 132012, 400, "no names"),
    (template("appointment_reminder", "a", "b"), 132012, 400, "names must be"),
    (template("order_update", "a\nb", language="es"), 132018, 400, "new-line"),
    (template("order_update", "a\tb", language="es"), 132018, 400, "new-line"),
    (template("order_update", "a     b", language="es"), 132018, 400, "new-line"),
    (template("order_update", "", language="es"), 131008, 400, "empty"),
    (template("order_update", "x" * 999, language="es"), 132005, 400, "1024"),
    (offer(button=None), 131008, 400, "index 0 of type URL"),
    (offer(button={**URL_BUTTON, "index": 7}), 132018, 400, "no button"),
    (template("summer_image", "Ann"), 132012, 400, "expected IMAGE"),
    (image_header("video", id="1"), 132012, 400, "received VIDEO"),
]


@pytest.mark.parametrize("message, code, http, words", REFUSED)
async def test_refusal(sandbox, message, code, http, words):
    base = {} if "type" in message else template("hello_world")
    status, body = await sandbox.send({**base, **message})
    error = body["error"]
    assert (status, error["code"]) == (http, code)
    assert error["type"] == "OAuthException"
    assert len(error["fbtrace_id"]) == 23
    said = error["message"] + error.get("error_data", {}).get("details", "")
    assert words in said
    assert error["message"].startswith(f"(#{code}) ")
    [line] = sandbox.ledger()
    assert (line["result"], line["message_id"]) == (str(code), None)


@pytest.mark.parametrize(
    "message",
    [
        offer(),
        template("order_update", "a    b", language="es"),
        template("order_update", "x" * 998, language="es"),
        template("appointment_reminder", appointment_date="May", customer_name="Ann"),
        image_header(link="https://example.com/a.jpg"),
        text("x" * 4096),
        {"type": "location", "location": {"latitude": 52.5, "longitude": "13.4"}},
        {"type": "contacts", "contacts": [{"name": {"formatted_name": "Ann"}}]},
        {"type": "sticker", "sticker": {"link": "https://example.com/a.webp"}},
    ],
)
async def test_taken(sandbox, message):
    assert (await sandbox.send(message))[0] == 200


def interactive(kind, **action):
    content = {"type": kind, "body": {"text": "B"}, "action": action}
    return {"type": "interactive", "interactive": content}


def replies(*titles):
    buttons = [
        {"type": "reply", "reply": {"id": f"b{index}", "title": title}}
        for index, title in enumerate(titles)
    ]
    return interactive("button", buttons=buttons)


def rows(count):
    found = [{"id": f"r{index}", "title": "Row"} for index in range(count)]
    return interactive("list", button="Pick", sections=[{"title": "S", "rows": found}])


@pytest.mark.parametrize(
    "message, http",
    [
        (replies("Yes", "No", "Maybe"), 200),
        (replies("1", "2", "3", "4"), 400),
        (replies("Yes", "Yes"), 400),
        (replies("x" * 21), 400),
        (rows(10), 200),
        (rows(11), 400),
        (interactive("cta_url", parameters={"display_text": "Go", "url": "x"}), 400),
        (interactive("dance", name="x"), 400),
    ],
)
async def test_interactive(sandbox, message, http):
    assert (await sandbox.send(message))[0] == http


async def test_malformed_json(sandbox):
    path = f"{sandbox.url}/v23.0/{NUMBER}/messages"
    status, body = await sandbox.call("POST", path, data=b'{"to":')
    assert (status, body["error"]["code"]) == (400, 100)


async def test_unregistered_number(sandbox):
    status, body = await sandbox.send(number="200000000000003")
    assert (status, body["error"]["code"]) == (400, 133010)


async def test_free_form_needs_an_open_window(start):
    sandbox = await start()
    wamid = await sandbox.accepted(text())
    assert (await sandbox.failure(wamid))["code"] == 131047
    await open_window(sandbox)
    wamid = await sandbox.accepted(text())
    await sandbox.receiver.until(lambda: "read" in sandbox.receiver.of_message(wamid))
    await sandbox.control("settings", service_window="0ms")
    wamid = await sandbox.accepted(text())
    assert (await sandbox.failure(wamid))["code"] == 131047


async def test_window_belongs_to_the_number(sandbox):
    await open_window(sandbox)
    wamid = await sandbox.accepted(text(), number="200000000000002")
    assert (await sandbox.failure(wamid))["code"] == 131047


async def test_every_code_by_suffix(start):
    """Each code of the table comes as answer or by webhook, as the table says."""
    sandbox = await start(messages_per_second=0)
    late = {}
    for code, kind in KINDS.items():
        status, body = await sandbox.send(to=f"+49151{code:06d}")
        if kind.by_webhook:
            assert status == 200
            late[body["messages"][0]["id"]] = code
        else:
            assert (status, body["error"]["code"]) == (kind.http, code)
    for wamid, code in late.items():
        error = await sandbox.failure(wamid)
        assert error["code"] == code
        assert error["title"] and error["message"] and error["error_data"]["details"]
    assert {131026, 131049, 130472, 131042, 131031, 132015} <= set(late.values())


async def test_failed_status_echoes_the_callback_data(sandbox):
    wamid = await sandbox.accepted(
        to="+4915112131026", biz_opaque_callback_data="row:7"
    )
    await sandbox.failure(wamid)
    [status] = sandbox.receiver.items("statuses")
    assert status["biz_opaque_callback_data"] == "row:7"
    assert status["recipient_id"] == "4915112131026"
    assert "contacts" not in sandbox.receiver.values()[0][1]


async def test_throughput_window(start):
    sandbox = await start(messages_per_second=10)
    answers = await asyncio.gather(
        *(sandbox.send(to=f"+49151123{index:05d}") for index in range(20000, 20030))
    )
    codes = [body.get("error", {}).get("code") for _, body in answers]
    by_time = sorted(sandbox.ledger(), key=lambda line: line["at"])
    taken = [line["at"] for line in by_time if line["result"] == "accepted"]
    assert codes.count(130429) == 30 - len(taken)
    assert 130429 in codes
    for first, eleventh in zip(taken, taken[10:], strict=False):
        assert eleventh - first >= 1.0


async def test_numbers_have_their_own_throughput(sandbox):
    state = sandbox.state
    limits = [
        one.limit(state.settings.messages_per_second) for one in number_list(state)
    ]
    assert limits == [80, 80, 80, 20, 1000]


def number_list(state):
    return [state.numbers[one] for one in sorted(state.numbers)]


async def test_pair_limit(sandbox):
    answers = [await sandbox.send() for _ in range(46)]
    assert [status for status, _ in answers[:45]] == [200] * 45
    assert answers[45][1]["error"]["code"] == 131056
    assert (await sandbox.send(to="+4915112340099"))[0] == 200
    await sandbox.control("settings", pair_limit=False)
    assert (await sandbox.send())[0] == 200


async def test_marketing_messages_edge(sandbox):
    message = {"messaging_product": "whatsapp", "to": PERSON, **offer()}
    path = f"{NUMBER}/marketing_messages"
    status, body = await sandbox.post(path, message)
    assert status == 200
    wamid = body["messages"][0]["id"]
    await sandbox.receiver.until(lambda: sandbox.receiver.of_message(wamid))
    [first] = sandbox.receiver.items("statuses")[:1]
    assert first["pricing"]["category"] == "marketing_lite"
    status, body = await sandbox.post(path, {**message, **template("hello_world")})
    assert body["error"]["code"] == 134100


async def test_read_receipt(sandbox):
    await open_window(sandbox)
    [message] = sandbox.receiver.items("messages")
    read = {"messaging_product": "whatsapp", "status": "read"}
    path = f"{NUMBER}/messages"
    status, body = await sandbox.post(path, {**read, "message_id": message["id"]})
    assert (status, body) == (200, {"success": True})
    status, body = await sandbox.post(path, {**read, "message_id": "wamid.x"})
    assert body["error"]["code"] == 131009
    assert sandbox.ledger() == []
    _, body = await sandbox.call("GET", "/_sandbox/receipts")
    receipt = {"phone_number_id": NUMBER, "message_id": message["id"]}
    assert body == {"receipts": [receipt]}


async def test_quote(sandbox):
    await open_window(sandbox)
    [message] = sandbox.receiver.items("messages")
    await sandbox.accepted(text(), context={"message_id": message["id"]})
    assert [line["context_id"] for line in sandbox.ledger()] == [message["id"]]


@pytest.mark.parametrize(
    "context, code", [("x", 100), ({}, 131008), ({"message_id": 7}, 131008)]
)
async def test_quote_that_is_refused(sandbox, context, code):
    status, body = await sandbox.send(context=context)
    assert (status, body["error"]["code"]) == (400, code)


async def test_hidden_phones(start):
    sandbox = await start(hide_phones=0.5)
    by_phone = sandbox.state.people.by_phone
    phones = [f"49151123{index:05d}" for index in range(30000, 30010)]
    hidden = {
        by_phone(one).user_id for one in phones if by_phone(one).draws[HIDDEN] < 0.5
    }
    for phone in phones:
        await sandbox.accepted(to=f"+{phone}")
    await sandbox.receiver.until(
        lambda: len(sandbox.receiver.items("statuses")) == 3 * len(phones)
    )
    without = {
        one["recipient_user_id"]
        for one in sandbox.receiver.items("statuses")
        if "recipient_id" not in one
    }
    assert without == hidden
    assert 0 < len(hidden) < len(phones)


async def test_ledger_line(sandbox):
    wamid = await sandbox.accepted(
        biz_opaque_callback_data="row:1", to="+49 151 12340000"
    )
    [line] = sandbox.ledger()
    assert isinstance(line.pop("at"), float)
    assert line == {
        "phone_number_id": NUMBER,
        "to": PERSON,
        "type": "template",
        "message_id": wamid,
        "callback_data": "row:1",
        "context_id": None,
        "links": [],
        "result": "accepted",
    }


async def test_links_in_the_ledger(sandbox):
    body = {"body": "See https://a.example/x and http://b.example"}
    for message in (offer(), {**text(), "text": body}):
        await sandbox.send(message)
    found = [line["links"] for line in sandbox.ledger()]
    assert found == [["abc"], ["https://a.example/x", "http://b.example"]]


@pytest.mark.parametrize(
    "token, http, code, subcode",
    [
        (None, 401, 104, None),
        ("wrong", 401, 190, None),
        ("my-expired-token", 401, 190, 463),
        ("noperm", 403, 10, None),
        ("sandbox-token-2", 400, 100, 33),
    ],
)
async def test_bad_tokens(sandbox, token, http, code, subcode):
    status, body = await sandbox.send(token=token, biz_opaque_callback_data="row:1")
    error = body["error"]
    assert (status, error["code"], error.get("error_subcode")) == (http, code, subcode)
    [line] = sandbox.ledger()
    assert (line["result"], line["callback_data"]) == (str(code), "row:1")
    assert line["phone_number_id"] == NUMBER


async def test_send_error_of_number_and_account(sandbox):
    await sandbox.control(f"number/{NUMBER}", send_error=131048)
    assert (await sandbox.send())[1]["error"]["code"] == 131048
    await sandbox.control(f"number/{NUMBER}", send_error=None)
    await sandbox.control("waba/100000000000001", send_error=131042)
    wamid = await sandbox.accepted()
    assert (await sandbox.failure(wamid))["code"] == 131042
