"""Meta's errors: what each is about, and whether it proves that a message was refused.

https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .base import Error, ErrorClass, Response
from .tolerant import integer, load, mapping, text

MESSAGE_LENGTH = 500

_RETRY = ErrorClass.RETRY
_THROTTLE = ErrorClass.THROTTLE
_RECIPIENT = ErrorClass.RECIPIENT
_UNDELIVERABLE = ErrorClass.UNDELIVERABLE
_REQUEST = ErrorClass.REQUEST
_TEMPLATE = ErrorClass.TEMPLATE
_NUMBER = ErrorClass.NUMBER
_ACCOUNT = ErrorClass.ACCOUNT
_CREDENTIALS = ErrorClass.CREDENTIALS

#: What a code is about. Codes of :data:`DOUBTFUL` are read by :func:`classify`.
CODES: dict[int, ErrorClass] = {
    0: _CREDENTIALS,  # AuthException: token invalid, expired, app removed
    3: _CREDENTIALS,  # API method: capability or permission
    4: _THROTTLE,  # too many calls of the app
    10: _CREDENTIALS,  # permission not granted or removed
    17: _THROTTLE,  # too many calls of the user
    33: _NUMBER,  # number deleted, or not visible to the token
    100: _REQUEST,  # invalid parameter; see also SUBCODES
    102: _CREDENTIALS,  # session
    104: _CREDENTIALS,  # no token, or a wrong appsecret_proof
    190: _CREDENTIALS,  # token expired
    **dict.fromkeys(range(200, 300), _CREDENTIALS),  # API permission
    341: _THROTTLE,  # application limit reached
    368: _ACCOUNT,  # temporarily blocked for policy violations
    613: _THROTTLE,  # calls to this API have exceeded the rate limit
    803: _NUMBER,  # object does not exist: a send names no object but the number
    80007: _THROTTLE,  # rate limit of the WhatsApp Business Account
    80008: _THROTTLE,  # the same, as the reference has it
    80014: _RETRY,  # catalogue batch limit
    130403: _RECIPIENT,  # the business blocked this person
    130429: _THROTTLE,  # throughput of the number
    130472: _RECIPIENT,  # person is part of an experiment
    130497: _RECIPIENT,  # business may not message people in this country
    131005: _CREDENTIALS,  # access denied
    131008: _REQUEST,  # required parameter is missing
    131009: _REQUEST,  # parameter value is not valid
    131020: _REQUEST,  # group
    131021: _RECIPIENT,  # recipient is the sender
    131026: _UNDELIVERABLE,  # undeliverable: not on WhatsApp, old client, withheld
    131030: _NUMBER,  # test number: recipient not in the allowed list
    131031: _ACCOUNT,  # account locked
    131036: _REQUEST,  # media of a no-storage account expired
    131037: _NUMBER,  # display name needs approval
    131041: _REQUEST,  # group
    131042: _ACCOUNT,  # payment
    131045: _NUMBER,  # certificate: not registered properly
    131047: _RECIPIENT,  # service window is closed
    131048: _NUMBER,  # spam rate limit
    131049: ErrorClass.LATER,  # limit of marketing messages to this person
    131050: ErrorClass.OPT_OUT,  # person stopped marketing messages
    131051: _REQUEST,  # unsupported message type
    131052: _REQUEST,  # media of the person could not be downloaded
    131053: _REQUEST,  # our media: type, size or link
    131055: _REQUEST,  # wrong kind of message for this endpoint
    131056: ErrorClass.PAIR,  # too many messages from this number to this person
    131057: _RETRY,  # number in maintenance (throughput upgrade), minutes
    131059: _RETRY,  # stale cursor
    131062: _RECIPIENT,  # this message cannot go to a business-scoped user id
    131063: _TEMPLATE,  # marketing templates are off on this endpoint
    131064: _ACCOUNT,  # limited for violations of template classification
    132000: _TEMPLATE,  # number of parameters does not match
    132001: _TEMPLATE,  # template does not exist
    132005: _RECIPIENT,  # text too long with this person's values
    132007: _TEMPLATE,  # content policy
    132008: _TEMPLATE,  # parameter format does not match
    132012: _TEMPLATE,  # parameter format does not match
    132015: _TEMPLATE,  # paused, or dropped by pacing
    132016: _TEMPLATE,  # disabled for ever
    132018: _REQUEST,  # newline, tab or more than four spaces in a value
    132021: _REQUEST,  # template name exists
    132068: _TEMPLATE,  # flow is blocked
    132069: _RETRY,  # flow is throttled, an hour
    133000: _NUMBER,  # incomplete deregistration
    133005: _NUMBER,  # two-step PIN mismatch
    133006: _NUMBER,  # needs to be verified again
    133008: _NUMBER,  # too many PIN guesses
    133009: _NUMBER,  # PIN guessed too fast
    133010: _NUMBER,  # not registered
    133015: _NUMBER,  # deleted recently: wait 5 minutes
    133016: _NUMBER,  # registered too often: wait 72 hours
    134011: _REQUEST,  # payments terms not accepted
    134100: _REQUEST,  # only marketing messages
    134101: _RETRY,  # template still syncing, 10 minutes
    134102: _TEMPLATE,  # template unavailable for use
    135000: _REQUEST,  # generic user error
    136024: _NUMBER,  # code request
    136025: _NUMBER,  # code verification
    137000: _RECIPIENT,  # identity key mismatch
    **dict.fromkeys(range(138000, 139000), _REQUEST),  # calling
    **dict.fromkeys(range(139000, 139005), _REQUEST),  # flows
    **dict.fromkeys(range(139100, 139104), _REQUEST),  # block API
    139200: _ACCOUNT,  # Direct Send is blocked
    141002: _TEMPLATE,  # health: template not approved
    **dict.fromkeys(range(147001, 147006), _REQUEST),  # usernames
    1752041: _REQUEST,  # duplicate onboarding request
    2494100: _RETRY,  # maintenance mode
    **dict.fromkeys(range(2388000, 2389000), _REQUEST),  # template creation
}

#: Subcodes that say more than their code.
SUBCODES: dict[tuple[int, int], ErrorClass] = {
    (100, 33): _NUMBER,  # object does not exist, or is not visible to the token
}

#: Codes that do not prove that the message was not accepted.
DOUBTFUL = frozenset((1, 2, 131000, 131016, 133004, *range(500, 505)))

_PHONE = re.compile(r"\+?\d(?:[ .-]?\d){6,}")
_MESSAGE_ID = re.compile(r"\bwamid\.[\w+/=-]+")
_TOKEN = re.compile(r"EAA\w+")


def from_response(response: Response, secrets: Iterable[str] = ()) -> Error:
    """Return the error in the answer to a call.

    DOUBT where it does not prove that the call was refused: an answer without Meta's
    error code, whatever its HTTP status, or one of :data:`DOUBTFUL`.
    """
    error = mapping(load(response.body).get("error"))
    code = integer(error.get("code"))
    if code is None:
        message = f"HTTP {response.status} without an error code of Meta"
        return Error("", message, ErrorClass.DOUBT)
    found = classify(error) or _classify_unknown(response.status, error)
    return Error(str(code), describe(error, secrets), found)


def from_webhook(error: dict) -> Error:
    """Return the error of a message that surely failed, or of a number."""
    code = integer(error.get("code"))
    found = classify(error) or _REQUEST
    if found is ErrorClass.DOUBT:
        found = ErrorClass.RETRY
    return Error("" if code is None else str(code), describe(error), found)


def classify(error: dict) -> ErrorClass | None:
    """Return the class of one of Meta's error objects, None if its code is unknown."""
    code = integer(error.get("code"))
    if code is None:
        return None
    if code in DOUBTFUL:
        return ErrorClass.DOUBT
    if code == 100 and "appsecret_proof" in text(error.get("message")):
        return _CREDENTIALS
    subcode = integer(error.get("error_subcode")) or 0
    return SUBCODES.get((code, subcode)) or CODES.get(code)


def describe(error: dict, secrets: Iterable[str] = ()) -> str:
    """Return what an error says, short and redacted."""
    data = error.get("error_data")
    details = mapping(data).get("details") or error.get("details") or data
    parts = [
        text(error.get("message")) or text(error.get("title")),
        text(details),
        text(error.get("error_user_title")),
        text(error.get("error_user_msg")),
    ]
    return redact(" – ".join(dict.fromkeys(filter(None, parts))), secrets)


def redact(message: str, secrets: Iterable[str] = ()) -> str:
    """Mask tokens, message ids (they contain the phone) and runs of 7 digits."""
    for secret in secrets:
        message = message.replace(secret, "***") if secret else message
    for pattern in (_TOKEN, _MESSAGE_ID, _PHONE):
        message = pattern.sub("***", message)
    return message[:MESSAGE_LENGTH]


def _classify_unknown(status: int, error: dict) -> ErrorClass:
    proven = 400 <= status < 500 and error.get("is_transient") is not True
    return _REQUEST if proven else ErrorClass.DOUBT
