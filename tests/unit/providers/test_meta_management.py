"""Meta: connecting an account, its numbers, templates and files."""

import json
from dataclasses import replace
from datetime import datetime
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qs, urlsplit

import pytest
from providers import (
    ErrorClass,
    Meta,
    ProviderError,
    RemoteButton,
    RemoteNumber,
    RemoteTemplate,
    RemoteVariable,
    TransportError,
    Unsupported,
)

MB = 1024 * 1024


def path(request):
    return f"{request.method} {urlsplit(request.url).path.removeprefix('/v23.0/')}"


def query(request):
    return {
        key: values[0] for key, values in parse_qs(urlsplit(request.url).query).items()
    }


def page(*items, after=None):
    paging = {"cursors": {"after": after}, "next": "https://next"} if after else {}
    return 200, {"data": list(items), "paging": paging}


# === ERRORS === #


@pytest.mark.parametrize(
    ("answer", "error_class"),
    [
        ((401, {"error": {"code": 190}}), ErrorClass.CREDENTIALS),
        ((400, {"error": {"code": 100}}), ErrorClass.REQUEST),
        ((502, "<html>"), ErrorClass.DOUBT),
        ((200, []), ErrorClass.DOUBT),
        ((200, {"success": False}), ErrorClass.DOUBT),
    ],
)
def test_refused_call(meta, scripted_call, answer, error_class):
    with pytest.raises(ProviderError) as caught:
        meta.fetch_account_name(scripted_call(answer))
    assert caught.value.error.error_class is error_class


def test_transport_error_passes(meta):
    def call(request):
        raise TransportError("timed out", written=True)

    with pytest.raises(TransportError):
        meta.fetch_account_name(call)


# === CONNECT === #


def test_token(meta, scripted_call):
    data = {
        "app_id": "900100",
        "is_valid": True,
        "expires_at": 1749988800,
        "scopes": ["whatsapp_business_messaging", "email"],
    }
    call = scripted_call((200, {"data": data}))
    info = meta.inspect_token(call)
    assert path(call.requests[0]) == "GET debug_token"
    assert query(call.requests[0])["input_token"] == "EAAtokentokentoken"
    assert "EAAtoken" not in repr(call.requests[0])
    assert (info.valid, info.app_id) == (True, "900100")
    assert info.missing_scopes == {"whatsapp_business_management"}
    assert info.expires_at == datetime(2025, 6, 15, 12, 0)


@pytest.mark.parametrize("data", [{"is_valid": "yes", "expires_at": 0}, {}, []])
def test_token_that_is_not_valid(meta, scripted_call, data):
    info = meta.inspect_token(scripted_call((200, {"data": data})))
    assert (info.valid, info.expires_at, len(info.missing_scopes)) == (False, None, 2)


def test_account_name(meta, scripted_call):
    call = scripted_call((200, {"id": "800200", "name": "Shop"}))
    assert meta.fetch_account_name(call) == "Shop"
    assert path(call.requests[0]) == "GET 800200"


def app(app_id):
    return {"whatsapp_business_api_data": {"id": app_id}}


@pytest.mark.parametrize(
    ("apps", "subscribed"), [(["1", "900100"], True), (["1"], False), ([], False)]
)
def test_subscription_is_read_back(meta, scripted_call, apps, subscribed):
    call = scripted_call((200, {"success": True}), page(*map(app, apps)))
    assert meta.subscribe(call) is subscribed
    assert list(map(path, call.requests)) == [
        "POST 800200/subscribed_apps",
        "GET 800200/subscribed_apps",
    ]


def test_register(meta, scripted_call):
    call = scripted_call((200, {"success": True}))
    meta.register_number(call, "700300", "123456")
    (request,) = call.requests
    assert path(request) == "POST 700300/register"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "pin": "123456",
    }


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "１２３４５６"])
def test_pin_is_checked_before_the_call(meta, scripted_call, pin):
    with pytest.raises(ProviderError, match="6 digits"):
        meta.register_number(scripted_call(), "700300", pin)


