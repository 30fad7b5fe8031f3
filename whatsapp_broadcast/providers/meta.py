"""Meta's WhatsApp Cloud API.

https://developers.facebook.com/docs/whatsapp/cloud-api
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote, urlencode

from . import (
    meta_errors,
    meta_media,
    meta_news,
    meta_send,
    meta_templates,
    meta_webhook,
)
from .base import (
    AnswerTooLong,
    Call,
    Callback,
    Capability,
    Error,
    ErrorClass,
    Event,
    FetchedMedia,
    Outcome,
    OutgoingMessage,
    Provider,
    ProviderError,
    RemoteNumber,
    RemoteTemplate,
    Request,
    Response,
    SendResult,
    TokenInfo,
    Unsupported,
    Verify,
)
from .tolerant import (
    display_phone,
    identifier,
    integer,
    load,
    mapping,
    mappings,
    moment,
    sha256,
    text,
)

#: Without these a token cannot send, or cannot manage numbers and templates.
REQUIRED_SCOPES = frozenset(
    ("whatsapp_business_messaging", "whatsapp_business_management")
)

#: Messages a second by the level that Meta names.
#: https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput
THROUGHPUT = {"HIGH": meta_news.UPGRADED_THROUGHPUT}
STANDARD_THROUGHPUT = 80
#: A number that is also in use in the WhatsApp Business app.
COEXISTENCE_THROUGHPUT = 20

_PAGE_SIZE = 100
_STALE_CURSOR = "131059"
_NUMBER_FIELDS = (
    "id,display_phone_number,verified_name,status,quality_rating,platform_type,"
    "is_on_biz_app,throughput,whatsapp_business_manager_messaging_limit"
)
_UNREGISTERED = ("deleted", "disconnected", "migrated", "pending", "unverified")


class Meta(Provider):
    code = "meta"
    capabilities = frozenset(
        (
            Capability.TEMPLATES,
            Capability.MEDIA,
            Capability.SERVICE_WINDOW,
            Capability.TOKEN_ECHO,
            Capability.QUOTES,
            Capability.READ_RECEIPTS,
        )
    )
    default_api_url = "https://graph.facebook.com/v23.0"
    text_limits = meta_send.LIMITS
    refused_value = meta_send.REFUSED_VALUE

    # === SENDING === #

    def prepare_send(self, message: OutgoingMessage) -> Request:
        if not message.number_id:
            raise Unsupported("The sender has no phone number id.")
        body = meta_send.build(message)
        return self._json_request(f"{_segment(message.number_id)}/messages", body)

    def parse_send(self, response: Response) -> SendResult:
        data = load(response.body)
        sent = next(iter(mappings(data.get("messages"))), {})
        message_id = identifier(sent.get("id"))
        if not 200 <= response.status < 300 or not message_id:
            return self._refusal(response)
        if sent.get("message_status") == "paused":
            paused = Error("132015", "The template is paused", ErrorClass.TEMPLATE)
            return SendResult(Outcome.REFUSED, message_id, error=paused)
        held = sent.get("message_status") == "held_for_quality_assessment"
        contact = next(iter(mappings(data.get("contacts"))), {})
        return SendResult(
            Outcome.HELD if held else Outcome.ACCEPTED,
            message_id,
            identifier(contact.get("user_id")),
        )

    def _refusal(self, response: Response) -> SendResult:
        error = meta_errors.from_response(response, self._secrets)
        in_doubt = error.error_class is ErrorClass.DOUBT
        return SendResult(Outcome.UNKNOWN if in_doubt else Outcome.REFUSED, error=error)

    # === WEBHOOK === #

    def answer_handshake(self, params: Mapping[str, str]) -> str | None:
        """https://developers.facebook.com/docs/graph-api/webhooks/getting-started"""
        expected = self.credentials.verify_token
        given = params.get("hub.verify_token") or ""
        subscribes = params.get("hub.mode") == "subscribe"
        if not expected or not subscribes or not _same(given, expected):
            return None
        return params.get("hub.challenge") or ""

    @staticmethod
    def verifier(app_secret: str) -> Verify:
        """Check ``X-Hub-Signature-256`` over the raw bytes."""
        keyed = [_keyed(secret) for secret in app_secret.split()]

        def verify(headers: Mapping[str, str], body: bytes) -> bool:
            given = ""
            for name, value in headers.items():
                if name.lower() == "x-hub-signature-256":
                    given = value
            signatures = [f"sha256={_digest(key, body)}" for key in keyed]
            return any([_same(given, signature) for signature in signatures])

        return verify

    def parse_webhook(self, body: bytes) -> list[Event]:
        return meta_webhook.parse(body)

    # === MANAGEMENT === #

    def inspect_token(self, call: Call) -> TokenInfo:
        """https://developers.facebook.com/docs/graph-api/reference/debug_token"""
        token = self._access_token
        data = mapping(self._get(call, "debug_token", input_token=token).get("data"))
        given = data.get("scopes")
        scopes = frozenset(map(text, given if isinstance(given, list) else ()))
        return TokenInfo(
            valid=data.get("is_valid") is True,
            app_id=identifier(data.get("app_id")),
            scopes=scopes,
            missing_scopes=REQUIRED_SCOPES - scopes,
            expires_at=moment(data.get("expires_at")),  # 0 = never
        )

    def fetch_account_name(self, call: Call) -> str:
        return text(self._get(call, self._account, fields="id,name").get("name"))

    def subscribe(self, call: Call) -> bool:
        path = f"{self._account}/subscribed_apps"
        self._run(call, self._json_request(path, {}))
        app_id = self.credentials.app_id or self.inspect_token(call).app_id
        apps = (
            mapping(item.get("whatsapp_business_api_data"))
            for item in self._pages(call, path)
        )
        return app_id in [identifier(app.get("id")) for app in apps]

    def list_numbers(self, call: Call) -> Iterator[RemoteNumber]:
        path = f"{self._account}/phone_numbers"
        for data in self._pages(call, path, fields=_NUMBER_FIELDS):
            yield _number(data)

    def register_number(self, call: Call, number_id: str, pin: str) -> None:
        if not (len(pin) == 6 and pin.isascii() and pin.isdecimal()):
            raise _bad_request("The two-step PIN has 6 digits.")
        body = {"messaging_product": "whatsapp", "pin": pin}
        self._run(call, self._json_request(f"{_segment(number_id)}/register", body))

    def list_templates(self, call: Call) -> Iterator[RemoteTemplate]:
        """All pages; a cursor that went stale starts over once, without repeats."""
        seen: set[str] = set()
        for attempt in range(2):
            try:
                yield from self._unseen_templates(call, seen)
                return
            except ProviderError as refused:
                if attempt or refused.error.code != _STALE_CURSOR:
                    raise

    def _unseen_templates(self, call: Call, seen: set[str]) -> Iterator[RemoteTemplate]:
        path = f"{self._account}/message_templates"
        for data in self._pages(call, path, fields=meta_templates.FIELDS):
            template = meta_templates.parse(data)
            if template.external_id not in seen:
                seen.add(template.external_id)
                yield template

    def fetch_template(self, call: Call, external_id: str) -> RemoteTemplate:
        path = _segment(external_id)
        return meta_templates.parse(self._get(call, path, fields=meta_templates.FIELDS))

    def create_template(
        self, call: Call, template: RemoteTemplate, header_handle: str = ""
    ) -> tuple[str, str]:
        path = f"{self._account}/message_templates"
        body = meta_templates.build(template, header_handle)
        answer = self._run(call, self._json_request(path, body))
        return _required_id(answer), text(answer.get("status")).lower()

    def check_media(self, content: bytes, mimetype: str) -> None:
        meta_media.check(content, mimetype)

    def upload_media(
        self, call: Call, number_id: str, content: bytes, mimetype: str, filename: str
    ) -> str:
        bare = meta_media.check(content, mimetype)
        content_type, body = meta_media.multipart(content, bare, filename)
        path = f"{_segment(number_id)}/media"
        return _required_id(
            self._run(call, self._request("POST", path, body, content_type))
        )

    def fetch_media(
        self, call: Call, media_id: str, number_id: str, max_bytes: int
    ) -> FetchedMedia:
        """https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media"""
        told = self._media_object(call, media_id, number_id)
        if (integer(told.get("file_size")) or 0) > max_bytes:
            raise _too_long(max_bytes)
        content = self._download(call, text(told.get("url")), max_bytes)
        digest = hashlib.sha256(content).hexdigest()
        if sha256(told.get("sha256")) not in ("", digest):
            reason = "the file that came is not the one that was announced"
            raise ProviderError(Error("", reason, ErrorClass.RETRY))
        return FetchedMedia(content, identifier(told.get("mime_type")), digest)

    def _media_object(self, call: Call, media_id: str, number_id: str) -> dict:
        try:
            return self._get(call, _segment(media_id), phone_number_id=number_id)
        except ProviderError as refused:
            if refused.error.error_class is not ErrorClass.NUMBER:
                raise
            # The object that is not there is the file, not the number.
            gone = replace(refused.error, error_class=ErrorClass.REQUEST)
            raise ProviderError(gone) from None

    def _download(self, call: Call, url: str, max_bytes: int) -> bytes:
        if not meta_media.is_trusted(url, self._api_url):
            raise _bad_request("The file is on a host that is not one of Meta's.")
        headers = {"Authorization": f"Bearer {self._access_token}"}
        try:
            response = call(Request("GET", url, headers, answer_limit=max_bytes))
        except AnswerTooLong:
            raise _too_long(max_bytes) from None
        if response.status != 200:
            raise ProviderError(meta_errors.from_response(response, self._secrets))
        return response.body

    def mark_read(self, call: Call, number_id: str, message_id: str) -> None:
        """https://developers.facebook.com/docs/whatsapp/cloud-api/guides/mark-message-as-read"""
        body = {"messaging_product": "whatsapp", "status": "read"}
        body["message_id"] = message_id
        self._run(call, self._json_request(f"{_segment(number_id)}/messages", body))

    def fetch_callback(self, call: Call, number_id: str) -> Callback:
        """https://developers.facebook.com/docs/whatsapp/embedded-signup/webhooks/override"""
        path = _segment(number_id)
        data = self._get(call, path, fields="webhook_configuration")
        told = mapping(data.get("webhook_configuration"))
        keys = ("application", "whatsapp_business_account", "phone_number")
        return Callback(*(text(told.get(key)) for key in keys))

    # === REQUESTS === #

    @cached_property
    def _access_token(self) -> str:
        return self.credentials.access_token.strip()

    @cached_property
    def _app_secrets(self) -> list[str]:
        return self.credentials.app_secret.split()

    @cached_property
    def _secrets(self) -> list[str]:
        return [
            self._access_token,
            *self._app_secrets,
            self.credentials.verify_token,
            *self._proof.values(),
        ]

    @cached_property
    def _proof(self) -> dict[str, str]:
        """https://developers.facebook.com/docs/graph-api/guides/secure-requests

        An app may demand it of every call; it is signed with the first secret.
        """
        if not self._app_secrets:
            return {}
        proof = _sign(self._app_secrets[0], self._access_token.encode())
        return {"appsecret_proof": proof}

    @cached_property
    def _api_url(self) -> str:
        return (self.credentials.api_url or self.default_api_url).rstrip("/")

    @property
    def _account(self) -> str:
        if not self.credentials.business_account_id:
            raise _bad_request("The account has no WhatsApp Business Account ID.")
        return _segment(self.credentials.business_account_id)

    def _request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        content_type: str = "",
        **params: str,
    ) -> Request:
        query = urlencode(params | self._proof)
        headers = {"Authorization": f"Bearer {self._access_token}"}
        if content_type:
            headers["Content-Type"] = content_type
        url = f"{self._api_url}/{path}" + (f"?{query}" if query else "")
        return Request(method, url, headers, body)

    def _json_request(self, path: str, body: dict) -> Request:
        content = json.dumps(body, separators=(",", ":")).encode()
        return self._request("POST", path, content, "application/json")

    def _get(self, call: Call, path: str, **params: str) -> dict:
        return self._run(call, self._request("GET", path, **params))

    def _run(self, call: Call, request: Request) -> dict:
        response = call(request)
        data = load(response.body)
        failed = not data or "error" in data or data.get("success") is False
        if 200 <= response.status < 300 and not failed:
            return data
        raise ProviderError(meta_errors.from_response(response, self._secrets))

    def _pages(self, call: Call, path: str, **params: str) -> Iterator[dict]:
        """https://developers.facebook.com/docs/graph-api/results"""
        params["limit"] = str(_PAGE_SIZE)
        while True:
            data = self._get(call, path, **params)
            yield from mappings(data.get("data"))
            paging = mapping(data.get("paging"))
            after = text(mapping(paging.get("cursors")).get("after"))
            if not paging.get("next") or after in ("", params.get("after")):
                return
            params["after"] = after


