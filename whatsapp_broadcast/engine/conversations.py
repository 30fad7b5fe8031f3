"""What people say: messages, and what they want no more of."""

from dataclasses import replace

from . import queries


def merge(cr, by_kind):
    """Merge messages and wishes.

    :param dict by_kind: event class name → list of ``Routed``
    """
    _merge_inbound(cr, _with_phones(cr, by_kind["InboundEvent"]))
    for item in _with_phones(cr, by_kind["PreferenceEvent"]):
        _merge_preference(cr, item.event, item.account_id, item.number_id)


def _with_phones(cr, items):
    """Give events that name a person by user id only the phone that we know."""
    nameless = [i for i in items if not i.event.phone and i.event.user_ref]
    if not nameless:
        return items
    cr.execute(
        queries.PHONES,
        {
            "account_ids": [item.account_id for item in nameless],
            "user_refs": [item.event.user_ref for item in nameless],
        },
    )
    phones = {(account, user): phone for account, user, phone in cr.fetchall()}
    return [
        item._replace(event=_with_phone(item, phones)) if not item.event.phone else item
        for item in items
    ]


def _with_phone(item, phones):
    phone = phones.get((item.account_id, item.event.user_ref))
    return replace(item.event, phone=phone or "")


def _merge_inbound(cr, items):
    spoken = [item for item in items if item.number_id is not None and item.event.at]
    if not spoken:
        return
    values = {
        "account_ids": [item.account_id for item in spoken],
        "number_ids": [item.number_id for item in spoken],
        "phones": [item.event.phone or None for item in spoken],
        "user_refs": [item.event.user_ref or None for item in spoken],
        "names": [item.event.profile_name or None for item in spoken],
        "times": [item.event.at for item in spoken],
        "context_ids": [item.event.context_id or None for item in spoken],
    }
    cr.execute(queries.MERGE_INBOUND, values)
    cr.execute(queries.MERGE_INBOUND_WITHOUT_PHONE, values)
    cr.execute(queries.MERGE_REPLIES, values)


def _merge_preference(cr, event, account, number):
    if number is not None and (event.phone or event.user_ref):
        cr.execute(
            queries.MERGE_PREFERENCE,
            {
                "account_id": account,
                "number_id": number,
                "phone": event.phone,
                "user_ref": event.user_ref,
                "opted_out": event.opted_out,
                "at": event.at,
            },
        )
