"""The providers' one door: the types that cross the border, and :func:`get`."""

from .base import (
    AccountEvent,
    AnswerTooLong,
    Button,
    Call,
    Callback,
    Capability,
    Credentials,
    Error,
    ErrorClass,
    Event,
    FetchedMedia,
    IdentityEvent,
    InboundEvent,
    InboundMedia,
    Media,
    NumberEvent,
    Outcome,
    OutgoingMessage,
    PreferenceEvent,
    Provider,
    ProviderError,
    RemoteButton,
    RemoteNumber,
    RemoteTemplate,
    RemoteVariable,
    Request,
    Response,
    SendResult,
    StatusEvent,
    Template,
    TemplateEvent,
    TextLimits,
    TokenInfo,
    TransportError,
    UnknownEvent,
    Unsupported,
)
from .meta import Meta
from .transport import Transport

#: Every provider by its code, which is also the value stored on an account.
PROVIDERS: dict[str, type[Provider]] = {provider.code: provider for provider in (Meta,)}


def get(code: str) -> type[Provider]:
    """Return the provider class named ``code``; raise ValueError if there is none."""
    try:
        return PROVIDERS[code]
    except KeyError:
        known = ", ".join(sorted(PROVIDERS))
        raise ValueError(f"No provider {code!r}; choose one of: {known}") from None


__all__ = [
    "PROVIDERS",
    "AccountEvent",
    "AnswerTooLong",
    "Button",
    "Call",
    "Callback",
    "Capability",
    "Credentials",
    "Error",
    "ErrorClass",
    "Event",
    "FetchedMedia",
    "IdentityEvent",
    "InboundEvent",
    "InboundMedia",
    "Media",
    "Meta",
    "NumberEvent",
    "Outcome",
    "OutgoingMessage",
    "PreferenceEvent",
    "Provider",
    "ProviderError",
    "RemoteButton",
    "RemoteNumber",
    "RemoteTemplate",
    "RemoteVariable",
    "Request",
    "Response",
    "SendResult",
    "StatusEvent",
    "Template",
    "TemplateEvent",
    "TextLimits",
    "TokenInfo",
    "Transport",
    "TransportError",
    "UnknownEvent",
    "Unsupported",
    "get",
]
