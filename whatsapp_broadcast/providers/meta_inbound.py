"""Messages in Meta's webhooks: those of people, and of the business on its own phone.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages

``details`` of an event have Meta's own names: ``location``, ``contacts``, ``order``,
``interactive``, ``system``, ``unsupported``, what a file is beside its content
(``audio.voice``, ``sticker.animated``), ``referral`` (the ad that led here),
``context`` (forwarded, product), ``history`` (an old message, told when a number is
connected), and under its own name whatever is of a type that we do not know.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal

from .base import Error, Event, IdentityEvent, InboundEvent, InboundMedia, UnknownEvent
from .meta_errors import from_webhook
from .meta_origin import Contacts, Origin, Person
from .tolerant import (
    decimal,
    display_phone,
    identifier,
    json_value,
    load,
    mapping,
    mappings,
    phone,
    sha256,
    text,
)

_MEDIA = ("image", "video", "audio", "document", "sticker")
_TYPES = (
    "text",
    *_MEDIA,
    "location",
    "contacts",
    "button",
    "interactive",
    "order",
    "reaction",
    "edit",
    "revoke",
    "system",
    "unsupported",
)
#: What a person did without writing; an edit opens no more than what it edits did.
_SILENT = ("system", "revoke", "edit", "request_welcome")
_USER_REF = re.compile(r"\b[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\b")


def parse_messages(origin: Origin, value: dict, items: list[dict]) -> Iterator[Event]:
    """Messages of people; most webhooks hold none."""
    contacts = Contacts(value, len(items))
    beside = mappings(value.get("errors")) if len(items) == 1 else []
    for item in items:
        if _kind(item) == "system":  # ``contacts`` never tells whose it is
            yield from _system(origin, item)
        else:
            person = contacts.complete(Person.of(item, "from"))
            yield _message(origin, item, person, errors=beside)


def parse_echoes(origin: Origin, value: dict) -> Iterator[Event]:
    """Messages that the business wrote in the WhatsApp Business app."""
    items = mappings(value.get("message_echoes"))
    contacts = Contacts(value, len(items))
    own = _own_phone(value)
    for item in items:
        to_itself = own and phone(item.get("to")) == own
        person = Person.of(item, "from" if to_itself else "to")
        yield _message(origin, item, contacts.complete(person), is_echo=True)


def parse_history(origin: Origin, value: dict) -> Iterator[Event]:
    """Messages from before the number was connected, and then their files."""
    for chunk in mappings(value.get("history")):
        for thread in mappings(chunk.get("threads")):
            person = _of_thread(thread)
            for item in mappings(thread.get("messages")):
                theirs = set(person.keys) & set(Person.of(item, "from").keys)
                yield _message(origin, item, person, is_echo=not theirs, is_old=True)
    own = _own_phone(value)
    for item in mappings(value.get("messages")):
        ours = bool(own) and phone(item.get("from")) == own
        person = Person.of(item, "to" if ours else "from")
        yield _message(origin, item, person, is_echo=ours, is_old=True)


def parse_user_ids(origin: Origin, value: dict) -> Iterator[Event]:
    """A business-scoped user id, which changes with the phone, was replaced."""
    for item in mappings(value.get("user_id_update")) or [value]:
        user, parent = (mapping(item.get(key)) for key in ("user_id", "parent_user_id"))
        event = IdentityEvent(
            **origin.when(item.get("timestamp")),
            phone=phone(item.get("wa_id")),
            user_ref=identifier(user.get("previous")),
            parent_ref=identifier(parent.get("previous")),
            new_user_ref=identifier(user.get("current")),
            new_parent_ref=identifier(parent.get("current")),
        )
        yield from _if_it_tells(event)


def _own_phone(value: dict) -> str:
    return display_phone(mapping(value.get("metadata")).get("display_phone_number"))


def _of_thread(thread: dict) -> Person:
    told = identifier(thread.get("id"))
    return Person(phone(told), told if _USER_REF.fullmatch(told) else "")


# === ONE MESSAGE === #


def _message(
    origin: Origin,
    message: dict,
    person: Person,
    *,
    is_echo: bool = False,
    is_old: bool = False,
    errors: list[dict] | None = None,
) -> Event:
    common = origin.when(message.get("timestamp"))
    kind = _kind(message)
    if message.get("group_id") or not person.keys:
        return UnknownEvent(**common, kind=f"message.{kind}")
    content = message.get(kind)
    shown, shown_content = _shown(kind, content)
    return InboundEvent(
        **common,
        **person.address,
        message_id=identifier(message.get("id")),
        profile_name="" if is_echo else person.name,
        message_type=kind if kind in _TYPES else "other",
        text=_note(shown, shown_content),
        payload=_payload(mapping(content)),
        context_id=_context_id(message, mapping(content)),
        media=_media(shown, mapping(shown_content)),
        details=_details(kind, content, message, is_old),
        opens_window=not (is_echo or is_old or kind in _SILENT),
        is_echo=is_echo,
        error=_error(mappings(message.get("errors")) or errors or []),
    )


def _kind(message: dict) -> str:
    kind = identifier(message.get("type"))
    if not kind:
        kind = next((name for name in _TYPES if name in message), "")
    return "unsupported" if kind == "unknown" else kind


def _shown(kind: str, content: object) -> tuple[str, object]:
    """Return type and content of what a person sees; of an edit, the new one."""
    if kind != "edit":
        return kind, content
    edited = mapping(mapping(content).get("message"))
    return _kind(edited), edited.get(_kind(edited))


def _error(errors: list[dict]) -> Error | None:
    return from_webhook(errors[0]) if errors else None


def _media(kind: str, content: dict) -> InboundMedia | None:
    media_id = identifier(content.get("id"))
    if kind not in _MEDIA or not media_id:
        return None
    return InboundMedia(
        media_id,
        identifier(content.get("mime_type")),
        sha256(content.get("sha256")),
        identifier(content.get("filename")),
    )


def _payload(content: dict) -> str:
    return text(content.get("payload")) or text(_reply(content).get("id"))


def _reply(content: dict) -> dict:
    return mapping(content.get("button_reply")) or mapping(content.get("list_reply"))


def _context_id(message: dict, content: dict) -> str:
    about = content.get("message_id") or content.get("original_message_id")
    return identifier(about) or identifier(mapping(message.get("context")).get("id"))


# === NOTES: WHAT A PERSON READS === #


def _note(kind: str, content: object) -> str:
    if kind in _MEDIA:
        return text(mapping(content).get("caption"))
    if kind == "contacts":
        return _lines(map(_contact_note, mappings(content)))
    return _NOTES[kind](mapping(content)) if kind in _NOTES else ""


def _lines(lines) -> str:
    return text("\n".join(filter(None, lines)))


def _location_note(content: dict) -> str:
    place = (content.get("latitude"), content.get("longitude"))
    coordinates = [
        str(degrees) for degrees in map(decimal, place) if degrees is not None
    ]
    return _lines(
        (
            text(content.get("name")),
            text(content.get("address")),
            ", ".join(coordinates) if len(coordinates) == 2 else "",
        )
    )


def _contact_note(contact: dict) -> str:
    name = text(mapping(contact.get("name")).get("formatted_name"))
    phones = [
        text(item.get("phone")) or phone(item.get("wa_id"))
        for item in mappings(contact.get("phones"))
    ]
    return ": ".join(filter(None, (name, ", ".join(filter(None, phones)))))


def _interactive_note(content: dict) -> str:
    flow = mapping(content.get("nfm_reply"))
    answers = _answers(flow)
    told = [
        f"{key}: {_flat(value)}"
        for key, value in answers.items()
        if key != "flow_token"
    ]
    return _lines(told) or text(_reply(content).get("title")) or text(flow.get("body"))


def _answers(flow: dict) -> dict:
    """Return what was filled in; Meta sends it as JSON within JSON."""
    return mapping(json_value(load(text(flow.get("response_json")).encode())))


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_flat, value))
    return str(value)


def _order_note(content: dict) -> str:
    """One line for each item, and what all of them cost."""
    lines, totals = [text(content.get("text"))], defaultdict(Decimal)
    for item in mappings(content.get("product_items")):
        product, currency = (
            text(item.get("product_retailer_id")),
            text(item.get("currency")),
        )
        quantity, price = decimal(item.get("quantity")), decimal(item.get("item_price"))
        if quantity is None or price is None:
            lines.append(product)
            continue
        lines.append(f"{quantity} × {product}: {price} {currency}")
        totals[currency] += quantity * price
    lines += [f"= {total} {currency}" for currency, total in totals.items()]
    return _lines(lines)


_NOTES: dict[str, Callable[[dict], str]] = {
    "text": lambda content: text(content.get("body")),
    "button": lambda content: text(content.get("text")),
    "reaction": lambda content: text(content.get("emoji")),
    "system": lambda content: text(content.get("body")),
    "interactive": _interactive_note,
    "location": _location_note,
    "order": _order_note,
}


# === DETAILS === #

_DETAILED = ("location", "contacts", "order", "system", "unsupported")
_OF_A_FILE = ("voice", "animated")
_OF_A_CONTEXT = ("forwarded", "frequently_forwarded", "referred_product")


def _details(kind: str, content: object, message: dict, is_old: bool) -> dict | None:
    found = {
        kind: _content_details(kind, content),
        "referral": message.get("referral"),
        "context": _chosen(message.get("context"), _OF_A_CONTEXT),
        "history": _history(message) if is_old else None,
    }
    return mapping(json_value({k: v for k, v in found.items() if v})) or None


def _history(message: dict) -> dict:
    status = mapping(message.get("history_context")).get("status")
    return {"status": identifier(status).lower()}


def _content_details(kind: str, content: object) -> object:
    if kind in _MEDIA:
        return _chosen(content, _OF_A_FILE)
    if kind == "interactive":
        return _interactive_details(mapping(content))
    if kind in _DETAILED:
        return content
    return None if kind in ("", *_TYPES) else content or {"type": kind}


def _chosen(content: object, keys: tuple[str, ...]) -> dict:
    return {key: value for key, value in mapping(content).items() if key in keys}


def _interactive_details(content: dict) -> dict:
    flow = mapping(content.get("nfm_reply"))
    if flow:
        answered = {key: flow[key] for key in flow if key != "response_json"}
        return content | {"nfm_reply": answered | {"response": _answers(flow)}}
    return {} if content.get("button_reply") else content


# === WHO PEOPLE ARE === #


def _system(origin: Origin, message: dict) -> Iterator[Event]:
    """A person has another phone or user id: what follows from it, and the record."""
    system = mapping(message.get("system"))
    new = Person(
        phone(system.get("new_wa_id") or system.get("wa_id")),
        identifier(system.get("user_id")),
        identifier(system.get("parent_user_id")),
    )
    old = _former(message, system, new)
    event = IdentityEvent(
        **origin.when(message.get("timestamp")),
        **old.address,
        new_phone=new.phone if new.phone != old.phone else "",
        new_user_ref=new.user_ref,
        new_parent_ref=new.parent_ref,
    )
    yield from _if_it_tells(event)
    yield _message(origin, message, old if old.keys else new)


def _former(message: dict, system: dict, new: Person) -> Person:
    """Return who the person was; the former user id may be told in the text only."""
    sender = Person.of(message, "from")
    user_refs = (
        identifier(system.get("previous_user_id")),
        sender.user_ref,
        *reversed(_USER_REF.findall(text(system.get("body")))),  # after the name
    )
    return Person(
        sender.phone or phone(system.get("customer")),
        next((one for one in user_refs if one and one != new.user_ref), ""),
        sender.parent_ref if sender.parent_ref != new.parent_ref else "",
    )


def _if_it_tells(event: IdentityEvent) -> Iterator[Event]:
    known = event.phone or event.user_ref or event.parent_ref
    if known and (event.new_phone or event.new_user_ref or event.new_parent_ref):
        yield event
