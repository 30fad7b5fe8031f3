"""Meta's error codes, and the bodies in which they reach a client.

Source of codes, titles and HTTP statuses:
https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
Template creation subcodes (2388xxx) come from the same page.
"""

import secrets
from typing import NamedTuple

HREF = "/documentation/business-messaging/whatsapp/support/error-codes"

# Meta writes these messages without the leading "(#code)".
UNPREFIXED = {0, 102, 104, 190}


class ErrorKind(NamedTuple):
    """One row of Meta's table.

    ``by_webhook``: Meta answers the request with 200 and reports the error later
    in a ``failed`` status, because it notices it only on the way to the person.
    """

    code: int
    http: int
    title: str
    details: str
    by_webhook: bool = False
    transient: bool = False


_GRAPH = [
    ErrorKind(0, 401, "We were unable to authenticate the app user", ""),
    ErrorKind(1, 400, "API Unknown", "Possibly an invalid request or an outage."),
    ErrorKind(2, 503, "API Service", "Temporary downtime.", transient=True),
    ErrorKind(3, 500, "API Method", "Capability or permissions issue."),
    ErrorKind(4, 400, "Application request limit reached", "", transient=True),
    ErrorKind(10, 403, "Application does not have permission for this action", ""),
    ErrorKind(15, 400, "This method must be called with an app access_token.", ""),
    ErrorKind(17, 400, "User request limit reached", "", transient=True),
    ErrorKind(33, 400, "Parameter value is not valid", "The number was deleted."),
    ErrorKind(100, 400, "Invalid parameter", ""),
    ErrorKind(102, 401, "Session key invalid or no longer valid", ""),
    ErrorKind(104, 401, "An access token is required to request this resource", ""),
    ErrorKind(190, 401, "Invalid OAuth access token", ""),
    ErrorKind(
        200, 403, "You do not have the necessary permissions for this action", ""
    ),
    ErrorKind(341, 400, "Application limit reached", "", transient=True),
    ErrorKind(368, 403, "Temporarily blocked for policies violations", ""),
    ErrorKind(613, 400, "Calls to this API have exceeded the rate limit", ""),
    ErrorKind(803, 404, "Some of the aliases you requested do not exist", ""),
    ErrorKind(2200, 400, "Callback verification failed", ""),
    ErrorKind(80007, 400, "Rate limit issues", "Too many management calls."),
    ErrorKind(80008, 400, "Rate limit issues", "Too many management calls."),
    ErrorKind(80014, 400, "Catalog batch limit reached", ""),
]


