"""Opt-outs and opt-ins: what was said is logged, what is in force is set.

A word takes back only what the same channel said, whatever comes first; a person in
Odoo may take back all.
"""

import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime

from . import queries

#: Channels in which a person of the business speaks for the other one.
BY_HAND = "person"
#: What is said in a conversation, by word or by button, is one channel.
_CONVERSATION = ("keyword", "button")
_UNDONE_BY = {"opt_out": "resume", "opt_in": "withdrawal"}
_UNDOES = {undoer: kind for kind, undoer in _UNDONE_BY.items()}
#: Every channel that a person may overrule.
CHANNELS = ("keyword", "button", "preference", BY_HAND, "import", "form", "api")


@dataclass(frozen=True)
class Wish:
    """What somebody said about being written to.

    ``addresses``: all names of the person, the first is the log's. ``kind``: opt_out |
    resume | opt_in | withdrawal. ``purpose``: marketing | all. ``channel``: one of
    CHANNELS. ``company_id``: None for all companies. ``at``: naive UTC.
    """

    addresses: tuple[str, ...]
    kind: str
    purpose: str
    channel: str
    at: datetime
    company_id: int | None = None
    wording: str = ""
    evidence: str = ""
    user_id: int | None = None
    lead_id: int | None = None
    partner_id: int | None = None


def record(cr, wish):
    """Log a wish and put it in force. The caller holds LOCK_PEOPLE."""
    values = {
        **asdict(wish),
        "address": wish.addresses[0],
        "addresses": list(wish.addresses),
    }
    if wish.kind in _UNDONE_BY:
        values["undone_by"] = _UNDONE_BY[wish.kind]
        values["undoers"] = [*_same_channel(wish.channel), BY_HAND]
        cr.execute(queries.CHOOSE, values)
    else:
        values["undoes"] = _UNDOES[wish.kind]
        values["undone_channels"] = _overruled(wish.channel)
        cr.execute(queries.UNCHOOSE, values)


def _same_channel(channel):
    return list(_CONVERSATION if channel in _CONVERSATION else (channel,))


def _overruled(channel):
    return list(CHANNELS) if channel == BY_HAND else _same_channel(channel)


def keyword_key(text):
    """Return what is compared of a word: without case, width, outer punctuation."""
    folded = unicodedata.normalize("NFKC", text or "").casefold()
    # What makes an emoji of a sign, and what is left of a Turkish capital.
    for mark in ("\ufe0f", "\u0307"):
        folded = folded.replace(mark, "")
    words = "".join(
        " " if unicodedata.category(char)[0] in "PSZC" else char for char in folded
    )
    return " ".join(words.split())
