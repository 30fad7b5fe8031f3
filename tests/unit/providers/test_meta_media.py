"""Meta: files that people sent, receipts, and where webhooks go."""

import base64
import hashlib
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from providers import (
    AnswerTooLong,
    Callback,
    ErrorClass,
    FetchedMedia,
    Meta,
    ProviderError,
    TransportError,
)

CONTENT = b"\x89PNG a picture"
DIGEST = hashlib.sha256(CONTENT)
URL = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=x"
GONE = 400, {"error": {"code": 100, "error_subcode": 33, "message": "no such object"}}


def told(**changes):
    data = {"url": URL, "mime_type": "image/png", "sha256": DIGEST.hexdigest()}
    return 200, data | {"file_size": len(CONTENT), "id": "42"} | changes


def refusal(meta, call, max_bytes=100):
    with pytest.raises(ProviderError) as caught:
        meta.fetch_media(call, "42", "700300", max_bytes)
    return caught.value.error


def test_file(meta, scripted_call):
    call = scripted_call(told(), (200, CONTENT))
    found = meta.fetch_media(call, "42", "700300", max_bytes=len(CONTENT))
    assert found == FetchedMedia(CONTENT, "image/png", DIGEST.hexdigest())
    lookup, download = call.requests
    assert urlsplit(lookup.url).path == "/v23.0/42"
    assert parse_qs(urlsplit(lookup.url).query)["phone_number_id"] == ["700300"]
    assert (download.method, download.url) == ("GET", URL)
    assert download.headers == {"Authorization": "Bearer EAAtokentokentoken"}
    assert download.answer_limit == len(CONTENT)
    assert CONTENT.decode("latin-1") not in repr(found)


@pytest.mark.parametrize(
    "digest", [base64.b64encode(DIGEST.digest()).decode(), DIGEST.hexdigest(), None]
)
def test_digest_in_any_form(meta, scripted_call, digest):
    call = scripted_call(told(sha256=digest, file_size=None), (200, CONTENT))
    assert meta.fetch_media(call, "42", "7", 100).sha256 == DIGEST.hexdigest()


@pytest.mark.parametrize(
    "url",
    [
        "https://lookaside.fbsbx.com:443/a",
        "https://scontent.xx.fbcdn.net/a",
        "https://mmg.whatsapp.net/a",
        "https://graph.example/_media/42",
    ],
)
def test_hosts_that_get_the_token(meta, scripted_call, url):
    call = scripted_call(told(url=url), (200, CONTENT))
    assert meta.fetch_media(call, "42", "7", 100).content == CONTENT


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/a",
        "https://lookaside.fbsbx.com:8443/a",
        "https://evilfbsbx.com/a",
        "https://lookaside.fbsbx.com.evil.example/a",
        "https://lookaside.fbsbx.com@evil.example/a",
        "https://evil.example/#.fbsbx.com",
        "http://graph.example/a",
        "https://graph.example:444/a",
        "https://127.0.0.1/a",
        "https://[::1/a",
        "https://graph.example:port/a",
        "file:///etc/passwd",
        "",
        None,
        7,
    ],
)
def test_no_other_host_gets_the_token(meta, scripted_call, url):
    call = scripted_call(told(url=url))
    assert refusal(meta, call).error_class is ErrorClass.REQUEST
    assert len(call.requests) == 1


def test_own_host_may_be_without_tls(credentials, scripted_call):
    meta = Meta(replace(credentials, api_url="http://127.0.0.1:8890"))
    call = scripted_call(told(url="http://127.0.0.1:8890/_media/1"), (200, CONTENT))
    assert meta.fetch_media(call, "42", "7", 100).content == CONTENT


def test_file_that_is_said_to_be_too_long(meta, scripted_call):
    call = scripted_call(told(file_size="101"))
    error = refusal(meta, call)
    assert (error.error_class, error.message) == (
        ErrorClass.REQUEST,
        "The file has more than 100 bytes.",
    )
    assert len(call.requests) == 1


def test_file_that_is_longer_than_it_was_said_to_be(meta, scripted_call):
    answer = scripted_call(told(file_size=1))

    def call(request):
        if answer.answers:
            return answer(request)
        raise AnswerTooLong

    assert refusal(meta, call).error_class is ErrorClass.REQUEST


@pytest.mark.parametrize(
    ("answers", "error_class"),
    [
        ([GONE], ErrorClass.REQUEST),
        ([(400, {"error": {"code": 131052}})], ErrorClass.REQUEST),
        ([(401, {"error": {"code": 190}})], ErrorClass.CREDENTIALS),
        ([(400, {"error": {"code": 4}})], ErrorClass.THROTTLE),
        ([(503, "<html>")], ErrorClass.DOUBT),
        ([told(), (404, b"")], ErrorClass.DOUBT),
        ([told(), (302, b"")], ErrorClass.DOUBT),
        ([told(), (500, b"")], ErrorClass.DOUBT),
        ([told(), (401, {"error": {"code": 190}})], ErrorClass.CREDENTIALS),
        ([told(), (200, CONTENT[:-1])], ErrorClass.RETRY),
        ([told(), (200, b"")], ErrorClass.RETRY),
    ],
)
def test_what_may_pass_and_what_may_not(meta, scripted_call, answers, error_class):
    assert refusal(meta, scripted_call(*answers)).error_class is error_class


def test_no_answer_passes(meta, scripted_call):
    answer = scripted_call(told())

    def call(request):
        if answer.answers:
            return answer(request)
        raise TransportError("timed out", written=True)

    with pytest.raises(TransportError):
        meta.fetch_media(call, "42", "7", 100)


# === RECEIPTS AND CALLBACKS === #


def test_mark_read(meta, scripted_call):
    call = scripted_call((200, {"success": True}))
    meta.mark_read(call, "700300", "wamid.A")
    (request,) = call.requests
    assert urlsplit(request.url).path == "/v23.0/700300/messages"
    assert json.loads(request.body) == {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": "wamid.A",
    }


def test_mark_read_that_is_refused(meta, scripted_call):
    call = scripted_call((400, {"error": {"code": 131009, "message": "no"}}))
    with pytest.raises(ProviderError):
        meta.mark_read(call, "700300", "wamid.A")


@pytest.mark.parametrize(
    ("configuration", "callback", "effective"),
    [
        ({"application": "https://a"}, Callback("https://a"), "https://a"),
        (
            {"application": "https://a", "whatsapp_business_account": "https://b"},
            Callback("https://a", "https://b"),
            "https://b",
        ),
        (
            {"application": "https://a", "phone_number": "https://c"},
            Callback("https://a", number="https://c"),
            "https://c",
        ),
        ({}, Callback(), ""),
        (None, Callback(), ""),
        ("https://a", Callback(), ""),
    ],
)
def test_callback(meta, scripted_call, configuration, callback, effective):
    call = scripted_call((200, {"id": "7", "webhook_configuration": configuration}))
    found = meta.fetch_callback(call, "700300")
    assert (found, found.effective) == (callback, effective)
    (request,) = call.requests
    assert urlsplit(request.url).path == "/v23.0/700300"
    assert parse_qs(urlsplit(request.url).query)["fields"] == ["webhook_configuration"]
