"""What people say: messages, what they want no more of, and new names of theirs."""

import json
from datetime import datetime

from . import people, queries
from .consents import Wish, keyword_key, record

#: Events that name people; LOCK_PEOPLE is held before any of them is merged.
KINDS = ("InboundEvent", "IdentityEvent", "PreferenceEvent")
#: What a person may send, by the names of Meta; anything else is "other".
#: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components
MESSAGE_TYPES = (
    "text", "image", "video", "audio", "document", "sticker", "location", "contacts",
    "button", "interactive", "order", "reaction", "edit", "revoke", "system",
    "unsupported", "other",
)  # fmt: skip
#: What is no answer to anything, though a person did it.
_NO_REPLY = ("reaction", "edit", "revoke", "system")
#: Types whose text the person wrote or chose; of others it is a note of ours.
_WORDED = ("text", "button", "interactive", "image", "video", "document", "edit")
#: Messages that are the press of a button, of a template or of a free message.
_CLICKS = ("button", "interactive")


def lock(cr, by_kind):
    """Take LOCK_PEOPLE if any event names people: before rows are locked."""
    if any(by_kind[kind] for kind in KINDS):
        cr.execute(queries.LOCK_PEOPLE)


def merge(cr, by_kind):
    """Merge messages, wishes and new names, in the order in which they were said.

    :param dict by_kind: event class name → list of ``Routed``
    """
    items = _with_numbers(cr, [item for kind in KINDS for item in by_kind[kind]])
    items.sort(key=lambda item: item.event.at or datetime.max)
    encounters = [_encounter(item) for item in items]
    met = [pair for pair in zip(items, encounters, strict=True) if pair[1].names]
    people.meet(cr, [encounter for _item, encounter in met])
    said = [pair for pair in met if _kind(pair) == "InboundEvent"]
    wishes = _merge_messages(cr, said) if said else []
    preferences = [pair for pair in met if _kind(pair) == "PreferenceEvent"]
    wishes += _preferences(cr, preferences) if preferences else []
    _record(cr, wishes)


def _with_numbers(cr, items):
    """Give what names no number to the only one of its account; leave out the rest."""
    homeless = {item.account_id for item in items if not item.number_id}
    if homeless:
        cr.execute(queries.ONLY_NUMBERS, {"account_ids": list(homeless)})
        numbers = dict(cr.fetchall())
        items = [
            item
            if item.number_id
            else item._replace(number_id=numbers.get(item.account_id))
            for item in items
        ]
    return [item for item in items if item.number_id]


def _kind(pair):
    return type(pair[0].event).__name__


# === WHO === #


def _encounter(item):
    event = item.event
    if type(event).__name__ == "IdentityEvent":
        return _change_of_names(item)
    speaks = type(event).__name__ == "InboundEvent"
    opens = speaks and event.opens_window and not event.is_echo
    return people.Encounter(
        item.account_id,
        item.number_id,
        phone=event.phone,
        user_ref=event.user_ref,
        parent_ref=event.parent_ref,
        name=event.profile_name if speaks and not event.is_echo else "",
        at=event.at if opens else None,
    )


def _change_of_names(item):
    event = item.event
    return people.Encounter(
        item.account_id,
        item.number_id,
        phone=event.new_phone or event.phone,
        user_ref=event.new_user_ref or event.user_ref,
        parent_ref=event.new_parent_ref or event.parent_ref,
        former_phone=event.phone if event.new_phone else "",
        former_user_ref=event.user_ref if event.new_user_ref else "",
    )


# === MESSAGES === #


def _merge_messages(cr, said):
    """Add messages that are new; return what is wished by them.

    :param said: list of (Routed, Encounter)
    """
    matches = _match(cr, said)
    companies = _companies(cr, {item.number_id for item, _encounter in said})
    for position, (item, _encounter) in enumerate(said):
        match = matches.setdefault(position, {})
        if match.get("company_id") is None:
            match["company_id"] = companies.get(item.number_id)
    cr.execute(queries.ADD_MESSAGES, _message_values(said, matches))
    new = set(cr.fetchall())
    fresh = [
        (item, encounter, matches[position])
        for position, (item, encounter) in enumerate(said)
        if not item.event.is_echo and _identity(item.event) in new
    ]
    _merge_replies(cr, fresh)
    return _find_wishes(cr, fresh)


def _match(cr, said):
    """Return {position: columns of MATCH_MESSAGES}."""
    cr.execute(
        queries.MATCH_MESSAGES,
        {
            "positions": list(range(len(said))),
            "account_ids": [item.account_id for item, _encounter in said],
            "number_ids": [item.number_id for item, _encounter in said],
            "contact_ids": [encounter.contact_id for _item, encounter in said],
            "context_ids": [item.event.context_id or None for item, _e in said],
            "times": [item.event.at for item, _encounter in said],
        },
    )
    return {row.pop("position"): row for row in cr.dictfetchall()}


def _companies(cr, number_ids):
    cr.execute(queries.COMPANIES, {"number_ids": list(number_ids)})
    return dict(cr.fetchall())