# === NUMBERS === #


def test_numbers_of_all_pages(meta, scripted_call):
    first = {
        "id": "1",
        "display_phone_number": "+1 650-555-0100",
        "verified_name": "Shop",
        "status": "CONNECTED",
        "quality_rating": "GREEN",
        "platform_type": "CLOUD_API",
        "throughput": {"level": "HIGH"},
        "whatsapp_business_manager_messaging_limit": "TIER_10K",
    }
    call = scripted_call(page(first, after="X"), page({"id": "2"}, "nonsense"))
    assert list(meta.list_numbers(call)) == [
        RemoteNumber("1", "+16505550100", "Shop", "connected", "green", 1000, 10_000),
        RemoteNumber("2", "", "", ""),
    ]
    assert [query(request).get("after") for request in call.requests] == [None, "X"]


@pytest.mark.parametrize(
    ("fields", "registered"),
    [
        ({"status": "CONNECTED", "platform_type": "CLOUD_API"}, True),
        ({"status": "CONNECTED"}, True),
        ({"status": "PENDING", "platform_type": "CLOUD_API"}, False),
        ({"status": "CONNECTED", "platform_type": "NOT_APPLICABLE"}, False),
    ],
)
def test_registered(meta, scripted_call, fields, registered):
    (number,) = meta.list_numbers(scripted_call(page(fields)))
    assert number.registered is registered


def test_number_in_the_business_app_is_slow(meta, scripted_call):
    data = {"is_on_biz_app": True, "throughput": {"level": "STANDARD"}}
    (number,) = meta.list_numbers(scripted_call(page(data)))
    assert number.messages_per_second == 20


# === TEMPLATES === #

COMPONENTS = [
    {"type": "HEADER", "format": "TEXT", "text": "For {{1}}"},
    {
        "type": "BODY",
        "text": "Hi {{2}} and {{1}}, {{2}}!",
        "example": {"body_text": [["Ann", "Bob"]]},
    },
    {"type": "FOOTER", "text": "Bye"},
    {
        "type": "BUTTONS",
        "buttons": [
            {"type": "QUICK_REPLY", "text": "Stop"},
            {
                "type": "URL",
                "text": "Track",
                "url": "https://a.example/{{1}}",
                "example": ["https://a.example/SO1"],
            },
            {"type": "COPY_CODE", "text": "Copy", "example": ["25OFF"]},
            {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+16505550100"},
        ],
    },
]
DATA = {
    "id": "5",
    "name": "promo",
    "language": "en-US",
    "category": "MARKETING",
    "status": "APPROVED",
    "quality_score": {"score": "GREEN"},
    "rejected_reason": "NONE",
    "parameter_format": "POSITIONAL",
    "components": COMPONENTS,
}
TEMPLATE = RemoteTemplate(
    external_id="5",
    name="promo",
    language="en_US",
    category="marketing",
    state="approved",
    quality="green",
    header_type="text",
    header_text="For {{1}}",
    body="Hi {{2}} and {{1}}, {{2}}!",
    footer="Bye",
    buttons=(
        RemoteButton(0, "quick_reply", "Stop"),
        RemoteButton(1, "url", "Track", url="https://a.example/{{1}}"),
        RemoteButton(2, "copy_code", "Copy"),
        RemoteButton(3, "phone_number", "Call", phone="+16505550100"),
    ),
    variables=(
        RemoteVariable("header", "1"),
        RemoteVariable("body", "1", sample="Ann"),
        RemoteVariable("body", "2", sample="Bob"),
        RemoteVariable("button", "1", 1, "SO1"),
        RemoteVariable("button", "1", 2, "25OFF"),
    ),
)


def fetch(meta, scripted_call, **changes):
    return meta.fetch_template(scripted_call((200, DATA | changes)), "5")


def test_template(meta, scripted_call):
    assert fetch(meta, scripted_call) == TEMPLATE


def test_named_template(meta, scripted_call):
    example = [{"param_name": "who", "example": "Ann"}]
    body = {
        "type": "body",
        "text": "{{what}} for {{who}}",
        "example": {"body_text_named_params": example},
    }
    for told in ("NAMED", None):
        template = fetch(meta, scripted_call, parameter_format=told, components=[body])
        assert template.parameter_format == "named"
        assert template.variables == (
            RemoteVariable("body", "what"),
            RemoteVariable("body", "who", sample="Ann"),
        )


@pytest.mark.parametrize("fmt", ["IMAGE", "VIDEO", "DOCUMENT"])
def test_media_header(meta, scripted_call, fmt):
    template = fetch(
        meta, scripted_call, components=[{"type": "HEADER", "format": fmt}]
    )
    assert (template.header_type, template.unsupported) == (fmt.lower(), "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "AUTO_GENERATED"}, "Direct Send"),
        ({"components": [{"type": "CAROUSEL", "cards": []}]}, "carousel"),
        ({"components": [{"type": "LIMITED_TIME_OFFER"}]}, "limited_time_offer"),
        ({"components": [{"type": "HEADER", "format": "LOCATION"}]}, "location header"),
        ({"components": [{"type": "HEADER", "format": "PRODUCT"}]}, "product header"),
        *(
            (
                {"components": [{"type": "BUTTONS", "buttons": [{"type": kind}]}]},
                f"{kind.lower()} button",
            )
            for kind in ("FLOW", "CATALOG", "MPM", "SPM", "OTP", "VOICE_CALL")
        ),
    ],
)
def test_what_cannot_be_sent_is_marked(meta, scripted_call, changes, reason):
    assert reason in fetch(meta, scripted_call, **changes).unsupported


