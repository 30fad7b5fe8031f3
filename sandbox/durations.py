"""Lengths of time as people write them."""

import re


def duration(text):
    """Seconds of ``150``, ``150ms`` (milliseconds), ``2s``, ``5m`` or ``24h``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)?", str(text).strip())
    if not found:
        raise ValueError(f"{text!r} is no duration: write 150ms, 2s, 5m or 24h")
    unit = {None: 0.001, "ms": 0.001, "s": 1, "m": 60, "h": 3600}[found[2]]
    return float(found[1]) * unit
