"""What the provider says of templates, numbers and accounts, and whom it concerns."""

from . import queries
from .results import STOPPING, act

#: What templates may be; other words of the provider are kept out of the columns.
TEMPLATE_STATES = (
    "draft", "pending", "approved", "rejected", "paused", "disabled", "in_appeal",
    "archived", "limit_exceeded", "pending_deletion", "deleted",
)  # fmt: skip
TEMPLATE_CATEGORIES = ("marketing", "utility", "authentication")
QUALITIES = ("green", "yellow", "red")

#: New values, by kind of notice, that do not wait until somebody looks.
SERIOUS = {
    "template_state": {
        "rejected", "paused", "disabled", "archived", "limit_exceeded",
        "pending_deletion", "deleted",
    },
    "template_category": set(TEMPLATE_CATEGORIES),
    "template_quality": {"red"},
    "template_content": {"incompatible"},
    "number_quality": {"red"},
    "number_state": {
        "disconnected", "flagged", "restricted", "rate_limited", "banned", "migrated",
        "deleted", "error",
    },
    "account_state": {"account", "credentials"},
}  # fmt: skip
#: Events of an account that ask for something to be done while it still sends.
SERIOUS_EVENTS = (
    "account_violation", "account_restriction", "schedule_for_disable",
    "review_rejected",
)  # fmt: skip


def merge(cr, by_kind):
    """Merge them one by one: they come seldom.

    :param dict by_kind: event class name → list of ``Routed``
    """
    for kind, handle in _HANDLERS.items():
        for item in by_kind[kind]:
            handle(cr, item.event, item.account_id)


def notice(cr, subject, kind, values, reason="", at=None, serious=None):
    """Have people told of something; of the same thing they are told once.

    :param dict subject: ``account_id``, perhaps ``number_id`` or ``template_id``
    :param values: (value before, value); with a value before, earlier notices of the
        same subject and kind are over
    :param str reason: the provider's words
    :param at: naive UTC; None = now
    :param serious: None = by the values
    """
    before, after = values
    if serious is None:
        fell = kind == "number_daily_limit" and _is_lower(before, after)
        serious = fell or after in SERIOUS.get(kind, ())
    cr.execute(
        queries.ADD_NOTICE,
        {
            **{"number_id": None, "template_id": None},
            **subject,
            "kind": kind,
            "previous_value": None if before is None else str(before),
            "value": None if after is None else str(after),
            "reason": reason,
            "at": at,
            "is_serious": serious,
        },
    )


def notice_changes(cr, subject, changes, reason="", at=None):
    """As :func:`notice`, of each value that is another now.

    :param dict changes: kind → (value before, value)
    :return: the kinds of what changed
    """
    changed = [kind for kind, (before, after) in changes.items() if before != after]
    for kind in changed:
        notice(cr, subject, kind, changes[kind], reason, at)
    return changed


def _is_lower(before, after):
    """Tell whether a limit fell; 0 is none, or not known yet."""
    return bool(before and after and int(after) < int(before))


def _merge_template(cr, event, account):
    state = _known(event.state, TEMPLATE_STATES, "unknown")
    values = {
        "account_id": account,
        "at": event.at,
        "external_id": event.external_id,
        "name": event.name,
        "language": event.language,
        "content_changed": event.content_changed,
        "state": state,
        "category": _known(event.category, TEMPLATE_CATEGORIES, None),
        "quality": _known(event.quality, QUALITIES, "unknown"),
        # of the present state: once approved there is nothing to be seen of it
        "rejected_reason": state and ("" if state == "approved" else event.reason),
    }
    cr.execute(queries.MERGE_TEMPLATE, values)
    for template, found in cr.fetchall():
        subject = {"account_id": account, "template_id": template}
        changes = {
            f"template_{name}": found[name] for name in ("state", "category", "quality")
        }
        if notice_changes(cr, subject, changes, event.reason, event.at):
            values = {"template_id": template}
            cr.execute(queries.PAUSE_UNSENDABLE_BY_TEMPLATE, values)
        if event.reason and not event.state:  # such as a category to come
            values = (None, None)
            notice(cr, subject, "template_note", values, event.reason, event.at, True)


def _known(value, values, otherwise):
    """Return a value that our columns know; None says that nothing was said."""
    if not value:
        return None
    return value if value in values else otherwise


def _merge_number(cr, event, account):
    values = {
        "account_id": account,
        "at": event.at,
        "external_id": event.number_id,
        "phone": event.phone,
        "messages_per_second": event.messages_per_second or None,
        "daily_limit": event.daily_limit,
        "quality": event.quality or None,
        "name": event.name or None,
    }
    cr.execute(queries.MERGE_NUMBER, values)
    found = cr.fetchall()
    about_one = event.number_id or event.phone
    if not about_one:  # one word on the account, whichever of them shows what changed
        found.sort(
            key=lambda row: sum(before == after for before, after in row[1].values())
        )
    for number, changed in found if about_one else found[:1]:
        subject = {"account_id": account, "number_id": number if about_one else None}
        changes = {f"number_{name}": pair for name, pair in changed.items()}
        kinds = notice_changes(cr, subject, changes, event.reason, event.at)
        if "number_quality" in kinds and event.quality == "red":
            numbers = [number for number, _changed in found]
            values = {"number_ids": numbers, "detail": event.quality}
            cr.execute(queries.PAUSE_BY_QUALITY, values)
    number = found[0][0] if found and about_one else None
    if event.reason and not _says_values(event):
        _note(cr, account, number, "note", event.reason, event.at)
    if event.error:
        _merge_error(cr, event, account, number)


def _says_values(event):
    told = (event.messages_per_second, event.quality, event.name)
    return any(told) or event.daily_limit is not None


def _note(cr, account, number, what, reason, at):
    """Pass on the provider's words on a number, or on its account."""
    subject = {"account_id": account, "number_id": number}
    kind = f"number_{what}" if number else f"account_{what}"
    notice(cr, subject, kind, (None, None), reason, at, serious=False)


def _merge_error(cr, event, account, number):
    """Let an error of a number act as one that a message of it was refused with."""
    error = event.error
    code = f"({error.code}) " if error.code else ""
    detail = f"{code}{error.message}"[:500]
    kind = error.error_class.value
    if kind in STOPPING and kind != "template" and (number or kind != "number"):
        row = {"account_id": account, "number_id": number, "template_id": None}
        act(cr, [(row, kind, detail)])
    else:
        _note(cr, account, number, "error", detail, event.at)


def _merge_account(cr, event, account):
    """Stop or resume it, or pass on the provider's words."""
    subject = {"account_id": account}
    words = " ".join(filter(None, (event.kind, event.reason)))
    if not (event.stops_sending or event.resumes_sending):
        serious = event.kind in SERIOUS_EVENTS
        value = (None, event.kind)
        notice(cr, subject, "account_note", value, event.reason, event.at, serious)
        return
    cr.execute(queries.HEAR_OF_ACCOUNT, {"account_id": account, "at": event.at})
    if not cr.fetchone():
        return
    if event.stops_sending:
        values = {"account_id": account, "reason": "account", "detail": words[:500]}
        cr.execute(queries.STOP_ACCOUNT, values)
        return
    cr.execute(queries.RESUME_ACCOUNT, subject)
    if cr.fetchone():
        values = ("error", "connected")
        notice(cr, subject, "account_state", values, words, event.at)


_HANDLERS = {
    "TemplateEvent": _merge_template,
    "NumberEvent": _merge_number,
    "AccountEvent": _merge_account,
}
