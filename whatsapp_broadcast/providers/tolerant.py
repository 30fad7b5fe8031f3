"""Reading JSON that others wrote: any shape gives a value, nothing raises.

Every string that leaves this module can be stored by PostgreSQL: no NUL, no lone
surrogate.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone

#: Longest identifier (message id, token, user id) that is taken for one. Meta's own
#: limit for the callback data is 512, for the other ids less.
ID_LENGTH = 512
TEXT_LENGTH = 65536
_TIME_LIMIT = 2**32  # the year 2106; larger values are no seconds
_PHONE = re.compile(r"\+?([0-9]{7,15})")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


def load(body: bytes) -> dict:
    """Return the JSON object in ``body``; ``{}`` for anything else."""
    try:
        return mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def mapping(value: object) -> dict:
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> list[dict]:
    """Return the objects in a list; what is no object is left out."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def clean(value: str) -> str:
    """Drop NUL and replace lone surrogates by ``?``."""
    if value.isascii():
        return value.replace("\0", "")
    return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def text(value: object) -> str:
    """Return a string or an integer as a clean string, anything else as ``""``."""
    if isinstance(value, str):
        return clean(value[:TEXT_LENGTH])
    return str(value) if integer(value) is not None else ""


def identifier(value: object) -> str:
    """As :func:`text`, but ``""`` for what is too long to be an identifier."""
    found = text(value)
    return found if len(found) <= ID_LENGTH else ""


def integer(value: object) -> int | None:
    """Return an integer given as number or digits, within 18 digits, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < 10**18 else None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    return None


def moment(value: object) -> datetime | None:
    """Return seconds since 1970 as naive UTC, None if they are no such thing."""
    seconds = integer(value)
    if seconds is None or not 0 < seconds < _TIME_LIMIT:
        return None
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def phone(value: object) -> str:
    """Return ``+`` and the digits of a phone; ``""`` for a group or anything else."""
    found = _PHONE.fullmatch(text(value))
    return f"+{found[1]}" if found else ""
