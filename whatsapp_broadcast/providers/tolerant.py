"""Reading JSON that others wrote: any shape gives a value, nothing raises.

Every string that leaves this module can be stored by PostgreSQL: no NUL, no lone
surrogate.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from datetime import datetime, timezone
from decimal import Decimal

#: Longest identifier (message id, token, user id) that is taken for one. Meta's own
#: limit for the callback data is 512, for the other ids less.
ID_LENGTH = 512
TEXT_LENGTH = 65536
_TIME_LIMIT = 2**32  # the year 2106; larger values are no seconds
_PHONE = re.compile(r"\+?([0-9]{7,15})")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,20})?")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SHA256_LENGTH = 32
#: How deep :func:`json_value` looks.
_DEPTH = 8


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


def display_phone(value: object) -> str:
    """As :func:`phone`, for a number written for people: ``+1 555-010-0001``."""
    return phone("".join(filter(str.isdecimal, text(value))))


def decimal(value: object) -> Decimal | None:
    """Return a number, or one in a string, exactly as written; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    written = value if isinstance(value, str) else str(value)
    return Decimal(written) if _DECIMAL.fullmatch(written) else None


def sha256(value: object) -> str:
    """Return a SHA-256 given in base64 or hex as hex; ``""`` for anything else."""
    written = text(value)
    if _SHA256.fullmatch(written):
        return written.lower()
    try:
        digest = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return digest.hex() if len(digest) == _SHA256_LENGTH else ""


def json_value(value: object, depth: int = _DEPTH) -> object:
    """Return JSON as a ``jsonb`` column takes it; None for what is too deep."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict) and depth:
        return {text(key): json_value(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth:
        return [json_value(item, depth - 1) for item in value]
    return value if value is None or isinstance(value, int) else None
