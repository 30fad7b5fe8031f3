"""What every provider speaks: the types that cross its border, and the interface.

A provider is plain Python: no ORM, no cursor, no socket. It turns an outgoing message
into a request and a response into a result, and a webhook body into events. Only the
transport touches the network.

``prepare_send`` either returns a request or raises :class:`Unsupported`;
``parse_send``, ``verify`` and ``parse_webhook`` are total: bad bytes give a result,
never an exception.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

#: Longest answer to a usual call, in bytes.
ANSWER_LIMIT = 8 * 1024 * 1024


class ErrorClass(str, Enum):
    """What an error is about, and so what the engine does about it."""

    RETRY = "retry"  #: same message later, with backoff and jitter
    THROTTLE = "throttle"  #: as RETRY, and the number slows down
    PAIR = "pair"  #: only this recipient waits
    LATER = "later"  #: this recipient, not before 24 hours
    RECIPIENT = "recipient"  #: never this recipient for this message
    UNDELIVERABLE = "undeliverable"  #: as RECIPIENT; many of them: a bad list
    OPT_OUT = "opt_out"  #: as RECIPIENT, and the person opted out of marketing
    REQUEST = "request"  #: our data is wrong: never retried
    TEMPLATE = "template"  #: stops the template
    NUMBER = "number"  #: stops the number
    ACCOUNT = "account"  #: stops every number of the account
    CREDENTIALS = "credentials"  #: stops everything on this token
    DOUBT = "doubt"  #: does not prove that the message was refused


class Outcome(str, Enum):
    """What is proven about one try."""

    ACCEPTED = "accepted"
    HELD = "held"  #: accepted, but paced by the provider
    REFUSED = "refused"  #: proven not accepted; ``error`` says why
    NOT_SENT = "not_sent"  #: nothing was written to the wire
    UNKNOWN = "unknown"  #: may have been accepted


class Capability(str, Enum):
    """What a provider can do; what is not declared is refused, never dropped."""

    TEMPLATES = "templates"
    MEDIA = "media"
    SERVICE_WINDOW = "service_window"  #: free-form only within 24 h of a reply
    TOKEN_ECHO = "token_echo"  #: statuses carry our token
    QUOTES = "quotes"  #: a message may quote another of its conversation
    READ_RECEIPTS = "read_receipts"  #: a person may see that we read


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything secret or addressed that one account needs; ``repr`` hides secrets."""

    api_url: str
    app_id: str = ""
    business_account_id: str = ""
    access_token: str = field(default="", repr=False)
    app_secret: str = field(default="", repr=False)
    verify_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Headers, body and the query of ``url`` may hold a token or a phone, so ``repr``
    hides them.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    answer_limit: int = ANSWER_LIMIT  #: longest answer that is read, in bytes

    def __repr__(self) -> str:
        return f"Request({self.method} {self.url.partition('?')[0]})"


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that was read to its end. Header names are lower case."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class TransportError(Exception):
    """No complete answer. ``written`` is False only if surely no byte went out."""

    def __init__(self, reason: str, *, written: bool):
        super().__init__(reason)
        self.reason = reason
        self.written = written


class AnswerTooLong(TransportError):
    """The answer is longer than the request's ``answer_limit``."""

    def __init__(self):
        super().__init__("the answer is too long", written=True)


class Unsupported(ValueError):
    """The provider cannot send this message; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Error:
    """A provider's error, redacted: no phone, no token in ``message``."""

    code: str
    message: str
    error_class: ErrorClass


class ProviderError(Exception):
    """A management call (connect, sync, upload, register) was refused."""

    def __init__(self, error: Error):
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True, slots=True)
class Button:
    """A button parameter. ``index`` counts from 0 over all buttons of the template."""

    index: int
    sub_type: str  #: ``url`` | ``quick_reply`` | ``copy_code``
    value: str  #: URL suffix, payload or coupon code


@dataclass(frozen=True, slots=True)
class Media:
    """A file, by the provider's media id (preferred) or by public link."""

    kind: str  #: ``image`` | ``video`` | ``document`` | ``audio``
    media_id: str = ""
    link: str = ""
    caption: str = ""
    filename: str = ""


@dataclass(frozen=True, slots=True)
class TextLimits:
    """The longest texts that a provider takes, in characters."""

    text: int  #: of a message without a template
    caption: int
    header: int  #: of a template, its values filled in
    body: int  #: likewise
    url: int  #: value of a button of this kind, as the next two
    quick_reply: int
    copy_code: int


@dataclass(frozen=True, slots=True)
class Template:
    """A template with its values filled in.

    ``header`` and ``body`` are (name, value) pairs in the template's order; the name
    is "" for positional templates.
    """

    name: str
    language: str
    header: tuple[tuple[str, str], ...] = ()
    header_media: Media | None = None
    body: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to one person; exactly one of ``template``, ``text``, ``media``.

    ``phone`` is E.164 with ``+``; ``user_ref`` is the provider's user id and counts
    only if there is no phone. ``token`` is ours (64 characters at most) and comes back
    in every status where the provider can echo. ``context_id`` is the provider's id of
    the message that it quotes.
    """

    number_id: str
    phone: str
    token: str
    user_ref: str = ""
    template: Template | None = None
    text: str = ""
    media: Media | None = None
    context_id: str = ""


@dataclass(frozen=True, slots=True)
class SendResult:
    """What one try proved."""

    outcome: Outcome
    message_id: str = ""
    user_ref: str = ""
    error: Error | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something a webhook told. Any field may be empty: be ready for it."""

    business_account_id: str = ""
    number_id: str = ""
    at: datetime | None = None  #: the provider's clock, naive UTC