def test_templates_of_all_pages_once_each(meta, scripted_call):
    call = scripted_call(
        page({"id": "1"}, {"id": "2"}, after="X"),
        page({"id": "2"}, {"id": "3"}),
    )
    ids = [template.external_id for template in meta.list_templates(call)]
    assert ids == ["1", "2", "3"]
    assert list(map(path, call.requests)) == ["GET 800200/message_templates"] * 2


STALE = 400, {"error": {"code": 131059, "message": "Invalid cursor"}}


def test_stale_cursor_starts_over_once(meta, scripted_call):
    call = scripted_call(
        page({"id": "1"}, after="X"), STALE, page({"id": "1"}, {"id": "2"})
    )
    ids = [template.external_id for template in meta.list_templates(call)]
    assert ids == ["1", "2"]
    assert [query(r).get("after") for r in call.requests] == [None, "X", None]


def test_cursor_that_is_stale_again_is_an_error(meta, scripted_call):
    first = page({"id": "1"}, after="X")
    with pytest.raises(ProviderError):
        list(meta.list_templates(scripted_call(first, STALE, first, STALE)))


def test_an_incomplete_list_is_an_error(meta, scripted_call):
    broken = 500, {"error": {"code": 2}}
    call = scripted_call(page({"id": "1"}, after="X"), broken)
    with pytest.raises(ProviderError):
        list(meta.list_templates(call))


def test_a_cursor_that_does_not_move_ends_the_list(meta, scripted_call):
    call = scripted_call(page({"id": "1"}, after="X"), page({"id": "2"}, after="X"))
    assert len(list(meta.list_templates(call))) == 2


def test_create_template(meta, scripted_call):
    created = {"id": "6", "status": "PENDING", "category": "MARKETING"}
    call = scripted_call((200, created))
    header = RemoteVariable("header", "1", sample="Ann")
    template = replace(TEMPLATE, variables=(header, *TEMPLATE.variables[1:]))
    assert meta.create_template(call, template) == ("6", "pending")
    (request,) = call.requests
    assert path(request) == "POST 800200/message_templates"
    body = json.loads(request.body)
    assert body["category"] == "MARKETING"
    assert body["parameter_format"] == "POSITIONAL"
    head, text, footer, buttons = body["components"]
    assert head["example"] == {"header_text": ["Ann"]}
    assert text["example"] == {"body_text": [["Ann", "Bob"]]}
    assert footer == {"type": "FOOTER", "text": "Bye"}
    assert buttons["buttons"][1]["example"] == ["https://a.example/SO1"]
    assert buttons["buttons"][2] == {"type": "COPY_CODE", "example": "25OFF"}
    assert buttons["buttons"][3]["phone_number"] == "+16505550100"


