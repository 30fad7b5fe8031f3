"""Meta's webhooks: from the body of a POST to events.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components

Any field may be missing or of another type. One body may hold several accounts,
numbers, messages and statuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from . import meta_news
from .base import (
    Error,
    Event,
    NumberEvent,
    PreferenceEvent,
    StatusEvent,
    UnknownEvent,
)
from .meta_errors import from_webhook
from .meta_inbound import parse_echoes, parse_history, parse_messages, parse_user_ids
from .meta_origin import Contacts, Origin, Person
from .tolerant import identifier, load, mapping, mappings, phone

_STATUSES = {
    "accepted": "accepted",
    "held_for_quality_assessment": "held",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}


def parse(body: bytes) -> list[Event]:
    """Return the events in ``body``; ``[]`` if it cannot be read."""
    return [
        event
        for entry in mappings(load(body).get("entry"))
        for change in mappings(entry.get("changes"))
        for event in _parse_change(entry, change)
    ]


def _parse_change(entry: dict, change: dict) -> Iterator[Event]:
    value = mapping(change.get("value"))
    # Some examples of Meta's have the field inside.
    field = identifier(change.get("field")) or identifier(value.get("field"))
    origin = Origin.of(entry, value)
    found = list(_PARSERS.get(field or "messages", _nothing)(origin, value))
    yield from found or [UnknownEvent(**origin._asdict(), kind=field)]


def _nothing(origin: Origin, value: dict) -> Iterator[Event]:
    return iter(())


def _messages(origin: Origin, value: dict) -> Iterator[Event]:
    statuses = mappings(value.get("statuses"))
    messages = mappings(value.get("messages"))
    if statuses:
        contacts = Contacts(value, len(statuses))
        for status in statuses:
            yield _status(origin, status, contacts)
    if messages:
        yield from parse_messages(origin, value, messages)
    if statuses or messages:
        return  # the errors beside them are those of the message
    for error in mappings(value.get("errors")):
        yield NumberEvent(**origin._asdict(), error=from_webhook(error))


def _status(origin: Origin, status: dict, contacts: Contacts) -> Event:
    common = origin.when(status.get("timestamp"))
    name = identifier(status.get("status"))
    message_id = identifier(status.get("id"))
    token = identifier(status.get("biz_opaque_callback_data"))
    if name not in _STATUSES or not (message_id or token):
        return UnknownEvent(**common, kind=f"status.{name}")
    return StatusEvent(
        **common,
        **_recipient(status, contacts).address,
        message_id=message_id,
        token=token,
        status=_STATUSES[name],
        error=_failure(status) if name == "failed" else None,
        **_price(mapping(status.get("pricing"))),
    )


def _recipient(status: dict, contacts: Contacts) -> Person:
    if status.get("recipient_type") == "group":
        return Person()
    person = Person(
        phone(status.get("recipient_id")),
        identifier(status.get("recipient_user_id")),
        identifier(status.get("recipient_parent_user_id")),
    )
    return contacts.complete(person)


def _failure(status: dict) -> Error:
    errors = mappings(status.get("errors"))
    return from_webhook(errors[0] if errors else {"title": "failed without a reason"})


def _price(pricing: dict) -> dict:
    """Meta will drop ``billable``; ``type`` tells the same."""
    kind = identifier(pricing.get("type"))
    billable = pricing.get("billable")
    if kind:
        billable = not kind.startswith("free_")
    return {
        "price_category": identifier(pricing.get("category")).lower(),
        "price_type": kind.lower(),
        "billable": billable if isinstance(billable, bool) else None,
    }


def _preferences(origin: Origin, value: dict) -> Iterator[Event]:
    items = mappings(value.get("user_preferences"))
    contacts = Contacts(value, len(items))
    for item in items:
        yield _preference(origin, item, contacts.complete(Person.named(item)))


def _preference(origin: Origin, preference: dict, person: Person) -> Event:
    common = origin.when(preference.get("timestamp"))
    wish = identifier(preference.get("value"))
    about_marketing = preference.get("category") in (None, "marketing_messages")
    wanted = about_marketing and wish in ("stop", "resume", "signup")
    if not wanted or not person.keys:
        return UnknownEvent(**common, kind=f"preference.{wish}")
    return PreferenceEvent(**common, **person.address, opted_out=wish == "stop")


_PARSERS: dict[str, Callable[[Origin, dict], Iterator[Event]]] = {
    "messages": _messages,
    "smb_message_echoes": parse_echoes,
    "history": parse_history,
    "user_id_update": parse_user_ids,
    "user_preferences": _preferences,
    "message_template_status_update": meta_news.parse_template,
    "message_template_quality_update": meta_news.parse_template,
    "message_template_components_update": meta_news.parse_template,
    "template_category_update": meta_news.parse_template,
    "phone_number_quality_update": meta_news.parse_number,
    "phone_number_name_update": meta_news.parse_name,
    "security": meta_news.parse_security,
    "account_settings_update": meta_news.parse_settings,
    "business_capability_update": meta_news.parse_capability,
    "account_update": meta_news.parse_account,
    "account_alerts": meta_news.parse_alert,
    "account_review_update": meta_news.parse_review,
    "payment_configuration_update": meta_news.parse_payment,
}
