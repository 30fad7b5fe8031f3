"""What every provider must do, whoever it is: one suite over all that are registered.

A new provider adds its :class:`Samples`; without them the suite fails.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from providers import (
    PROVIDERS,
    Button,
    Capability,
    Credentials,
    ErrorClass,
    IdentityEvent,
    InboundEvent,
    InboundMedia,
    Media,
    Outcome,
    OutgoingMessage,
    PreferenceEvent,
    ProviderError,
    Response,
    StatusEvent,
    Template,
    UnknownEvent,
    Unsupported,
    get,
)

CREDENTIALS = Credentials(
    api_url="https://api.example/v1",
    app_id="900100",
    business_account_id="800200",
    access_token="accesstoken-accesstoken",
    app_secret="appsecret-appsecret",
    verify_token="verifytoken-verifytoken",
)
PHONE = "+16505550123"
BASE = OutgoingMessage(number_id="700300", phone=PHONE, token="token-1")

MESSAGES = {
    "template": replace(BASE, template=Template("hello", "en_US")),
    "text": replace(BASE, text="Hello"),
    "media": replace(BASE, media=Media("image", media_id="42")),
}


@dataclass(frozen=True)
class Samples:
    """How one provider says what all of them say."""

    bodies: dict  # kind of message: body of its request, without envelope
    envelope: dict
    accepted: bytes
    refusals: dict  # body: (HTTP status, error class)
    quote: dict  # what a request has in addition if it quotes "wamid.A"
    media: tuple  # (HTTP status, body) for the calls that fetch a file
    media_gone: tuple  # the same for a file that is not there any more
    webhooks: dict  # name: body
    expected: dict  # name: list of (class of event, some fields)


def _meta_webhook(value, field="messages"):
    value = {"metadata": {"phone_number_id": "700300"}, **value}
    entry = {"id": "800200", "changes": [{"field": field, "value": value}]}
    return json.dumps({"entry": [entry]}).encode()


def _meta_status(status, **fields):
    item = {"id": "wamid.A", "status": status, "timestamp": "1750000000"}
    item |= {"biz_opaque_callback_data": "token-1", "recipient_id": PHONE[1:]}
    return _meta_webhook({"statuses": [item | fields]})


def _meta_inbound(**fields):
    item = {"id": "wamid.B", "type": "text", "text": {"body": "Yes"}, **fields}
    return _meta_webhook({"messages": [item]})


def _meta_error(code):
    return json.dumps({"error": {"code": code, "message": "no"}}).encode()


_FAILED = {"errors": [{"code": 131026, "title": "Message undeliverable"}]}
_ECHO = {"id": "wamid.B", "from": "15550100", "type": "text", "to": PHONE[1:]}
_CHANGED = {"type": "user_changed_number", "wa_id": "16505550199"}

SAMPLES = {
    "meta": Samples(
        bodies={
            "template": {
                "type": "template",
                "template": {"name": "hello", "language": {"code": "en_US"}},
            },
            "text": {"type": "text", "text": {"body": "Hello", "preview_url": False}},
            "media": {"type": "image", "image": {"id": "42"}},
        },
        envelope={
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": PHONE,
            "biz_opaque_callback_data": "token-1",
        },
        accepted=b'{"messages":[{"id":"wamid.A"}]}',
        refusals={
            _meta_error(190): (401, ErrorClass.CREDENTIALS),
            _meta_error(130429): (400, ErrorClass.THROTTLE),
            _meta_error(131056): (400, ErrorClass.PAIR),
            _meta_error(131031): (403, ErrorClass.ACCOUNT),
            _meta_error(132001): (404, ErrorClass.TEMPLATE),
            _meta_error(133010): (400, ErrorClass.NUMBER),
            _meta_error(131050): (400, ErrorClass.OPT_OUT),
            _meta_error(987654): (400, ErrorClass.REQUEST),
        },
        quote={"context": {"message_id": "wamid.A"}},
        media=(
            (200, b'{"url":"https://lookaside.fbsbx.com/a","mime_type":"image/png"}'),
            (200, b"a file"),
        ),
        media_gone=((400, b'{"error":{"code":100,"error_subcode":33}}'),),
        webhooks={
            "sent": _meta_status("sent"),
            "delivered": _meta_status("delivered"),
            "read": _meta_status("read"),
            "failed": _meta_status("failed", **_FAILED),
            "inbound": _meta_inbound(**{"from": PHONE[1:]}),
            "inbound without phone": _meta_inbound(from_user_id="US.1"),
            "inbound in a group": _meta_inbound(**{"from": "1", "group_id": "G"}),
            "own echo": _meta_webhook(
                {"message_echoes": [_ECHO]}, "smb_message_echoes"
            ),
            "file": _meta_inbound(
                **{"from": PHONE[1:], "type": "image", "image": {"id": "42"}}
            ),
            "reply": _meta_inbound(**{"from": PHONE[1:], "context": {"id": "wamid.A"}}),
            "taken back": _meta_inbound(
                **{"from": PHONE[1:], "type": "revoke"},
                revoke={"original_message_id": "wamid.A"},
            ),
            "another phone": _meta_inbound(
                **{"from": PHONE[1:], "type": "system", "system": _CHANGED}
            ),
            "status without phone": _meta_status(
                "read", recipient_id=None, recipient_user_id="US.1"
            ),
            "stop": _meta_webhook(
                {"user_preferences": [{"wa_id": PHONE[1:], "value": "stop"}]},
                "user_preferences",
            ),
            "unknown status": _meta_status("teleported"),
            "unknown field": _meta_webhook({"x": 1}, "weather"),
        },
        expected={
            "sent": [(StatusEvent, {"status": "sent", "token": "token-1"})],
            "delivered": [(StatusEvent, {"status": "delivered", "phone": PHONE})],
            "read": [(StatusEvent, {"status": "read", "message_id": "wamid.A"})],
            "failed": [(StatusEvent, {"status": "failed"})],
            "inbound": [(InboundEvent, {"phone": PHONE, "text": "Yes"})],
            "inbound without phone": [(InboundEvent, {"user_ref": "US.1"})],
            "inbound in a group": [(UnknownEvent, {})],
            "own echo": [
                (
                    InboundEvent,
                    {"phone": PHONE, "is_echo": True, "opens_window": False},
                )
            ],
            "file": [(InboundEvent, {"media": InboundMedia("42")})],
            "reply": [(InboundEvent, {"context_id": "wamid.A", "opens_window": True})],
            "taken back": [
                (InboundEvent, {"context_id": "wamid.A", "opens_window": False})
            ],
            "another phone": [
                (IdentityEvent, {"phone": PHONE, "new_phone": "+16505550199"}),
                (InboundEvent, {"message_type": "system", "opens_window": False}),
            ],
            "status without phone": [(StatusEvent, {"phone": "", "user_ref": "US.1"})],
            "stop": [(PreferenceEvent, {"phone": PHONE, "opted_out": True})],
            "unknown status": [(UnknownEvent, {})],
            "unknown field": [(UnknownEvent, {"kind": "weather"})],
        },
    )
}


def sign(secret, body):
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


def test_every_provider_has_samples():
    assert set(SAMPLES) == set(PROVIDERS)


def test_unknown_code_is_refused_and_the_known_are_named():
    with pytest.raises(ValueError, match="meta"):
        get("carrier_pigeon")


@pytest.mark.parametrize("code", sorted(PROVIDERS))
class TestConformance:
    @pytest.fixture
    def provider(self, code):
        return get(code)(CREDENTIALS)

    @pytest.fixture
    def samples(self, code):
        return SAMPLES[code]

    # 1. Requests

    @pytest.mark.parametrize("kind", sorted(MESSAGES))
    def test_request_of_each_kind(self, provider, samples, kind):
        request = provider.prepare_send(MESSAGES[kind])
        assert request.method == "POST"
        assert request.url.startswith(CREDENTIALS.api_url)
        assert json.loads(request.body) == samples.envelope | samples.bodies[kind]

    def test_request_that_quotes(self, provider, samples):
        if Capability.QUOTES not in provider.capabilities:
            pytest.skip("cannot quote")
        message = replace(MESSAGES["text"], context_id="wamid.A")
        request = provider.prepare_send(message)
        expected = samples.envelope | samples.bodies["text"] | samples.quote
        assert json.loads(request.body) == expected

    def test_what_is_not_declared_is_refused(self, provider):
        needed = {"template": Capability.TEMPLATES, "media": Capability.MEDIA}
        for kind, capability in needed.items():
            if capability not in provider.capabilities:
                with pytest.raises(Unsupported):
                    provider.prepare_send(MESSAGES[kind])

    @pytest.mark.parametrize(
        "message",
        [
            BASE,
            replace(BASE, text=" \n"),
            replace(BASE, text="Hello", media=Media("image", media_id="42")),
            replace(BASE, text="Hello", phone=""),
            replace(BASE, text="Hello", number_id=""),
            replace(BASE, media=Media("hologram", media_id="42")),
            replace(BASE, media=Media("image")),
            replace(BASE, media=Media("image", link="file:///etc/passwd")),
            replace(BASE, template=Template("a", "en", body=(("", " \n"),))),
            replace(
                BASE,
                template=Template("a", "en", buttons=(Button(0, "teleport", "x"),)),
            ),
        ],
    )
    def test_nonsense_is_refused_with_a_sentence(self, provider, message):
        with pytest.raises(Unsupported, match=r"\.$"):
            provider.prepare_send(message)

    # 2. Secrets

    def test_no_secret_in_repr_or_path(self, provider):
        request = provider.prepare_send(MESSAGES["text"])
        shown = repr(CREDENTIALS) + repr(request) + request.url
        for secret in ("accesstoken", "appsecret-", "verifytoken"):
            assert secret not in shown
        assert PHONE not in repr(request)

    def test_no_secret_and_no_phone_in_an_error(self, provider, samples):
        for body, (status, _) in samples.refusals.items():
            leak = f"{CREDENTIALS.access_token} {PHONE} {CREDENTIALS.app_secret}"
            body = body.replace(b'"no"', json.dumps(leak).encode())
            error = provider.parse_send(Response(status, body)).error
            assert error.message == "*** *** ***"

    # 3. Answers

    def test_accepted(self, provider, samples):
        result = provider.parse_send(Response(200, samples.accepted))
        assert result.outcome is Outcome.ACCEPTED
        assert result.message_id

    def test_refusals(self, provider, samples):
        for body, (status, error_class) in samples.refusals.items():
            result = provider.parse_send(Response(status, body))
            assert result.outcome is Outcome.REFUSED, body
            assert result.error.error_class is error_class, body

    @pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 429, 500, 502])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>Bad gateway</html>",
            b'{"messages":[{"id":',
            b"[]",
            b"null",
            b"{}",
            b'{"error":"no"}',
            b'{"error":{"message":"no"}}',
            b'{"messages":[]}',
            b'{"messages":[{"id":null}]}',
            b"\xff\xfe\x00",
        ],
    )
    def test_without_an_error_code_all_is_doubt(self, provider, status, body):
        result = provider.parse_send(Response(status, body))
        assert result.outcome is Outcome.UNKNOWN
        assert result.error.error_class is ErrorClass.DOUBT
        assert result.message_id == ""

    # 5. Signatures

    @pytest.mark.parametrize("body", [b"{}", b"", b"\xff\xfe not text"])
    def test_signature(self, provider, body):
        headers = sign(CREDENTIALS.app_secret, body)
        lower = {name.lower(): value for name, value in headers.items()}
        assert provider.verify(headers, body)
        assert provider.verify(lower, body)
        assert not provider.verify(headers, body + b" ")
        assert not provider.verify(sign("another", body), body)
        assert not provider.verify({}, body)

    @pytest.mark.parametrize("value", ["", "sha256=", "ä", "sha256=\udc80", "\0"])
    def test_strange_signature_is_only_wrong(self, provider, value):
        headers = dict.fromkeys(sign("", b"{}"), value)
        assert provider.verify(headers, b"{}") is False

    def test_without_a_secret_nothing_verifies(self, code):
        provider = get(code)(replace(CREDENTIALS, app_secret=" \n"))
        for secret in ("", " ", " \n"):
            assert provider.verify(sign(secret, b"{}"), b"{}") is False

    # 6. - 8. Webhooks

    def test_webhooks(self, provider, samples):
        assert set(samples.webhooks) == set(samples.expected)
        for name, body in samples.webhooks.items():
            events = provider.parse_webhook(body)
            assert len(events) == len(samples.expected[name]), name
            for event, (kind, fields) in zip(
                events, samples.expected[name], strict=True
            ):
                assert type(event) is kind, name
                assert {key: getattr(event, key) for key in fields} == fields, name

    def test_parsing_has_no_memory(self, provider, samples):
        for body in samples.webhooks.values():
            assert provider.parse_webhook(body) == provider.parse_webhook(body)

    # 9. Files of people

    def test_file(self, provider, samples):
        answers = iter(samples.media)
        found = provider.fetch_media(
            lambda request: Response(*next(answers)), "42", "700300", 1000
        )
        assert found.content == b"a file"
        assert found.sha256 == hashlib.sha256(b"a file").hexdigest()

    def test_file_that_is_gone_is_not_asked_for_again(self, provider, samples):
        answers = iter(samples.media_gone)
        with pytest.raises(ProviderError) as caught:
            provider.fetch_media(
                lambda request: Response(*next(answers)), "42", "700300", 1000
            )
        assert caught.value.error.error_class is ErrorClass.REQUEST

    # 10. Content

    @pytest.mark.parametrize(
        ("value", "sent"),
        [
            ("a\nb", "a b"),
            ("a\tb", "a b"),
            ("a\r\n\r\nb", "a b"),
            ("a     b", "a b"),
            (" a ", "a"),
            ("1\u00a0000", "1\u00a0000"),
            ("a\0b", "ab"),
            ("\ud800", "?"),
            ("😀" * 1024, "😀" * 1024),
        ],
    )
    def test_values_are_made_fit(self, provider, value, sent):
        template = Template("a", "en", body=(("", value),))
        request = provider.prepare_send(replace(BASE, template=template))
        assert json.dumps(sent) in request.body.decode()

    # 11. Capabilities

    def test_declared_echo_comes_back(self, provider, samples):
        (event,) = provider.parse_webhook(samples.webhooks["sent"])
        declared = Capability.TOKEN_ECHO in provider.capabilities
        assert (event.token == BASE.token) is declared

    def test_each_status_has_a_sample(self, provider, samples):
        seen = {
            event.status
            for body in samples.webhooks.values()
            for event in provider.parse_webhook(body)
            if isinstance(event, StatusEvent)
        }
        assert seen == {"sent", "delivered", "read", "failed"}

    # 12. Anything else

    @given(body=st.binary(max_size=200), status=st.integers(100, 599))
    def test_any_bytes(self, code, body, status):
        provider = get(code)(CREDENTIALS)
        assert provider.parse_send(Response(status, body)).outcome is Outcome.UNKNOWN
        assert provider.parse_webhook(body) == []
        assert provider.verify({"X-Hub-Signature-256": body.hex()}, body) is False
