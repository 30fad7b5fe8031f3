"""Meta's webhooks: from the body of a POST to events.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components

Any field may be missing or of another type. One body may hold several accounts,
numbers, messages and statuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from .base import (
    AccountEvent,
    Error,
    Event,
    InboundEvent,
    NumberEvent,
    PreferenceEvent,
    StatusEvent,
    TemplateEvent,
    UnknownEvent,
)
from .meta_errors import from_webhook
from .tolerant import (
    identifier,
    integer,
    load,
    mapping,
    mappings,
    moment,
    phone,
    text,
)

#: Messages a second after an upgrade; Meta names the levels, not the figures.
#: https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput
UPGRADED_THROUGHPUT = 1000

_STATUSES = {
    "accepted": "accepted",
    "held_for_quality_assessment": "held",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",
    "failed": "failed",
}

#: Messages that no person wrote, or that take one back: no service window opens.
_NO_MESSAGE = ("system", "revoke")

#: Events of a template that are no states. FLAGGED and LOCKED leave its state alone.
_TEMPLATE_STATES = {
    "flagged": "",
    "locked": "",
    "reinstated": "approved",
    "unarchived": "approved",
}

_STOPPING_EVENTS = ("account_deleted", "account_offboarded")
_TIER = re.compile(r"TIER_(\d{1,6})(K?)")


_Contacts = dict[str, dict]


class _Origin(NamedTuple):
    """Where one change comes from: the fields that every event has."""

    business_account_id: str
    number_id: str
    at: datetime | None

    def when(self, value: object) -> dict:
        """Return the common fields, with an item's own time if it has one."""
        return self._asdict() | {"at": moment(value) or self.at}


def parse(body: bytes) -> list[Event]:
    """Return the events in ``body``; ``[]`` if it cannot be read."""
    return [
        event
        for entry in mappings(load(body).get("entry"))
        for change in mappings(entry.get("changes"))
        for event in _parse_change(entry, change)
    ]


def _parse_change(entry: dict, change: dict) -> Iterator[Event]:
    field = identifier(change.get("field"))
    value = mapping(change.get("value"))
    number = mapping(value.get("metadata")).get("phone_number_id")
    origin = _Origin(
        identifier(entry.get("id")), identifier(number), moment(entry.get("time"))
    )
    found = list(_PARSERS.get(field or "messages", _nothing)(origin, value))
    yield from found or [UnknownEvent(**origin._asdict(), kind=field)]


def _nothing(origin: _Origin, value: dict) -> Iterator[Event]:
    return iter(())


# === MESSAGES === #


def _messages(origin: _Origin, value: dict) -> Iterator[Event]:
    contacts = _index_contacts(value)
    statuses = mappings(value.get("statuses"))
    messages = mappings(value.get("messages"))
    for status in statuses:
        yield _status(origin, status, contacts)
    for message in messages:
        yield _inbound(origin, message, contacts)
    if statuses or messages:
        return  # the errors beside them are those of the message
    for error in mappings(value.get("errors")):
        yield NumberEvent(**origin._asdict(), error=from_webhook(error))


def _status(origin: _Origin, status: dict, contacts: _Contacts) -> Event:
    common = origin.when(status.get("timestamp"))
    name = identifier(status.get("status"))
    message_id = identifier(status.get("id"))
    token = identifier(status.get("biz_opaque_callback_data"))
    if name not in _STATUSES or not (message_id or token):
        return UnknownEvent(**common, kind=f"status.{name}")
    to_group = status.get("recipient_type") == "group"
    address = "" if to_group else phone(status.get("recipient_id"))
    user_ref = identifier(status.get("recipient_user_id"))
    contact = {} if to_group else _find_contact(contacts, address, user_ref)
    return StatusEvent(
        **common,
        message_id=message_id,
        token=token,
        status=_STATUSES[name],
        phone=address,
        user_ref=user_ref or identifier(contact.get("user_id")),
        error=_failure(status) if name == "failed" else None,
        **_price(mapping(status.get("pricing"))),
    )


def _failure(status: dict) -> Error:
    errors = mappings(status.get("errors"))
    return from_webhook(errors[0] if errors else {"title": "failed without a reason"})


def _price(pricing: dict) -> dict:
    """Meta will drop ``billable``; ``type`` tells the same."""
    kind = text(pricing.get("type"))
    billable = pricing.get("billable")
    if kind:
        billable = not kind.startswith("free_")
    return {
        "price_category": text(pricing.get("category")).lower(),
        "billable": billable if isinstance(billable, bool) else None,
    }


