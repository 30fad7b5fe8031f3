"""What Meta's webhooks tell of templates, numbers and accounts.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from .base import AccountEvent, Event, NumberEvent, TemplateEvent
from .meta_origin import Origin
from .tolerant import (
    display_phone,
    identifier,
    integer,
    mapping,
    mappings,
    moment,
    text,
)

#: Messages a second after an upgrade; Meta names the levels, not the figures.
#: https://developers.facebook.com/docs/whatsapp/cloud-api/overview#throughput
UPGRADED_THROUGHPUT = 1000

#: Events of a template that are no states. FLAGGED and LOCKED leave its state alone.
_TEMPLATE_STATES = {
    "flagged": "",
    "locked": "",
    "reinstated": "approved",
    "unarchived": "approved",
}

_STOPPING_EVENTS = ("account_deleted", "account_offboarded")
_RESUMING_EVENTS = ("account_reconnected",)
_TIER = re.compile(r"TIER_(\d{1,6})(K?)")


# === TEMPLATES === #


def parse_template(origin: Origin, value: dict) -> Iterator[Event]:
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
        content_changed="message_template_element" in value,
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
    return _joined(*parts)


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


def parse_number(origin: Origin, value: dict) -> Iterator[Event]:
    """News of one number, about its pace and quality."""
    happened = text(value.get("event"))
    upgraded = happened == "THROUGHPUT_UPGRADE"
    event = NumberEvent(
        **_of_number(origin, value),
        messages_per_second=UPGRADED_THROUGHPUT if upgraded else 0,
        daily_limit=_told_limit(value),
        quality=_QUALITY_EVENTS.get(happened, ""),
        reason=happened.lower(),
    )
    yield from _if_found(event)


def parse_capability(origin: Origin, value: dict) -> Iterator[Event]:
    """The limit that all numbers of a portfolio share."""
    limit = _told_limit(value)
    if limit is not None:
        yield NumberEvent(**_of_number(origin, value), daily_limit=limit)


def parse_name(origin: Origin, value: dict) -> Iterator[Event]:
    """The name of a number was reviewed."""
    decision = identifier(value.get("decision")).lower()
    name = text(value.get("requested_verified_name"))
    event = NumberEvent(
        **_of_number(origin, value),
        name=name if decision == "approved" else "",
        reason=_joined(decision, text(value.get("rejection_reason"))),
    )
    yield from _if_found(event)


def parse_security(origin: Origin, value: dict) -> Iterator[Event]:
    """The two-step PIN of a number changed, or somebody wants to reset it."""
    happened = identifier(value.get("event")).lower()
    yield from _if_found(NumberEvent(**_of_number(origin, value), reason=happened))


def _of_number(origin: Origin, value: dict) -> dict:
    return origin._asdict() | {
        "phone": display_phone(value.get("display_phone_number"))
    }


def _told_limit(value: dict) -> int | None:
    keys = (
        "max_daily_conversations_per_business",
        "max_daily_conversation_per_phone",
        "current_limit",
    )
    limits = [daily_limit(value.get(key)) for key in keys]
    return next((limit for limit in limits if limit is not None), None)


def _if_found(event: NumberEvent) -> Iterator[Event]:
    """News of one number that is not named must not be taken for that of all."""
    if event.reason and (event.phone or event.number_id):
        yield event


def parse_account(origin: Origin, value: dict) -> Iterator[Event]:
    """Everything under ``account_update``."""
    happened = identifier(value.get("event")).lower()
    ban = identifier(mapping(value.get("ban_info")).get("waba_ban_state")).lower()
    event = AccountEvent(
        **origin._asdict(),
        kind=ban or happened,
        stops_sending=ban == "disable" or _stops_sending(happened, value),
        resumes_sending=ban == "reinstate" or happened in _RESUMING_EVENTS,
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
    parts += map(_restriction, mappings(value.get("restriction_info")))
    parts.append(text(mapping(value.get("ban_info")).get("waba_ban_date")))
    parts.append(text(mapping(value.get("disconnection_info")).get("reason")))
    return _joined(*parts)


def _restriction(item: dict) -> str:
    kind, until = text(item.get("restriction_type")), item.get("expiration")
    ends = moment(until)
    date = f"{ends:%Y-%m-%d}" if ends else text(until)
    return f"{kind} until {date}" if date else kind


def parse_alert(origin: Origin, value: dict) -> Iterator[Event]:
    """``account_alerts``, in both of their shapes."""
    alert = mapping(value.get("alert_info")) or value
    kind = identifier(alert.get("alert_type")).lower()
    if kind:
        yield AccountEvent(
            **origin._asdict(), kind=kind, reason=text(alert.get("alert_description"))
        )


def parse_review(origin: Origin, value: dict) -> Iterator[Event]:
    """Meta reviewed the account; if it may not send, sending is refused."""
    decision = identifier(value.get("decision")).lower()
    if decision:
        yield AccountEvent(**origin._asdict(), kind=f"review_{decision}")


def parse_payment(origin: Origin, value: dict) -> Iterator[Event]:
    """A means of payment for orders within WhatsApp changed."""
    status = identifier(value.get("status")).lower()
    if status:
        name = text(value.get("configuration_name"))
        yield AccountEvent(
            **origin._asdict(),
            kind="payment_configuration",
            reason=_joined(name, status),
        )


def parse_settings(origin: Origin, value: dict) -> Iterator[Event]:
    """Somebody changed settings of a number, such as its calling hours."""
    settings = mapping(value.get("phone_number_settings"))
    number_id = identifier(settings.get("phone_number_id"))
    if number_id:
        common = origin.when(value.get("timestamp")) | {"number_id": number_id}
        yield NumberEvent(**common, reason="settings_changed")


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
