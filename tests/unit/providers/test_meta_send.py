"""Meta: the body of a message, and what its answer proves."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest
from providers import (
    Button,
    Media,
    Meta,
    Outcome,
    OutgoingMessage,
    Response,
    Template,
    Unsupported,
)

MESSAGE = OutgoingMessage(number_id="700300", phone="+16505550123", token="t")


def sent(meta, **changes):
    return json.loads(meta.prepare_send(replace(MESSAGE, **changes)).body)


def components(meta, **changes):
    template = Template("promo", "en_US", **changes)
    return sent(meta, template=template)["template"].get("components")


def refused(meta, **changes):
    with pytest.raises(Unsupported) as caught:
        meta.prepare_send(replace(MESSAGE, **changes))
    return str(caught.value)


def test_quote(meta):
    body = sent(meta, text="Hi", context_id="wamid.A")
    assert body["context"] == {"message_id": "wamid.A"}
    assert "context" not in sent(meta, text="Hi")


# === ADDRESS === #


def test_address_and_authorization(meta):
    request = meta.prepare_send(replace(MESSAGE, text="Hi"))
    proof = hmac.new(b"sssecret", b"EAAtokentokentoken", hashlib.sha256).hexdigest()
    assert request.url == (
        f"https://graph.example/v23.0/700300/messages?appsecret_proof={proof}"
    )
    assert request.headers == {
        "Authorization": "Bearer EAAtokentokentoken",
        "Content-Type": "application/json",
    }


def test_default_address_without_secret(credentials):
    meta = Meta(replace(credentials, api_url="", app_secret=""))
    request = meta.prepare_send(replace(MESSAGE, text="Hi"))
    assert request.url == "https://graph.facebook.com/v23.0/700300/messages"


def test_proof_is_signed_with_the_first_of_several_secrets(credentials):
    both = Meta(replace(credentials, app_secret="sssecret\nolder"))
    alone = Meta(replace(credentials, app_secret="sssecret"))
    message = replace(MESSAGE, text="Hi")
    assert both.prepare_send(message).url == alone.prepare_send(message).url


def test_number_id_cannot_leave_its_segment(meta):
    request = meta.prepare_send(replace(MESSAGE, number_id="../1?x", text="Hi"))
    assert request.url.startswith("https://graph.example/v23.0/..%2F1%3Fx/messages?")


@pytest.mark.parametrize("phone", ["16505550123", "+16505550123"])
def test_phone_has_a_plus_always(meta, phone):
    assert sent(meta, phone=phone, text="Hi")["to"] == "+16505550123"


def test_user_ref_counts_only_without_phone(meta):
    both = sent(meta, user_ref="US.1", text="Hi")
    assert (both["to"], both.get("recipient")) == ("+16505550123", None)
    alone = sent(meta, phone="", user_ref="US.1", text="Hi")
    assert (alone.get("to"), alone["recipient"]) == (None, "US.1")


# === TEXT AND MEDIA === #


def test_text_with_a_link_has_a_preview(meta):
    assert sent(meta, text="See https://a.example")["text"]["preview_url"] is True


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (Media("image", link="https://a/b.png"), {"link": "https://a/b.png"}),
        (Media("video", media_id="4", caption="c"), {"id": "4", "caption": "c"}),
        (Media("document", "4", filename="a.pdf"), {"id": "4", "filename": "a.pdf"}),
        (Media("audio", "4", filename="a.ogg"), {"id": "4"}),
    ],
)
def test_media(meta, media, expected):
    body = sent(meta, media=media)
    assert body["type"] == media.kind
    assert body[media.kind] == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": "a" * 4097}, "4097 characters; at most 4096"),
        ({"media": Media("image", "4", caption="a" * 1025)}, "at most 1024"),
        ({"media": Media("audio", "4", caption="a")}, "no caption"),
        ({"media": Media("image", "4", link="https://a")}, "either"),
        ({"text": "a", "token": "t" * 513}, "512"),
    ],
)
def test_limits(meta, changes, reason):
    assert reason in refused(meta, **changes)


def test_limits_themselves_are_allowed(meta):
    assert sent(meta, text="😀" * 4096)
    assert sent(meta, media=Media("image", "4", caption="a" * 1024))


# === TEMPLATES === #


def test_template_without_variables_has_no_components(meta):
    assert components(meta) is None


def test_positional_and_named_variables(meta):
    found = components(meta, header=(("", "Ann"),), body=(("", "1"), ("", "2")))
    assert found == [
        {"type": "header", "parameters": [{"type": "text", "text": "Ann"}]},
        {
            "type": "body",
            "parameters": [
                {"type": "text", "text": "1"},
                {"type": "text", "text": "2"},
            ],
        },
    ]
    (found,) = components(meta, body=(("who", "Ann"),))
    assert found["parameters"] == [
        {"type": "text", "parameter_name": "who", "text": "Ann"}
    ]


@pytest.mark.parametrize(
    ("media", "parameter"),
    [
        (Media("image", "4"), {"id": "4"}),
        (Media("video", link="https://a/b.mp4"), {"link": "https://a/b.mp4"}),
        (Media("document", "4", filename="a.pdf"), {"id": "4", "filename": "a.pdf"}),
    ],
)
def test_media_header(meta, media, parameter):
    (header,) = components(meta, header_media=media)
    assert header == {
        "type": "header",
        "parameters": [{"type": media.kind, media.kind: parameter}],
    }


def test_buttons(meta):
    buttons = (
        Button(0, "url", "SO 1/ä?x"),
        Button(1, "quick_reply", "stop-812"),
        Button(2, "copy_code", "25OFF"),
    )
    found = components(meta, buttons=buttons)
    assert [(item["sub_type"], item["index"]) for item in found] == [
        ("url", "0"),
        ("quick_reply", "1"),
        ("copy_code", "2"),
    ]
    assert [item["parameters"] for item in found] == [
        [{"type": "text", "text": "SO%201%2F%C3%A4%3Fx"}],
        [{"type": "payload", "payload": "stop-812"}],
        [{"type": "coupon_code", "coupon_code": "25OFF"}],
    ]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": (("who", "Ann"), ("", "1"))}, "all named or all positional"),
        ({"body": (("", "a"), ("", ""))}, "variable 2 is empty"),
        ({"body": (("who", "\n"),)}, "variable who is empty"),
        ({"body": (("", "a" * 1025),)}, "at most 1024"),
        ({"header": (("", "a" * 61),)}, "at most 60"),
        ({"header_media": Media("audio", "4")}, "cannot be sent"),
        ({"header_media": Media("image", "4", caption="a")}, "no caption"),
        ({"header_media": Media("image", "4"), "header": (("", "a"),)}, "either"),
        ({"buttons": (Button(10, "url", "a"),)}, "at most 10 buttons"),
        ({"buttons": (Button(0, "url", ""),)}, "address of button 1 is empty"),
        ({"buttons": (Button(0, "url", "ä" * 400),)}, "at most 2000"),
        ({"buttons": (Button(0, "quick_reply", "a" * 129),)}, "at most 128"),
        ({"buttons": (Button(0, "copy_code", "a" * 21),)}, "at most 20"),
    ],
)
def test_template_limits(meta, changes, reason):
    assert reason in refused(meta, template=Template("promo", "en_US", **changes))


# === ANSWERS === #


def answer(meta, body, status=200):
    return meta.parse_send(Response(status, json.dumps(body).encode()))


def test_accepted_with_user_id(meta):
    body = {
        "contacts": [{"input": "US.1", "user_id": "US.1"}],
        "messages": [{"id": "wamid.A", "message_status": "accepted"}],
    }
    result = answer(meta, body)
    assert (result.outcome, result.user_ref) == (Outcome.ACCEPTED, "US.1")


def test_held(meta):
    message = {"id": "wamid.A", "message_status": "held_for_quality_assessment"}
    result = answer(meta, {"messages": [message]})
    assert (result.outcome, result.message_id) == (Outcome.HELD, "wamid.A")


def test_paused_is_a_refusal_of_the_template(meta):
    message = {"id": "wamid.A", "message_status": "paused"}
    result = answer(meta, {"messages": [message]})
    assert (result.outcome, result.error.code) == (Outcome.REFUSED, "132015")


def test_an_id_in_a_failed_answer_proves_nothing(meta):
    result = answer(meta, {"messages": [{"id": "wamid.A"}]}, status=500)
    assert result.outcome is Outcome.UNKNOWN
