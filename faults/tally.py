"""Compare what the sandbox took with what the database says, as multisets."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

#: States of a row whose message went out.
WENT_OUT = ("accepted", "held", "sent", "delivered", "read")
#: States in which nothing more happens to a row by itself.
FINAL = (*WENT_OUT, "failed", "skipped", "cancelled", "unknown")


class Row(NamedTuple):
    """A recipient; ``message_id`` is the provider's, None if it gave none."""

    phone: str
    state: str
    token: str | None
    message_id: str | None

    @property
    def went_out(self) -> bool:
        """Tell whether the database says that the provider took it.

        A row may fail by webhook after it was taken: then it has a message id.
        """
        return self.state in WENT_OUT or (self.state == "failed" and self.message_id)


@dataclass
class Tally:
    """Multisets of phones, empty when nothing went wrong; two counts of rows.

    ``lost``: said to have gone out but not taken, or without an end in the database.
    ``duplicated``: taken more often than it was meant to be. ``unexpected``: taken by
    the sandbox, and the database knows nothing of it. ``unknown``: rows whose fate
    nobody knows; ``unsettled``: those of them that the sandbox did take, which a
    webhook should have told.
    """

    lost: Counter = field(default_factory=Counter)
    duplicated: Counter = field(default_factory=Counter)
    unexpected: Counter = field(default_factory=Counter)
    unknown: int = 0
    unsettled: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            self.unexpected + other.unexpected,
            self.unknown + other.unknown,
            self.unsettled + other.unsettled,
        )

    @property
    def is_clean(self) -> bool:
        """Tell whether nobody is lost, nobody was written to twice or by mistake."""
        wrong = self.lost or self.duplicated or self.unexpected
        return not wrong and not self.unsettled


def compare(
    audience: Counter,
    rows: Iterable[Row],
    messages: list[dict],
    waiting: bool = False,
    forgotten: Iterable[str] = (),
) -> Tally:
    """Compare the ledger's ``messages`` with ``rows``.

    :param audience: how many messages each phone is to get
    :param messages: lines of the ledger; a refused one has no ``message_id``
    :param waiting: nothing is sent any more before a person decides; rows stay queued,
        or in flight
    :param forgotten: tokens of messages that a restored database cannot know
    """
    rows = list(rows)
    taken = [message for message in messages if message["message_id"]]
    by_phone = Counter(message["to"] for message in taken)
    tokens = {message["callback_data"] for message in taken}
    doubtful = ("unknown", "sending") if waiting else ("unknown",)
    known = {row.token for row in rows if row.went_out or row.state in doubtful}
    known.update(forgotten)
    ended = (*FINAL, "queued", "sending") if waiting else FINAL
    unknown = [row for row in rows if row.state == "unknown"]
    return Tally(
        lost=(audience - Counter(row.phone for row in rows if row.state in ended))
        + Counter(
            row.phone for row in rows if row.went_out and row.token not in tokens
        ),
        duplicated=Counter(
            {
                phone: n
                for phone, n in (by_phone - audience).items()
                if phone in audience
            }
        ),
        unexpected=Counter(
            message["to"]
            for message in taken
            if message["to"] not in audience or message["callback_data"] not in known
        ),
        unknown=len(unknown),
        unsettled=sum(1 for row in unknown if row.token in tokens),
    )


def most_in_window(times: Iterable[float], seconds: float) -> int:
    """Return the most of ``times`` (seconds) in any half-open window so long."""
    times = sorted(times)
    most = first = 0
    for position, moment in enumerate(times):
        while times[first] <= moment - seconds:
            first += 1
        most = max(most, position - first + 1)
    return most


def least_in_window(times: Iterable[float], seconds: float) -> int:
    """Return the fewest of ``times`` in any window so long between first and last.

    0 when all of them together span less than ``seconds``.
    """
    times = sorted(times)
    fewest = None
    last = 0
    for first, moment in enumerate(times):
        if moment + seconds > times[-1]:
            break
        while last < len(times) and times[last] < moment + seconds:
            last += 1
        # The window that begins just behind this one.
        count = last - first - 1
        fewest = count if fewest is None else min(fewest, count)
    return fewest or 0


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that ``share`` (0 to 1) of ``values`` do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