def _segment(value: str) -> str:
    """Return an id as one segment of a path."""
    return quote(value.strip(), safe="")


def _sign(secret: str, content: bytes) -> str:
    return _digest(_keyed(secret), content)


def _keyed(secret: str) -> hmac.HMAC:
    return hmac.new(secret.encode("utf-8", "replace"), digestmod=hashlib.sha256)


def _digest(keyed: hmac.HMAC, content: bytes) -> str:
    """Return the signature of ``content``; ``keyed`` may be used again."""
    signature = keyed.copy()
    signature.update(content)
    return signature.hexdigest()


def _same(given: str, expected: str) -> bool:
    """Compare in constant time; ``hmac`` refuses strings that are not ASCII."""
    pair = [value.encode("utf-8", "surrogatepass") for value in (given, expected)]
    return hmac.compare_digest(*pair)


def _bad_request(message: str) -> ProviderError:
    return ProviderError(Error("", message, ErrorClass.REQUEST))


def _too_long(max_bytes: int) -> ProviderError:
    return _bad_request(f"The file has more than {max_bytes} bytes.")


def _required_id(answer: dict) -> str:
    found = identifier(answer.get("id"))
    if not found:
        raise ProviderError(Error("", "Meta's answer has no id", ErrorClass.DOUBT))
    return found


def _number(data: dict) -> RemoteNumber:
    state = text(data.get("status")).lower()
    platform = text(data.get("platform_type"))
    limit = data.get("whatsapp_business_manager_messaging_limit")
    return RemoteNumber(
        external_id=identifier(data.get("id")),
        phone=display_phone(data.get("display_phone_number")),
        name=text(data.get("verified_name")),
        state=state,
        quality=text(data.get("quality_rating")).lower(),
        messages_per_second=_throughput(data),
        daily_limit=meta_news.daily_limit(limit),
        registered=platform in ("", "CLOUD_API") and state not in _UNREGISTERED,
    )


def _throughput(data: dict) -> int:
    if data.get("is_on_biz_app") is True:
        return COEXISTENCE_THROUGHPUT
    level = text(mapping(data.get("throughput")).get("level"))
    return THROUGHPUT.get(level, STANDARD_THROUGHPUT)
