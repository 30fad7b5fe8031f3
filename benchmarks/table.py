"""A row of the bench: our figure, the peers' figures, the target; as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COLUMNS = ("row", "ours", "unit", "peer", "peer's", "ratio", "target", "met")


@dataclass(frozen=True)
class Peer:
    """What somebody else's software reached at the same work, in the row's unit.

    ``same_run``: measured now, beside ours. An older figure is shown, but nothing is
    divided by it.
    """

    name: str
    value: float
    same_run: bool = True


@dataclass(frozen=True)
class Target:
    """At least or at most ``value``, or that share of the first peer's figure."""

    value: float
    at_most: bool = False
    of_peer: bool = False

    def __str__(self) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{sign} {_number(self.value)}{' × peer' if self.of_peer else ''}"

    def is_met(self, ours: float, peers: tuple[Peer, ...]) -> bool:
        """Tell whether ``ours`` reaches it."""
        bound = self.value * peers[0].value if self.of_peer else self.value
        return ours <= bound if self.at_most else ours >= bound


def at_least(value: float) -> Target:
    """Return a target that our figure must reach."""
    return Target(value)


def at_most(value: float) -> Target:
    """Return a target that our figure must not exceed."""
    return Target(value, at_most=True)


def share_of_peer(value: float) -> Target:
    """Return a target that is a share of the first peer's figure."""
    return Target(value, of_peer=True)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``ours`` is None when the measurement failed; ``note`` then says why. A row without
    a target informs and can only be missed by failing. ``less_is_better`` turns the
    ratio round: it always says how many times better ours is.
    """

    name: str
    ours: float | None
    unit: str
    target: Target | None = None
    peers: tuple[Peer, ...] = ()
    note: str = ""
    less_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is none to reach."""
        if self.ours is None:
            return False
        return self.target.is_met(self.ours, self.peers) if self.target else None

    def ratio(self, peer: Peer) -> float | None:
        """Return how many times better ours is; None for a figure of another run."""
        if self.ours is None or not peer.same_run:
            return None
        better, worse = (
            (peer.value, self.ours) if self.less_is_better else (self.ours, peer.value)
        )
        return better / worse if worse else None

    def as_json(self) -> dict:
        """Return the row with names for a program."""
        return {
            "row": self.name,
            "ours": self.ours,
            "unit": self.unit,
            "target": str(self.target) if self.target else None,
            "met": self.met,
            "peers": [
                {
                    "name": peer.name,
                    "value": peer.value,
                    "ratio": self.ratio(peer),
                    "same_run": peer.same_run,
                }
                for peer in self.peers
            ],
            "note": self.note,
        }


def render(rows: Iterable[Row]) -> str:
    """Return the table, each row's notes below it."""
    lines = [list(COLUMNS)]
    notes = {}
    for row in rows:
        lines += _cells(row)
        if row.note:
            notes[len(lines)] = row.note
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = []
    for position, line in enumerate(lines, 1):
        cells = map(str.ljust, line, widths)
        texts.append("  ".join(cells).rstrip())
        if position in notes:
            texts.append(f"    {notes[position]}")
    texts.insert(1, "-" * (sum(widths) + 2 * len(widths)))
    return "\n".join(texts)


def _cells(row: Row) -> list[list[str]]:
    """Return one line, and one more for each peer after the first."""
    ours = "failed" if row.ours is None else _number(row.ours)
    met = {True: "yes", False: "MISSED", None: ""}[row.met]
    first, *others = [_peer_cells(row, peer) for peer in row.peers] or [["", "", ""]]
    target = str(row.target) if row.target else ""
    return [[row.name, ours, row.unit, *first, target, met]] + [
        ["", "", "", *cells, "", ""] for cells in others
    ]


def _peer_cells(row: Row, peer: Peer) -> list[str]:
    name = peer.name if peer.same_run else f"{peer.name} (measured before)"
    ratio = row.ratio(peer)
    return [name, _number(peer.value), "" if ratio is None else f"{_number(ratio)}×"]


def _number(value: float) -> str:
    """Write a figure with as many digits as it deserves."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
