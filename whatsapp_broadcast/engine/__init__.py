"""The engine: rows, time and results; plain Python and SQL, no provider, no ORM.

Its one door. What it needs from outside comes in as plain callables: ``transaction``,
a context manager that yields a cursor on a short READ COMMITTED transaction of its own
and commits at the end, and channels, which turn a row into a request and a result.
"""

from .driver import SOON, run
from .estimates import finish, pace
from .event_keys import key
from .guard import guard
from .merge import merge
from .places import allowances, days
from .result import Result

__all__ = [
    "SOON",
    "Result",
    "allowances",
    "days",
    "finish",
    "guard",
    "key",
    "merge",
    "pace",
    "run",
]
