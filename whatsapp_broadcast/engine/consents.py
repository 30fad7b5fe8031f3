"""Opt-outs and opt-ins: what was said is logged, what is in force is set.

An opt-out is taken back only by the channel that said it, whatever comes first, or by
a person in Odoo; a consent by any.
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
        values["undoers"] = _undoers(wish)
        cr.execute(queries.CHOOSE, values)
    else:
        values["undoes"] = _UNDOES[wish.kind]
        values["undone_channels"] = _overruled(wish)
        cr.execute(queries.UNCHOOSE, values)


def _same_channel(channel):
    return list(_CONVERSATION if channel in _CONVERSATION else (channel,))


def _undoers(wish):
    if wish.kind == "opt_in":
        return list(CHANNELS)
    return [*_same_channel(wish.channel), BY_HAND]


def _overruled(wish):
    # A consent is withdrawn as easily as it was given: on any way.
    if wish.kind == "withdrawal" or wish.channel == BY_HAND:
        return list(CHANNELS)
    return _same_channel(wish.channel)


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