def test_create_named_template_with_media_header(meta, scripted_call):
    call = scripted_call((200, {"id": "6", "status": "PENDING"}))
    template = RemoteTemplate(
        external_id="",
        name="promo",
        language="de",
        category="utility",
        state="",
        parameter_format="named",
        header_type="image",
        body="Hi {{who}}",
        variables=(RemoteVariable("body", "who", sample="Ann"),),
    )
    meta.create_template(call, template, "4::handle")
    head, text = json.loads(call.requests[0].body)["components"]
    assert head["example"] == {"header_handle": ["4::handle"]}
    assert text["example"] == {
        "body_text_named_params": [{"param_name": "who", "example": "Ann"}]
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "example for: 1"),
        ({"variables": (), "header_type": "image"}, "example file"),
        ({"variables": (), "header_type": "location"}, "location"),
        ({"variables": (), "unsupported": "contains a carousel"}, "carousel"),
        (
            {"variables": (), "buttons": (RemoteButton(0, "other", "Flow"),)},
            "'Flow' cannot be sent",
        ),
    ],
)
def test_template_that_cannot_be_created(meta, scripted_call, changes, reason):
    with pytest.raises(Unsupported, match=reason):
        meta.create_template(scripted_call(), replace(TEMPLATE, **changes))


def test_without_account_id_nothing_is_called(credentials, scripted_call):
    meta = Meta(replace(credentials, business_account_id=""))
    with pytest.raises(ProviderError, match="Business Account ID"):
        list(meta.list_templates(scripted_call()))


# === FILES === #


def test_upload(meta, scripted_call):
    call = scripted_call((200, {"id": "42"}))
    content = b"\x89PNG\r\n--\0"
    found = meta.upload_media(call, "700300", content, "image/png", 'ä "1".png')
    assert found == "42"
    (request,) = call.requests
    assert path(request) == "POST 700300/media"
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    parts = {
        p.get_param("name", header="content-disposition"): p
        for p in message.iter_parts()
    }
    assert parts["messaging_product"].get_content().strip() == "whatsapp"
    assert parts["file"].get_content_type() == "image/png"
    assert content in request.body
    assert 'filename="ä %221%22.png"'.encode() in request.body


@pytest.mark.parametrize(
    ("content", "mimetype", "reason"),
    [
        (b"a" * (5 * MB + 1), "image/png", "5.0 MB; WhatsApp takes at most 5 MB"),
        (b"a" * (16 * MB + 1), "video/mp4", "at most 16 MB"),
        (b"", "image/png", "empty"),
        (b"a", "image/gif", "no files of type 'image/gif'.*image/png"),
        (b"a", "", "no files of type ''"),
    ],
)
def test_file_that_is_refused(meta, scripted_call, content, mimetype, reason):
    with pytest.raises(Unsupported, match=reason):
        meta.upload_media(scripted_call(), "700300", content, mimetype, "a")


def test_largest_file_and_mime_parameters(meta, scripted_call):
    call = scripted_call((200, {"id": "42"}), (200, {"id": "43"}))
    assert meta.upload_media(call, "7", b"a" * 5 * MB, "image/jpeg", "a") == "42"
    assert meta.upload_media(call, "7", b"a", "Audio/OGG; codecs=opus", "a") == "43"


def test_upload_without_an_id_is_an_error(meta, scripted_call):
    with pytest.raises(ProviderError):
        meta.upload_media(scripted_call((200, {"h": "x"})), "7", b"a", "image/png", "a")