_MESSAGE = [
    ErrorKind(130403, 403, "Business blocked user", "The business blocked this user."),
    ErrorKind(
        130429,
        400,
        "Rate limit hit",
        "Cloud API message throughput has been reached.",
    ),
    ErrorKind(
        130472,
        400,
        "User's number is part of an experiment",
        "Failed to send message because this user's phone number is part of an "
        "experiment",
        True,
    ),
    ErrorKind(
        130497,
        403,
        "Business account is restricted from messaging users in this country.",
        "Message failed to send because of restrictions in this country.",
    ),
    ErrorKind(
        131000,
        500,
        "Something went wrong",
        "Message failed to send due to an unknown error.",
    ),
    ErrorKind(
        131005, 403, "Access denied", "Permission is not granted or was removed."
    ),
    ErrorKind(
        131008,
        400,
        "Required parameter is missing",
        "The request is missing a required parameter.",
    ),
    ErrorKind(
        131009,
        400,
        "Parameter value is not valid",
        "One or more parameter values are invalid.",
    ),
    ErrorKind(
        131016, 500, "Service unavailable", "A service is temporarily unavailable."
    ),
    ErrorKind(131020, 400, "Group error", "The group is not available."),
    ErrorKind(
        131021,
        400,
        "Recipient cannot be sender",
        "Sender and recipient phone number is the same.",
    ),
    ErrorKind(131026, 400, "Message undeliverable", "Message Undeliverable.", True),
    ErrorKind(
        131030,
        400,
        "Recipient phone number not in allowed list",
        "Recipient phone number not in allowed list: Add recipient phone number "
        "to recipient list and try again.",
    ),
    ErrorKind(
        131031,
        403,
        "Account has been locked",
        "Your WhatsApp Business Account is restricted or disabled.",
        True,
    ),
    ErrorKind(
        131036,
        400,
        "Message failed to be delivered on at least one of the user's device",
        "Message payload not found",
        True,
    ),
    ErrorKind(
        131037,
        400,
        "Display name approval needed",
        "The display name of this number needs approval.",
    ),
    ErrorKind(131041, 400, "Group error", "The group does not allow this."),
    ErrorKind(
        131042,
        400,
        "Business eligibility payment issue",
        "Message failed to send because there were one or more errors related to "
        "your payment method.",
        True,
    ),
    ErrorKind(
        131045,
        500,
        "Incorrect certificate",
        "Message failed to send due to a phone number registration error.",
    ),
    ErrorKind(
        131047,
        400,
        "Re-engagement message",
        "Message failed to send because more than 24 hours have passed since the "
        "customer last replied to this number.",
        True,
    ),
    ErrorKind(
        131048,
        400,
        "Spam rate limit hit",
        "Message failed to send because there are restrictions on how many "
        "messages can be sent from this phone number.",
    ),
    ErrorKind(
        131049,
        400,
        "This message was not delivered to maintain healthy ecosystem engagement.",
        "In order to maintain a healthy ecosystem engagement, the message failed "
        "to be delivered.",
        True,
    ),
    ErrorKind(
        131050,
        400,
        "Unable to deliver the message. This recipient has chosen to stop "
        "receiving marketing messages on WhatsApp from your business",
        "Recipient has stopped marketing messages.",
        True,
    ),
    ErrorKind(
        131051, 400, "Unsupported message type", "Message type is not supported."
    ),
    ErrorKind(
        131052, 400, "Media download error", "The media could not be downloaded."
    ),
    ErrorKind(
        131053, 400, "Media upload error", "The media could not be uploaded.", True
    ),
    ErrorKind(
        131055, 400, "Method not allowed", "This message cannot be sent this way."
    ),
    ErrorKind(
        131056,
        400,
        "(Business Account, Consumer Account) pair rate limit hit",
        "Message failed to send because there were too many messages sent from "
        "this phone number to the same phone number in a short period of time.",
    ),
    ErrorKind(
        131057,
        500,
        "Account in maintenance mode",
        "The business account is in maintenance mode, for instance because of a "
        "throughput upgrade.",
    ),
    ErrorKind(131059, 400, "Invalid cursor", "Restart paging without a cursor."),
    ErrorKind(
        131062,
        400,
        "Business-scoped User ID (BSUID) recipients are not supported for this "
        "message.",
        "Business-scoped User ID (BSUID) recipients are not supported for this "
        "message.",
    ),
    ErrorKind(
        131063,
        400,
        "Marketing templates are disabled on Cloud API",
        "Use the marketing_messages endpoint.",
    ),
    ErrorKind(
        131064,
        400,
        "Messaging limit reached",
        "Template classification violations; try again tomorrow.",
    ),
    ErrorKind(135000, 400, "Generic user error", "Unknown parameter problem."),
    ErrorKind(137000, 400, "Recipient identity key mismatch", "The key has changed."),
]


_TEMPLATE = [
    ErrorKind(
        132000,
        400,
        "Number of parameters does not match the expected number of params",
        "The number of parameter values differs from the template.",
    ),
    ErrorKind(
        132001,
        404,
        "Template name does not exist in the translation",
        "The template does not exist in that language or is not approved.",
    ),
    ErrorKind(132005, 400, "Translated text too long", "The filled text is too long."),
    ErrorKind(
        132007,
        400,
        "Template content violates a WhatsApp policy",
        "The template content violates a policy.",
    ),
    ErrorKind(
        132008,
        400,
        "Parameter format does not match format in the created template",
        "Parameter format mismatch.",
    ),
    ErrorKind(
        132012,
        400,
        "Parameter format does not match format in the created template",
        "Parameter format mismatch.",
    ),
    ErrorKind(
        132015,
        400,
        "Template is paused",
        "Template is paused due to low quality so it cannot be sent.",
        True,
    ),
    ErrorKind(
        132016,
        400,
        "Template is disabled",
        "Template was paused too many times and is now permanently disabled.",
    ),
    ErrorKind(
        132018,
        400,
        "There's an issue with the parameters in your template.",
        "Param text cannot have new-line/tab characters or more than 4 "
        "consecutive spaces",
    ),
    ErrorKind(
        132021,
        400,
        "Template name exists",
        "A template with this name already exists.",
        True,
    ),
    ErrorKind(132068, 400, "Flow is blocked", "The flow is blocked."),
    ErrorKind(
        132069, 400, "Flow is throttled", "10 messages in the last hour were sent."
    ),
    ErrorKind(
        134100,
        400,
        "Only marketing messages supported",
        "The template is not a marketing template.",
    ),
    ErrorKind(
        134101,
        400,
        "Template is still syncing",
        "Try again in ten minutes.",
    ),
    ErrorKind(
        134102,
        500,
        "Template unavailable for use",
        "The business is not onboarded to the Marketing Messages API.",
    ),
]