def _inbound(origin: _Origin, message: dict, contacts: _Contacts) -> Event:
    common = origin.when(message.get("timestamp"))
    kind = identifier(message.get("type"))
    if kind in _NO_MESSAGE or message.get("group_id"):
        return UnknownEvent(**common, kind=f"message.{kind}")
    address = phone(message.get("from"))
    user_ref = identifier(message.get("from_user_id"))
    contact = _find_contact(contacts, address, user_ref)
    address = address or phone(contact.get("wa_id"))
    user_ref = user_ref or identifier(contact.get("user_id"))
    if not (address or user_ref):
        return UnknownEvent(**common, kind=f"message.{kind}")
    content = mapping(message.get(kind))
    if kind == "edit":
        content = _edited(content)
    return InboundEvent(
        **common,
        message_id=identifier(message.get("id")),
        phone=address,
        user_ref=user_ref,
        profile_name=text(mapping(contact.get("profile")).get("name")),
        message_type=kind,
        text=_inbound_text(content),
        payload=_payload(content),
        context_id=_context(message, content),
    )


def _edited(edit: dict) -> dict:
    message = mapping(edit.get("message"))
    return mapping(message.get(text(message.get("type"))))


def _reply(content: dict) -> dict:
    return mapping(content.get("button_reply")) or mapping(content.get("list_reply"))


def _inbound_text(content: dict) -> str:
    candidates = (
        content.get("body"),  # text
        content.get("text"),  # button, order
        content.get("caption"),  # image, video, document
        _reply(content).get("title"),  # interactive
        mapping(content.get("nfm_reply")).get("body"),
        content.get("emoji"),  # reaction
        content.get("name"),  # location
    )
    return next(filter(None, map(text, candidates)), "")


def _payload(content: dict) -> str:
    return text(content.get("payload")) or text(_reply(content).get("id"))


def _context(message: dict, content: dict) -> str:
    context = mapping(message.get("context"))
    return identifier(context.get("id")) or identifier(content.get("message_id"))


def _index_contacts(value: dict) -> _Contacts:
    """Return contacts by phone and by user id; by "" if there is only one.

    Their order need not match that of the messages, and there may be a thousand.
    """
    contacts = mappings(value.get("contacts"))
    found = {phone(contact.get("wa_id")): contact for contact in contacts}
    found |= {identifier(contact.get("user_id")): contact for contact in contacts}
    found[""] = contacts[0] if len(contacts) == 1 else {}
    return found


def _find_contact(contacts: _Contacts, address: str, user_ref: str) -> dict:
    keys = [key for key in (address, user_ref) if key] or [""]
    return next((contacts[key] for key in keys if key in contacts), {})


def _preferences(origin: _Origin, value: dict) -> Iterator[Event]:
    contacts = _index_contacts(value)
    for preference in mappings(value.get("user_preferences")):
        yield _preference(origin, preference, contacts)


def _preference(origin: _Origin, preference: dict, contacts: _Contacts) -> Event:
    common = origin.when(preference.get("timestamp"))
    wish = identifier(preference.get("value"))
    address = phone(preference.get("wa_id"))
    user_ref = identifier(preference.get("user_id"))
    contact = _find_contact(contacts, address, user_ref)
    address = address or phone(contact.get("wa_id"))
    user_ref = user_ref or identifier(contact.get("user_id"))
    about_marketing = preference.get("category") in (None, "marketing_messages")
    wanted = about_marketing and wish in ("stop", "resume", "signup")
    if not wanted or not (address or user_ref):
        return UnknownEvent(**common, kind=f"preference.{wish}")
    return PreferenceEvent(
        **common, phone=address, user_ref=user_ref, opted_out=wish == "stop"
    )


# === TEMPLATES === #


def _template(origin: _Origin, value: dict) -> Iterator[Event]:
    """All template fields: Meta's own examples mix up their names."""
    happened = identifier(value.get("event")).lower()
    category = value.get("new_category") or value.get("message_template_category")
    event = TemplateEvent(
        **origin._asdict(),
        external_id=identifier(value.get("message_template_id")),
        name=identifier(value.get("message_template_name")),
        language=language(value.get("message_template_language")),
        state=_TEMPLATE_STATES.get(happened, happened),
        category=text(category).lower(),
        quality=text(value.get("new_quality_score")).lower(),
        reason=_template_reason(happened, value),
    )
    if event.external_id or event.name:
        yield event


