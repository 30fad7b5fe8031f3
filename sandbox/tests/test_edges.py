"""Numbers, accounts, tokens, templates and media."""

import base64
import hashlib
import hmac

import pytest
from aiohttp import FormData

from sandbox.tests.conftest import APP_ID, NUMBER, PERSON, SECRET, WABA, template

pytestmark = pytest.mark.asyncio

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50
UNREGISTERED = "200000000000003"


async def all_pages(sandbox, path):
    """Follow ``next`` to the end; ids of all pages."""
    pages = []
    while path:
        status, body = await sandbox.call("GET", path)
        assert status == 200, body
        pages.append([one["id"] for one in body["data"]])
        path = body.get("paging", {}).get("next")
    return pages


async def test_numbers_of_an_account(sandbox):
    pages = await all_pages(sandbox, f"/v23.0/{WABA}/phone_numbers?limit=2")
    assert pages == [[NUMBER, "200000000000002"], [UNREGISTERED]]


async def test_fields_of_a_number(sandbox):
    wanted = "display_phone_number,throughput,quality_score{score},status"
    _, body = await sandbox.get(f"200000000000012?fields={wanted}")
    assert body == {
        "display_phone_number": "+34 910 000 012",
        "throughput": {"level": "HIGH"},
        "quality_score": {"score": "GREEN"},
        "status": "CONNECTED",
        "id": "200000000000012",
    }
    status, body = await sandbox.get(f"{NUMBER}?fields=shoe_size")
    assert (status, body["error"]["code"]) == (400, 100)
    assert "shoe_size" in body["error"]["message"]


async def test_register(sandbox):
    path = f"{UNREGISTERED}/register"
    _, before = await sandbox.get(f"{UNREGISTERED}?fields=status,health_status")
    assert before["status"] == "DISCONNECTED"
    assert before["health_status"]["can_send_message"] == "BLOCKED"
    product = {"messaging_product": "whatsapp"}
    assert (await sandbox.post(path, product))[1]["error"]["code"] == 100
    status, body = await sandbox.post(path, {**product, "pin": "000000"})
    assert (status, body["error"]["code"]) == (400, 133005)
    assert (await sandbox.post(path, {**product, "pin": "123456"}))[0] == 200
    assert (await sandbox.send(number=UNREGISTERED))[0] == 200
    await sandbox.post(f"{UNREGISTERED}/deregister")
    status, body = await sandbox.send(number=UNREGISTERED)
    assert body["error"]["code"] == 133010


async def test_too_many_pin_guesses(sandbox):
    wrong = {"messaging_product": "whatsapp", "pin": "000000"}
    path = f"{UNREGISTERED}/register"
    codes = [(await sandbox.post(path, wrong))[1]["error"]["code"] for _ in range(6)]
    assert codes == [133005] * 5 + [133008]


async def test_account_and_app(sandbox):
    _, waba = await sandbox.get(f"{WABA}?fields=name,currency,owner_business_info")
    assert (waba["name"], waba["currency"]) == ("Garden Supplies", "USD")
    for path in ("app", APP_ID):
        assert (await sandbox.get(path))[1]["id"] == APP_ID


async def test_unknown_objects(sandbox):
    for path in ("123", f"{WABA}/shoes", "a/b/c"):
        status, body = await sandbox.get(path)
        assert (status, body["error"]["code"]) == (400, 100)
        assert body["error"]["error_subcode"] == 33
        assert body["error"]["type"] == "GraphMethodException"


async def test_a_token_of_another_account_sees_nothing(sandbox):
    status, body = await sandbox.get(f"{WABA}/phone_numbers", token="sandbox-token-2")
    assert body["error"]["error_subcode"] == 33
    status, _ = await sandbox.get(
        "100000000000002/phone_numbers", token="sandbox-token-2"
    )
    assert status == 200


async def test_debug_token(sandbox):
    async def ask(text):
        return (await sandbox.get(f"debug_token?input_token={text}"))[1]["data"]

    good = await ask("sandbox-token")
    assert good["is_valid"] and good["expires_at"] == 0
    assert good["app_id"] == APP_ID
    assert "whatsapp_business_messaging" in good["scopes"]
    assert good["granular_scopes"][0]["target_ids"] == [WABA, "100000000000002"]
    assert (await ask("noperm"))["scopes"] == ["public_profile"]
    expired = await ask("expired")
    assert not expired["is_valid"] and expired["error"]["subcode"] == 463
    assert not (await ask("nonsense"))["is_valid"]