@dataclass(frozen=True, slots=True)
class StatusEvent(Event):
    """``status``: accepted | held | sent | failed | delivered | read."""

    message_id: str = ""
    token: str = ""
    status: str = ""
    phone: str = ""
    user_ref: str = ""
    parent_ref: str = ""
    error: Error | None = None
    price_category: str = ""
    price_type: str = ""  #: regular | free_customer_service | free_entry_point | ""
    billable: bool | None = None


@dataclass(frozen=True, slots=True)
class InboundMedia:
    """A file that a person sent, to be fetched by its id; ids live some days only."""

    media_id: str
    mimetype: str = ""
    sha256: str = ""  #: hex, "" if not told
    filename: str = ""


@dataclass(frozen=True, slots=True)
class InboundEvent(Event):
    """What a person did in the conversation, or the business on its own phone.

    ``message_type``: text | image | video | audio | document | sticker | location |
    contacts | button | interactive | order | reaction | edit | revoke | system |
    unsupported | other. ``payload`` is what a button carries, ``text`` what the person
    sees of it, or reads as a note (a location's name and place, an order's items).
    """

    message_id: str = ""
    phone: str = ""
    user_ref: str = ""
    parent_ref: str = ""  #: user id that a group of portfolios shares
    profile_name: str = ""
    message_type: str = ""
    text: str = ""
    payload: str = ""
    context_id: str = ""  #: id of the message that it answers, edits, takes back
    media: InboundMedia | None = None
    details: Mapping[str, object] | None = None  #: JSON of what has no field here
    opens_window: bool = True  #: whether free-form messages may answer it for 24 hours
    is_echo: bool = False  #: sent by the business from its phone; ``phone`` is to whom
    error: Error | None = None  #: why the provider could not hand over its content


@dataclass(frozen=True, slots=True)
class IdentityEvent(Event):
    """A person has another phone or user id now. "" = not told, or as before."""

    phone: str = ""
    user_ref: str = ""
    parent_ref: str = ""
    new_phone: str = ""
    new_user_ref: str = ""
    new_parent_ref: str = ""


@dataclass(frozen=True, slots=True)
class PreferenceEvent(Event):
    """A person stopped or resumed marketing inside WhatsApp."""

    phone: str = ""
    user_ref: str = ""
    parent_ref: str = ""
    opted_out: bool = False


@dataclass(frozen=True, slots=True)
class TemplateEvent(Event):
    """A template changed. Empty fields did not change."""

    external_id: str = ""
    name: str = ""
    language: str = ""
    state: str = ""
    category: str = ""
    quality: str = ""
    reason: str = ""
    content_changed: bool = False  #: it has to be read again from the provider


@dataclass(frozen=True, slots=True)
class NumberEvent(Event):
    """A number changed; found by ``number_id``, else by ``phone`` (E.164).

    With neither, it is about every number of the account. Empty fields did not change.
    """

    phone: str = ""
    name: str = ""  #: the name that people see, once approved
    messages_per_second: int = 0
    daily_limit: int | None = None  #: unique people in 24 h; 0 = unlimited
    quality: str = ""  #: red | unknown
    reason: str = ""  #: what happened, in the provider's words
    error: Error | None = None  #: an error of the number itself, not of one message


@dataclass(frozen=True, slots=True)
class AccountEvent(Event):
    """The account was restricted, banned, reinstated …"""

    kind: str = ""
    stops_sending: bool = False
    resumes_sending: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UnknownEvent(Event):
    """Understood as an event, but of no kind that we use."""

    kind: str = ""


@dataclass(frozen=True, slots=True)
class RemoteVariable:
    """A placeholder of a template. ``name`` is "1" … for positional templates."""

    component: str  #: ``header`` | ``body`` | ``button``
    name: str
    button_index: int = 0
    sample: str = ""


@dataclass(frozen=True, slots=True)
class RemoteButton:
    """A button as the template defines it."""

    index: int
    kind: str  #: quick_reply | url | phone_number | copy_code | other
    text: str
    url: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class RemoteTemplate:
    """A template as the provider knows it; states are lower case."""

    external_id: str
    name: str
    language: str
    category: str  #: marketing | utility | authentication
    state: str
    quality: str = ""
    parameter_format: str = "positional"  #: positional | named
    header_type: str = "none"  #: none | text | image | video | document | location
    header_text: str = ""
    body: str = ""
    footer: str = ""
    rejected_reason: str = ""
    buttons: tuple[RemoteButton, ...] = ()
    variables: tuple[RemoteVariable, ...] = ()
    unsupported: str = ""  #: why it cannot be sent from here; "" if it can


