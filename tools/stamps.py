"""Remember what a thing was made from, to make it again only when that changed."""

import contextlib
import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import layout


def digest(*inputs: object) -> str:
    """Return a short hash of the inputs' representations."""
    return hashlib.sha256(repr(inputs).encode()).hexdigest()[:16]


def digest_files(paths: Iterable[Path]) -> str:
    """Return a short hash of the names and contents of files."""
    state = hashlib.sha256()
    for path in sorted(paths):
        state.update(f"{path}\0{path.stat().st_size}\0".encode())
        state.update(path.read_bytes())
    return state.hexdigest()[:16]


def is_fresh(name: str, value: str) -> bool:
    """Tell whether ``name`` was made from what ``value`` is the digest of."""
    path = layout.STAMPS / name
    return path.exists() and path.read_text() == _here(value)


def write(name: str, value: str) -> None:
    """Remember that ``name`` is now made from what ``value`` is the digest of."""
    (layout.STAMPS / name).write_text(_here(value))


def _here(value: str) -> str:
    # What is made holds absolute paths: after a move it must be made again.
    return digest(str(layout.ROOT), value)


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Let one process at a time make ``name`` in this checkout."""
    layout.make_state()
    with (layout.RUN / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