async def test_tokens_through_the_control_api(sandbox):
    management = ["whatsapp_business_management"]
    await sandbox.control("token", token="half", scopes=management)
    assert (await sandbox.get(f"{WABA}/phone_numbers", token="half"))[0] == 200
    assert (await sandbox.send(token="half"))[1]["error"]["code"] == 10
    await sandbox.control("token", token="sandbox-token", expires_at=1)
    assert (await sandbox.send())[1]["error"]["error_subcode"] == 463
    await sandbox.control("token", token="sandbox-token", expires_at=0)
    assert (await sandbox.send())[0] == 200


async def test_no_permission_to_manage(sandbox):
    status, body = await sandbox.get(f"{WABA}/message_templates", token="noperm")
    assert (status, body["error"]["code"]) == (403, 200)


async def test_appsecret_proof(sandbox):
    proof = hmac.new(SECRET.encode(), b"sandbox-token", hashlib.sha256).hexdigest()
    assert (await sandbox.get(f"{WABA}?appsecret_proof={proof}"))[0] == 200
    assert (await sandbox.get(f"{WABA}?appsecret_proof=00"))[0] == 400


async def test_templates_with_cursors(sandbox):
    path = f"{WABA}/message_templates"
    pages = await all_pages(sandbox, f"/v23.0/{path}?limit=5")
    assert [len(one) for one in pages] == [5, 5, 4]
    assert len({one for page in pages for one in page}) == 14
    _, last = await sandbox.get(f"{path}?limit=5&fields=name")
    _, second = await sandbox.get(
        f"{path}?limit=5&after={last['paging']['cursors']['after']}"
    )
    _, first = await sandbox.get(
        f"{path}?limit=5&before={second['paging']['cursors']['before']}"
    )
    assert [one["id"] for one in first["data"]] == pages[0]
    assert set(last["data"][0]) == {"name", "id"}
    status, body = await sandbox.get(f"{path}?after=bm90aGluZw")
    assert (status, body["error"]["code"]) == (400, 131059)


async def test_template_filters(sandbox):
    path = f"{WABA}/message_templates"
    for query, count in (
        ("name=appointment_reminder", 2),
        ("name=appointment_reminder&language=es", 1),
        ("status=PAUSED", 1),
        ("category=AUTHENTICATION", 1),
    ):
        assert len((await sandbox.get(f"{path}?{query}"))[1]["data"]) == count


NEW = {
    "name": "autumn_news",
    "language": "en_US",
    "category": "MARKETING",
    "components": [
        {
            "type": "BODY",
            "text": "Hello {{1}}, the autumn news are here.",
            "example": {"body_text": [["Ann"]]},
        }
    ],
}


async def test_create_approve_send_edit_delete(sandbox):
    path = f"{WABA}/message_templates"
    status, made = await sandbox.post(path, NEW)
    assert (status, made["status"], made["category"]) == (200, "PENDING", "MARKETING")
    receiver = sandbox.receiver
    await receiver.until(lambda: receiver.posts)
    [(field, value)] = receiver.values()
    assert field == "message_template_status_update"
    assert value["event"] == "APPROVED"
    assert value["message_template_id"] == int(made["id"])
    assert (await sandbox.send(template("autumn_news", "Ann")))[0] == 200
    assert (await sandbox.post(path, NEW))[1]["error"]["error_subcode"] == 2388024
    body = {"type": "BODY", "text": "No variables at all."}
    assert (await sandbox.post(made["id"], {"components": [body]}))[0] == 200
    await receiver.until(lambda: len(template_events(receiver)) == 2)
    assert (await sandbox.send(template("autumn_news")))[0] == 200
    assert (await sandbox.post(made["id"], {"components": [body]}))[0] == 400
    url = f"/v23.0/{path}?name=autumn_news&hsm_id={made['id']}"
    assert (await sandbox.call("DELETE", url))[0] == 200
    assert (await sandbox.send(template("autumn_news")))[0] == 404


def template_events(receiver):
    wanted = "message_template_status_update"
    return [value["event"] for field, value in receiver.values() if field == wanted]


async def test_a_template_may_be_rejected(sandbox):
    await sandbox.post(f"{WABA}/message_templates", {**NEW, "name": "to_reject"})
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    [(_, value)] = sandbox.receiver.values()
    assert (value["event"], value["reason"]) == ("REJECTED", "INVALID_FORMAT")


def body(text, *examples):
    part = {"type": "BODY", "text": text}
    return {**part, "example": {"body_text": [list(examples)]}} if examples else part


def buttons(*kinds):
    made = {
        "QUICK_REPLY": {"type": "QUICK_REPLY", "text": "Yes"},
        "URL": {"type": "URL", "text": "Go", "url": "https://x.example"},
        "COPY_CODE": {"type": "COPY_CODE", "example": "x" * 21},
        "BAD_URL": {"type": "URL", "text": "Go", "url": "https://x.example/{{1}}/a"},
    }
    return {"type": "BUTTONS", "buttons": [made[kind] for kind in kinds]}