@dataclass(frozen=True, slots=True)
class RemoteNumber:
    """A sender as the provider knows it; states are lower case."""

    external_id: str
    phone: str  #: E.164
    name: str
    state: str
    quality: str = ""
    messages_per_second: int = 80
    daily_limit: int | None = None  #: None = not told, 0 = unlimited
    registered: bool = True


@dataclass(frozen=True, slots=True)
class FetchedMedia:
    """A file that a person sent, whole and verified."""

    content: bytes = field(repr=False)
    mimetype: str
    sha256: str  #: hex, of ``content``


@dataclass(frozen=True, slots=True)
class Callback:
    """The addresses that webhooks about one number's messages may go to; "" = none."""

    application: str = ""
    account: str = ""  #: overrides the application's
    number: str = ""  #: overrides both

    @property
    def effective(self) -> str:
        """The one that messages and statuses are sent to."""
        return self.number or self.account or self.application


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What the provider says about an access token."""

    valid: bool
    app_id: str = ""
    scopes: frozenset[str] = frozenset()
    missing_scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None  #: naive UTC; None = never


#: Sends one request and returns the answer; raises TransportError.
Call = Callable[[Request], Response]

#: Tells by headers and body of a webhook whether the provider signed it.
Verify = Callable[[Mapping[str, str], bytes], bool]


class Provider(ABC):
    """One provider, bound to one account's credentials."""

    code: str
    capabilities: frozenset[Capability]
    default_api_url: str  #: taken where the credentials name none
    text_limits: TextLimits
    #: What a template's value may not hold: a regular expression that Python's ``re``
    #: and PostgreSQL's ``~`` read alike.
    refused_value: str

    def __init__(self, credentials: Credentials):
        self.credentials = credentials

    # === SENDING (pure) === #

    @abstractmethod
    def prepare_send(self, message: OutgoingMessage) -> Request:
        """Return the request that sends ``message``; raise Unsupported."""

    @abstractmethod
    def parse_send(self, response: Response) -> SendResult:
        """Return what the answer proves; UNKNOWN unless it proves more."""

    @abstractmethod
    def check_media(self, content: bytes, mimetype: str) -> None:
        """Raise Unsupported, with the limit, for a file the provider would refuse."""

    # === WEBHOOK (pure) === #

    @abstractmethod
    def answer_handshake(self, params: Mapping[str, str]) -> str | None:
        """Return the text to answer a GET with, or None to refuse it."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Tell whether the provider signed ``body``; no secret means False."""
        return self.verifier(self.credentials.app_secret)(headers, body)

    @staticmethod
    @abstractmethod
    def verifier(app_secret: str) -> Verify:
        """Return :meth:`verify` for one secret, to be kept: not by the secret itself.

        The secret may be several, one a line: any of them verifies, so that a secret
        can be replaced while webhooks signed with the old one still come.
        """

    @abstractmethod
    def parse_webhook(self, body: bytes) -> list[Event]:
        """Return the events in ``body``; what cannot be read is left out."""

    # === MANAGEMENT (through ``call``; raises ProviderError, TransportError) === #

    @abstractmethod
    def inspect_token(self, call: Call) -> TokenInfo:
        """Return validity, scopes and expiry of the access token."""

    @abstractmethod
    def fetch_account_name(self, call: Call) -> str:
        """Return the account's name; a wrong account id raises ProviderError."""

    @abstractmethod
    def subscribe(self, call: Call) -> bool:
        """Subscribe the app to the account's webhooks and read it back."""

    @abstractmethod
    def list_numbers(self, call: Call) -> Iterator[RemoteNumber]:
        """Yield the account's senders."""

    @abstractmethod
    def register_number(self, call: Call, number_id: str, pin: str) -> None:
        """Register a sender with its two-step PIN."""

    @abstractmethod
    def list_templates(self, call: Call) -> Iterator[RemoteTemplate]:
        """Yield the account's templates, all pages."""

    @abstractmethod
    def fetch_template(self, call: Call, external_id: str) -> RemoteTemplate:
        """Return one template as it is now."""

    @abstractmethod
    def create_template(
        self, call: Call, template: RemoteTemplate, header_handle: str = ""
    ) -> tuple[str, str]:
        """Submit a template for approval; return (external id, state).

        Raise Unsupported for what cannot be sent from here.
        """

    @abstractmethod
    def upload_media(
        self, call: Call, number_id: str, content: bytes, mimetype: str, filename: str
    ) -> str:
        """Upload a file and return its media id; raise Unsupported if too large."""

    @abstractmethod
    def fetch_media(
        self, call: Call, media_id: str, number_id: str, max_bytes: int
    ) -> FetchedMedia:
        """Return a file that a person sent to a number.

        The class of the ProviderError is REQUEST where trying again is no use: the
        file is not there any more, or longer than ``max_bytes``.
        """

    @abstractmethod
    def mark_read(self, call: Call, number_id: str, message_id: str) -> None:
        """Let the person see that this message, and all before it, were read."""

    @abstractmethod
    def fetch_callback(self, call: Call, number_id: str) -> Callback:
        """Return where webhooks about a number's messages are sent to."""
