"""What became of one try to send one row."""

from typing import NamedTuple

#: Outcomes that a provider proves, by the names that providers use.
ACCEPTED = "accepted"
HELD = "held"
REFUSED = "refused"
NOT_SENT = "not_sent"
UNKNOWN = "unknown"
#: The engine's own: the row's send slot was missed, nothing was tried.
LATE = "late"


class Result(NamedTuple):
    """``outcome`` is one of the constants above; ``error_class`` as in providers."""

    outcome: str
    message_id: str = ""
    user_ref: str = ""
    error_code: str = ""
    error_class: str = ""
    error_message: str = ""