OK = body("Hello there")


@pytest.mark.parametrize(
    "change, subcode",
    [
        ({"name": "With Blanks"}, None),
        ({"category": "GOSSIP"}, None),
        ({"components": []}, None),
        ({"components": [body("x" * 1025)]}, 2388040),
        ({"components": [body("Hi {{2}}, all is well today", "a")]}, 2388072),
        ({"components": [body("{{1}} is at the start", "a")]}, 2388299),
        ({"components": [body("At the end is {{1}}.", "a")]}, 2388299),
        ({"components": [body("So {{1}}{{2}} are adjacent here", "a", "b")]}, 2388293),
        ({"components": [body("Hi {{1}}, all is well")]}, 2388043),
        ({"components": [OK, {"type": "FOOTER", "text": "x" * 61}]}, 2388040),
        ({"components": [OK, {"type": "FOOTER", "text": "a {{1}}"}]}, 2388073),
        ({"components": [OK, {"type": "HEADER", "format": "IMAGE"}]}, 2388047),
        (
            {"components": [OK, {"type": "HEADER", "format": "TEXT", "text": "{{1}}"}]},
            2388047,
        ),
        ({"components": [OK, buttons("URL", "URL", "URL")]}, 2388060),
        ({"components": [OK, buttons("QUICK_REPLY", "URL", "QUICK_REPLY")]}, 2388060),
        ({"components": [OK, buttons("COPY_CODE")]}, 2388060),
        ({"components": [OK, buttons("BAD_URL")]}, 2388060),
    ],
)
async def test_rules_of_creation(sandbox, change, subcode):
    status, answer = await sandbox.post(f"{WABA}/message_templates", {**NEW, **change})
    error = answer["error"]
    assert (status, error["code"]) == (400, 100)
    assert error.get("error_subcode") == subcode
    assert ("error_user_msg" in error) == (subcode is not None)


async def test_template_changes_of_meta(sandbox):
    offer = "500000000000002"
    path = f"template/{offer}"
    receiver = sandbox.receiver
    await sandbox.control(path, correct_category="UTILITY")
    await sandbox.control(path, category="UTILITY")
    await sandbox.control(path, quality="RED")
    await sandbox.control(path, status="PAUSED")
    await receiver.until(lambda: len(receiver.values()) == 4)
    soon, done, quality, paused = (value for _, value in receiver.values())
    assert (soon["new_category"], soon["correct_category"]) == ("MARKETING", "UTILITY")
    assert (done["previous_category"], done["new_category"]) == ("MARKETING", "UTILITY")
    assert quality["new_quality_score"] == "RED"
    assert paused["event"] == "PAUSED"
    _, found = await sandbox.get(f"{offer}?fields=status,category,quality_score")
    assert (found["status"], found["category"]) == ("PAUSED", "UTILITY")
    status, _ = await sandbox.post(f"{offer}/unpause")
    assert status == 200
    _, found = await sandbox.get(f"{offer}?fields=status")
    assert found["status"] == "APPROVED"


async def upload(sandbox, content=PNG, mime_type="image/png", number=NUMBER):
    form = FormData()
    form.add_field("messaging_product", "whatsapp")
    form.add_field("type", mime_type)
    form.add_field("file", content, filename="file", content_type=mime_type)
    return await sandbox.call("POST", f"/v23.0/{number}/media", data=form)