_NUMBER = [
    ErrorKind(133000, 500, "Incomplete deregistration", "Deregister again."),
    ErrorKind(
        133004, 503, "Server temporarily unavailable", "Try again.", transient=True
    ),
    ErrorKind(
        133005, 400, "Two step verification PIN mismatch", "The PIN is incorrect."
    ),
    ErrorKind(
        133006,
        400,
        "Phone number re-verification needed",
        "Verify the phone number before registering it.",
    ),
    ErrorKind(
        133008,
        400,
        "Too many two step verification PIN guesses",
        "Too many PIN guesses for this phone number.",
    ),
    ErrorKind(
        133009,
        400,
        "Two step verification PIN guessed too fast",
        "The PIN was entered too quickly.",
    ),
    ErrorKind(
        133010,
        400,
        "Phone number not registered",
        "Phone number not registered on the WhatsApp Business Platform.",
    ),
    ErrorKind(
        133015,
        400,
        "Please wait a few minutes before attempting to register this number",
        "The number was deleted recently.",
    ),
    ErrorKind(
        133016,
        400,
        "Account register deregister rate limit exceeded",
        "10 requests in 72 hours were made.",
    ),
    ErrorKind(134011, 400, "WhatsApp Payments terms of service not accepted", ""),
    ErrorKind(136024, 400, "Request code error", "Try again later."),
    ErrorKind(136025, 400, "Verify code error", "The code is incorrect."),
    ErrorKind(139200, 400, "Direct Send is blocked", "The account may not use it."),
]


KINDS = {kind.code: kind for kind in _GRAPH + _MESSAGE + _TEMPLATE + _NUMBER}


class GraphError(Exception):
    """A refusal in Meta's words; becomes the answer of the request.

    :param int code: a code of :data:`KINDS`.
    :param str details: replaces the usual ``error_data.details``.
    :param str message: replaces the whole ``error.message``.
    :param more: further keys of ``error`` (``error_subcode``, ``type``, …).
    """

    def __init__(self, code, details=None, message=None, http=None, **more):
        self.kind = KINDS[code]
        self.details = self.kind.details if details is None else details
        self.message = message or titled(self.kind)
        self.http = http or self.kind.http
        self.more = more
        super().__init__(self.message)

    def body(self):
        """The answer as a dict: ``{"error": {…}}``."""
        error = {
            "message": self.message,
            "type": "OAuthException",
            "code": self.kind.code,
        }
        if self.kind.transient:
            error["is_transient"] = True
        if self.details:
            error["error_data"] = {
                "messaging_product": "whatsapp",
                "details": self.details,
            }
        error.update(self.more)
        error["fbtrace_id"] = trace_id()
        return {"error": error}


def titled(kind):
    """Meta's message of a code: ``(#130429) Rate limit hit``."""
    if kind.code in UNPREFIXED:
        return kind.title
    return f"(#{kind.code}) {kind.title}"


def trace_id():
    """A fresh ``fbtrace_id``: 23 characters, the first an A."""
    return "A" + secrets.token_urlsafe(17)[:22]


def status_error(code, details=None):
    """``errors[0]`` of a ``failed`` status."""
    kind = KINDS[code]
    return {
        "code": code,
        "title": kind.title,
        "message": kind.title,
        "error_data": {"details": details or kind.details or kind.title},
        "href": HREF,
    }


def missing_object(method, object_id):
    """Meta's answer for an id that does not exist or that the token cannot see."""
    return GraphError(
        100,
        details="",
        message=(
            f"Unsupported {method.lower()} request. Object with ID '{object_id}' does "
            "not exist, cannot be loaded due to missing permissions, or does not "
            "support this operation. Please read the Graph API documentation at "
            "https://developers.facebook.com/docs/graph-api"
        ),
        type="GraphMethodException",
        error_subcode=33,
    )


def required(name):
    """Meta's answer for a missing top-level parameter."""
    return GraphError(
        100, details="", message=f"(#100) The parameter {name} is required."
    )
