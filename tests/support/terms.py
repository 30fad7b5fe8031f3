"""What a translation must keep of the text that it translates."""

import re
from collections import Counter

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\{[^{}]*\}\}|\{\w+\}")
TAG = re.compile(r"<[^<>]+>")
SHOWN_ATTRIBUTE = re.compile(
    r'\b(aria-label|title|placeholder|alt|string|help)="[^"]*"'
)
#: Names of fields, settings and templates, keys of JSON, web addresses.
NAME = re.compile(r"\w*_\w+|\"[a-z][\w.]*\":|https?://[\w./-]+|\b\w+\.\w+\.\w+\b")
MARK = re.compile(r"[*\n\t]")
EDGE = re.compile(r"^\s+|\s+$")


def differences(text: str, translation: str) -> list[str]:
    """Return what a translation lacks or adds, one word on each; empty if it fits."""
    wanted, found = _kept(text), _kept(translation)
    lacking = [f"lacks {part!r}" for part in (wanted - found).elements()]
    return lacking + [f"adds {part!r}" for part in (found - wanted).elements()]


def _kept(text: str) -> Counter:
    tags = [SHOWN_ATTRIBUTE.sub(r"\1", tag) for tag in TAG.findall(text)]
    bare = TAG.sub("", text)
    edges = [f"edge {match[0]!r}" for match in EDGE.finditer(text)]
    found = [
        part for pattern in (PLACEHOLDER, NAME, MARK) for part in pattern.findall(bare)
    ]
    return Counter([*tags, *edges, *found])