async def test_media_life(sandbox):
    status, made = await upload(sandbox)
    assert status == 200
    _, media = await sandbox.get(made["id"])
    assert media["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert (media["mime_type"], media["file_size"]) == ("image/png", len(PNG))
    headers = {"Authorization": "Bearer sandbox-token"}
    async with sandbox.http.get(media["url"], headers=headers) as answer:
        assert (answer.status, await answer.read()) == (200, PNG)
    async with sandbox.http.get(media["url"]) as answer:
        assert answer.status == 401
    stored = sandbox.state.media[made["id"]]
    stored.links = dict.fromkeys(stored.links, 0)
    async with sandbox.http.get(media["url"], headers=headers) as answer:
        assert answer.status == 404
    assert (await sandbox.call("DELETE", f"/v23.0/{made['id']}"))[0] == 200
    assert (await sandbox.get(made["id"]))[0] == 400


async def test_media_limits(sandbox):
    status, body = await upload(sandbox, mime_type="image/gif")
    assert (status, body["error"]["code"]) == (400, 100)
    assert "image/gif" in body["error"]["message"]
    status, body = await upload(sandbox, PNG + b"x" * 5 * 1024 * 1024)
    assert (status, body["error"]["code"]) == (400, 131053)
    assert (await upload(sandbox, b"x" * 6 * 1024 * 1024, "application/pdf"))[0] == 200


@pytest.mark.parametrize(
    "content, mime_type, number, works",
    [
        (PNG, "image/png", NUMBER, True),
        (b"no picture", "image/png", NUMBER, False),
        (b"%PDF-1.4", "application/pdf", NUMBER, False),
        (PNG, "image/png", "200000000000002", False),
    ],
)
async def test_media_in_a_message(sandbox, content, mime_type, number, works):
    _, media = await upload(sandbox, content, mime_type, number)
    message = template("summer_image", "Ann")
    header = {"type": "image", "image": {"id": media["id"]}}
    message["template"]["components"].append({"type": "header", "parameters": [header]})
    wamid = await sandbox.accepted(message)
    receiver = sandbox.receiver
    await receiver.until(lambda: receiver.of_message(wamid))
    if works:
        assert receiver.of_message(wamid)[0] == "sent"
    else:
        assert (await sandbox.failure(wamid))["code"] == 131053


async def test_media_by_link(start):
    sandbox = await start(media_links=True, service_window=3600.0)
    receiver = sandbox.receiver
    await sandbox.control("inbound", **{"phone_number_id": NUMBER, "from": PERSON})
    await receiver.until(lambda: receiver.items("messages"))
    link = receiver.url + "?hub.verify_token=verify-me&hub.challenge=text"
    wamid = await sandbox.accepted({"type": "image", "image": {"link": link}})
    error = await sandbox.failure(wamid)
    assert error["code"] == 131053
    assert "text/plain" in error["error_data"]["details"]
    wamid = await sandbox.accepted(
        {"type": "document", "document": {"link": link, "filename": "a.txt"}}
    )
    await receiver.until(lambda: "read" in receiver.of_message(wamid))


async def test_inbound_media_can_be_downloaded(sandbox):
    asked = {"phone_number_id": NUMBER, "from": PERSON, "type": "image"}
    await sandbox.control("inbound", **asked)
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    [message] = sandbox.receiver.items("messages")
    status, media = await sandbox.get(message["image"]["id"])
    assert (status, media["mime_type"]) == (200, "image/png")


async def test_inbound_media_as_given(sandbox):
    content = {"mime_type": "application/pdf", "filename": "a.pdf", "caption": "Here"}
    document = {**content, "data": base64.b64encode(b"%PDF-1.4").decode()}
    asked = {"phone_number_id": NUMBER, "from": PERSON, "type": "document"}
    await sandbox.control("inbound", **asked, document=document)
    await sandbox.receiver.until(lambda: sandbox.receiver.items("messages"))
    [message] = sandbox.receiver.items("messages")
    sent = message["document"]
    assert sent.items() >= content.items()
    path = f"{sent['id']}?phone_number_id={NUMBER}"
    _, media = await sandbox.get(path)
    assert base64.b64decode(sent["sha256"]).hex() == media["sha256"]
    headers = {"Authorization": "Bearer sandbox-token"}
    async with sandbox.http.get(media["url"], headers=headers) as answer:
        assert await answer.read() == b"%PDF-1.4"
    _, body = await sandbox.get(f"{sent['id']}?phone_number_id=200000000000002")
    assert body["error"]["error_subcode"] == 33
    await sandbox.call("DELETE", f"/v23.0/{sent['id']}")
    assert (await sandbox.get(path))[1]["error"]["error_subcode"] == 33


async def test_a_template_by_its_id(sandbox):
    _, body = await sandbox.get(f"{WABA}/message_templates?name=spring_offer")
    [listed] = body["data"]
    _, found = await sandbox.get(listed["id"])
    assert found == listed


async def test_resumable_upload_makes_a_header_example(sandbox):
    asked = f"{APP_ID}/uploads?file_length={len(PNG)}&file_type=image/png&file_name=a"
    _, session = await sandbox.post(asked)
    path = session["id"]
    headers = {"file_offset": "0"}
    _, half = await sandbox.post(path, data=PNG[:20], headers=headers)
    assert half["file_offset"] == 20
    assert (await sandbox.get(path))[1]["file_offset"] == 20
    status, _ = await sandbox.post(path, data=PNG[20:], headers=headers)
    assert status == 400
    headers = {"file_offset": "20"}
    _, done = await sandbox.post(path, data=PNG[20:], headers=headers)
    header = {"type": "HEADER", "format": "IMAGE"}
    header["example"] = {"header_handle": [done["h"]]}
    new = {**NEW, "components": [header, *NEW["components"]]}
    assert (await sandbox.post(f"{WABA}/message_templates", new))[0] == 200