def _message_values(said, matches):
    """Return the columns of ADD_MESSAGES."""
    columns = [
        {
            "directions": "out" if item.event.is_echo else "in",
            "account_ids": item.account_id,
            "number_ids": item.number_id,
            "contact_ids": encounter.contact_id,
            "phones": encounter.phone,
            "user_refs": encounter.user_ref,
            "needs_attention": not item.event.is_echo and not _is_history(item.event),
            **_link_columns(matches[position]),
            **_content_columns(item.event),
        }
        for position, (item, encounter) in enumerate(said)
    ]
    return {name: [row[name] for row in columns] for name in columns[0]}


def _link_columns(match):
    names = ("company_id", "recipient_id", "broadcast_id", "lead_id", "partner_id")
    return {f"{name}s": match.get(name) for name in names}


def _content_columns(event):
    media, error = event.media, event.error
    return {
        "profile_names": event.profile_name,
        "message_types": _known_type(event.message_type),
        "bodies": event.text,
        "payloads": event.payload,
        "details": json.dumps(event.details) if event.details else None,
        "context_ids": event.context_id,
        "message_ids": event.message_id,
        "media_ids": media.media_id if media else "",
        "mimetypes": media.mimetype if media else "",
        "sha256s": media.sha256 if media else "",
        "filenames": media.filename if media else "",
        "error_codes": error.code if error else "",
        "error_messages": error.message[:500] if error else "",
        "times": event.at,
    }


def _identity(event):
    return event.message_id or None, _known_type(event.message_type), event.at


def _is_history(event):
    """Tell whether it was said before the number was connected."""
    return "history" in (event.details or {})


def _known_type(message_type):
    return message_type if message_type in MESSAGE_TYPES else "other"


def _merge_replies(cr, fresh):
    replies = [
        (match["recipient_id"], item.event.at, item.event.message_type in _CLICKS)
        for item, _encounter, match in fresh
        if match.get("recipient_id") and item.event.message_type not in _NO_REPLY
    ]
    if replies:
        ids, times, clicks = map(list, zip(*replies, strict=True))
        values = {"ids": ids, "times": times, "clicks": clicks}
        cr.execute(queries.MERGE_REPLIES, values)


# === WISHES === #


def _find_wishes(cr, fresh):
    """Return (Routed, Encounter, values of a Wish) where messages ask for one.

    :param fresh: list of (Routed, Encounter, columns of MATCH_MESSAGES)
    """
    spoken = [entry for entry in fresh if entry[0].event.message_type in _WORDED]
    if not spoken:
        return []
    cr.execute(queries.KEYWORDS)
    keywords = dict(cr.fetchall())
    buttons = _opt_out_buttons(cr, spoken)
    cr.execute(queries.STOP_SCOPES)
    scopes = dict(cr.fetchall())
    return [
        (item, encounter, {"wording": item.event.text, **wish})
        for item, encounter, match in spoken
        for wish in _wishes(item.event, match, keywords, buttons, scopes)
    ]


def _opt_out_buttons(cr, spoken):
    ids = {match.get("template_id") for _item, _encounter, match in spoken}
    cr.execute(queries.OPT_OUT_BUTTONS, {"template_ids": list(ids - {None})})
    return set(cr.fetchall())


def _wishes(event, match, keywords, buttons, scopes):
    """Return what a message wishes: by a button, or by a word and nothing else."""
    company_id = match.get("company_id")
    if event.message_type in _CLICKS and (
        (match.get("template_id"), event.text) in buttons
    ):
        return [_wish("opt_out", "marketing", "button", company_id)]
    action = keywords.get(keyword_key(event.text))
    if action == "stop":
        purpose = "marketing" if scopes.get(company_id) == "marketing" else "all"
        return [_wish("opt_out", purpose, "keyword", company_id)]
    if action == "start":
        kinds = ("resume", "opt_in")
        return [_wish(kind, "marketing", "keyword", company_id) for kind in kinds]
    return []


def _wish(kind, purpose, channel, company_id):
    return {
        "kind": kind,
        "purpose": purpose,
        "channel": channel,
        "company_id": company_id,
    }


def _preferences(cr, pairs):
    """Return what people chose in WhatsApp itself, as :func:`_find_wishes`."""
    companies = _companies(cr, {item.number_id for item, _encounter in pairs})
    return [
        (
            item,
            encounter,
            _wish(
                "opt_out" if item.event.opted_out else "resume",
                "marketing",
                "preference",
                companies.get(item.number_id),
            ),
        )
        for item, encounter in pairs
    ]


def _record(cr, wishes):
    """Record wishes for every name of the person, the oldest first."""
    if not wishes:
        return
    cr.execute(queries.MOMENT)
    now = cr.fetchone()[0]
    names = _all_names(cr, wishes)
    for item, encounter, values in wishes:
        known = (names.get((item.account_id, name), {name}) for name in encounter.names)
        addresses = dict.fromkeys([*encounter.names, *sorted(set().union(*known))])
        record(
            cr,
            Wish(
                addresses=tuple(addresses),
                at=item.event.at or now,
                evidence=getattr(item.event, "message_id", ""),
                **values,
            ),
        )


def _all_names(cr, wishes):
    """Return {(account id, name): all names of the person}."""
    keys = {
        (item.account_id, name)
        for item, encounter, _values in wishes
        for name in encounter.names
    }
    account_ids, addresses = map(list, zip(*keys, strict=True))
    cr.execute(queries.NAMES, {"account_ids": account_ids, "addresses": addresses})
    found = {}
    for account_id, name, same in cr.fetchall():
        found.setdefault((account_id, name), set()).add(same)
    return found