def language(value: object) -> str:
    """Return ``en_US`` for ``en-US``, as webhooks write it."""
    return identifier(value).replace("-", "_")


def _template_reason(happened: str, value: dict) -> str:
    reason = text(value.get("reason"))
    parts = [
        happened if happened in ("flagged", "locked") else "",
        "" if reason == "NONE" else reason,
        text(mapping(value.get("rejection_info")).get("reason")),
        text(mapping(value.get("other_info")).get("description")),
        text(mapping(value.get("disable_info")).get("disable_date")),
    ]
    announced = text(value.get("correct_category")).lower()
    if announced:  # in this shape ``new_category`` is the present one
        parts.append(f"becomes {announced}")
    return ", ".join(filter(None, parts))


# === NUMBERS AND ACCOUNT === #


def daily_limit(value: object) -> int | None:
    """Return people in 24 hours, 0 = unlimited; None if not told.

    ``TIER_2K``, ``TIER_UNLIMITED``, 2000 and -1 (unlimited) all occur.
    """
    if value == "TIER_UNLIMITED":
        return 0
    found = _TIER.fullmatch(text(value))
    if found:
        return int(found[1]) * (1000 if found[2] else 1)
    count = integer(value)
    if count == -1:
        return 0
    return count if count and 0 < count < 2**31 else None


#: What older webhooks say of a number's quality; "not low any more" is all that the
#: second one means.
_QUALITY_EVENTS = {"FLAGGED": "red", "UNFLAGGED": "unknown"}


def _number(origin: _Origin, value: dict) -> Iterator[Event]:
    keys = (
        "max_daily_conversations_per_business",
        "max_daily_conversation_per_phone",
        "current_limit",
    )
    limits = [daily_limit(value.get(key)) for key in keys]
    upgraded = value.get("event") == "THROUGHPUT_UPGRADE"
    event = NumberEvent(
        **origin._asdict(),
        phone=phone(value.get("display_phone_number")),
        messages_per_second=UPGRADED_THROUGHPUT if upgraded else 0,
        daily_limit=next((limit for limit in limits if limit is not None), None),
        quality=_QUALITY_EVENTS.get(text(value.get("event")), ""),
    )
    if upgraded or event.quality or event.daily_limit is not None:
        yield event


def _account(origin: _Origin, value: dict) -> Iterator[Event]:
    happened = identifier(value.get("event")).lower()
    ban = identifier(mapping(value.get("ban_info")).get("waba_ban_state")).lower()
    event = AccountEvent(
        **origin._asdict(),
        kind=ban or happened,
        stops_sending=ban == "disable" or _stops_sending(happened, value),
        reason=_account_reason(value),
    )
    # Events about a partner's account come with the partner's id in ``entry``.
    account = identifier(mapping(value.get("waba_info")).get("waba_id"))
    if event.kind:
        yield replace(event, business_account_id=account) if account else event


def _stops_sending(happened: str, value: dict) -> bool:
    if happened != "account_restriction":
        return happened in _STOPPING_EVENTS
    restrictions = mappings(value.get("restriction_info"))
    kinds = [text(item.get("restriction_type")) for item in restrictions]
    return not kinds or any("INITIATED_MESSAGING" in kind for kind in kinds)


def _account_reason(value: dict) -> str:
    parts = [text(mapping(value.get("violation_info")).get("violation_type"))]
    for item in mappings(value.get("restriction_info")):
        parts.append(text(item.get("restriction_type")))
    parts.append(text(mapping(value.get("ban_info")).get("waba_ban_date")))
    parts.append(text(mapping(value.get("disconnection_info")).get("reason")))
    return ", ".join(filter(None, parts))


def _alert(origin: _Origin, value: dict) -> Iterator[Event]:
    alert = mapping(value.get("alert_info")) or value
    kind = identifier(alert.get("alert_type")).lower()
    if kind:
        yield AccountEvent(
            **origin._asdict(), kind=kind, reason=text(alert.get("alert_description"))
        )


_PARSERS: dict[str, Callable[[_Origin, dict], Iterator[Event]]] = {
    "messages": _messages,
    "user_preferences": _preferences,
    "message_template_status_update": _template,
    "message_template_quality_update": _template,
    "template_category_update": _template,
    "phone_number_quality_update": _number,
    "business_capability_update": _number,
    "account_update": _account,
    "account_alerts": _alert,
}
