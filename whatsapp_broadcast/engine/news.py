"""What the provider says of templates, numbers and accounts."""

from . import queries

#: What templates may be; other words of the provider are kept out of the columns.
TEMPLATE_STATES = (
    "draft", "pending", "approved", "rejected", "paused", "disabled", "in_appeal",
    "archived", "limit_exceeded", "pending_deletion", "deleted",
)  # fmt: skip
TEMPLATE_CATEGORIES = ("marketing", "utility", "authentication")
QUALITIES = ("green", "yellow", "red")


def merge(cr, by_kind):
    """Merge them one by one: they come seldom.

    :param dict by_kind: event class name → list of ``Routed``
    """
    for kind, handle in _HANDLERS.items():
        for item in by_kind[kind]:
            handle(cr, item.event, item.account_id)


def _merge_template(cr, event, account):
    cr.execute(
        queries.MERGE_TEMPLATE,
        {
            "account_id": account,
            "external_id": event.external_id,
            "name": event.name,
            "language": event.language,
            "state": _known(event.state, TEMPLATE_STATES, "unknown"),
            "category": _known(event.category, TEMPLATE_CATEGORIES, ""),
            "quality": _known(event.quality, QUALITIES, "unknown"),
            "reason": event.reason,
        },
    )


def _known(value, values, otherwise):
    """Return a value that our columns know; "" says that nothing changed."""
    return value if not value or value in values else otherwise


def _merge_number(cr, event, account):
    cr.execute(
        queries.MERGE_NUMBER,
        {
            "account_id": account,
            "external_id": event.number_id,
            "phone": event.phone,
            "rate": event.messages_per_second,
            "daily_limit": event.daily_limit,
            "quality": event.quality,
        },
    )
    if event.quality == "red":
        numbers = [id_ for (id_,) in cr.fetchall()]
        values = {"number_ids": numbers, "detail": event.quality}
        cr.execute(queries.PAUSE_BY_QUALITY, values)


def _merge_account(cr, event, account):
    if event.stops_sending:
        detail = f"{event.kind} {event.reason}"[:500]
        values = {"account_id": account, "reason": "account", "detail": detail}
        cr.execute(queries.STOP_ACCOUNT, values)


_HANDLERS = {
    "TemplateEvent": _merge_template,
    "NumberEvent": _merge_number,
    "AccountEvent": _merge_account,
}
