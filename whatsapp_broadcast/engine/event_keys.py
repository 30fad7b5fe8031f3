"""What a webhook delivery is found by: the messages and the people that it names."""

from hashlib import blake2b

from .addresses import canonical

#: Fields of a provider's events that name a message or a person.
NAMES = (
    "message_id",
    "token",
    "context_id",
    "phone",
    "user_ref",
    "parent_ref",
    "new_phone",
    "new_user_ref",
    "new_parent_ref",
)

_names_by_type = {}


def key(name):
    """Return a message id, token, E.164 phone or user id as a signed 64-bit number.

    All forms in which a phone is written have the same.

    An index of numbers is a quarter as large as one of the names, and twice as fast to
    add to. Two names share a number once in 10¹⁹ pairs.
    """
    if name.startswith("+"):
        name = canonical(name)
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def keys_of(events):
    """Return the set of keys of a provider's events."""
    return {
        key(name)
        for event in events
        for field in _names(type(event))
        if (name := getattr(event, field))
    }


def _names(event_type):
    if event_type not in _names_by_type:
        found = tuple(name for name in NAMES if hasattr(event_type, name))
        _names_by_type[event_type] = found
    return _names_by_type[event_type]
