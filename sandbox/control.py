"""``/_sandbox/…``: what Meta's dashboard, people and fate do. See README.md."""

import base64
import binascii
import time
from dataclasses import fields

from aiohttp import web

from . import media, template_edges
from .errors import KINDS, GraphError
from .events import (
    AccountUpdate,
    EchoUpdate,
    InboundUpdate,
    PreferenceUpdate,
    envelope,
    message_id,
)
from .people import USER_ID
from .recipients import HIDDEN
from .samples import sample
from .state import STATE, Token
from .webhooks import escaped

# One pixel, so that inbound images can be downloaded.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA"
    "AABJRU5ErkJggg=="
)
NUMBER_FIELDS = {
    "messages_per_second",
    "registered",
    "pin",
    "status",
    "quality_rating",
    "name_status",
    "code_verification_status",
    "messaging_limit",
    "send_error",
}


class BadRequest(Exception):
    """A control request that cannot be done; the text says what to do."""


def control(handler):
    """Wrap ``handler(state, values) → dict`` as an aiohttp handler."""

    async def handle(request):
        state = request.app[STATE]
        try:
            values = await request.json() if request.can_read_body else {}
            if not isinstance(values, dict):
                raise BadRequest("the body must be a JSON object")
            result = await handler(state, {**values, **request.match_info})
        except GraphError as error:
            return web.json_response(error.body(), status=error.http)
        except KeyError as error:
            return refusal(f"{error} is missing or unknown")
        except (BadRequest, ValueError, TypeError) as error:
            return refusal(str(error))
        return web.json_response(result)

    return handle


def refusal(text):
    return web.json_response({"error": text}, status=400)


async def health(state, values):
    return {"status": "ok"}


async def bill(state, values):
    """What was charged, or free, by delivery."""
    names = ("prefix", "category", "type")
    return {
        "lines": [
            {**dict(zip(names, key, strict=True)), "messages": count}
            for key, count in sorted(state.bill.items())
        ]
    }


async def report(state, values):
    """Counts, and what is still to come."""
    outbox = state.outbox
    return {
        "uptime": time.monotonic() - state.started,
        "messages": {
            "accepted": state.results["accepted"],
            "refused": {
                code: count
                for code, count in sorted(state.results.items())
                if code != "accepted"
            },
        },
        "faults": dict(state.faults),
        "events": {
            "pending": outbox.pending(),
            "recorded": outbox.recorded(),
            "delivered": outbox.counts["delivered"],
            "dropped": outbox.counts["dropped"],
            "given_up": outbox.counts["given_up"],
            "posts": outbox.counts["posts"],
            "unsuccessful_posts": outbox.counts["unsuccessful_posts"],
        },
        "reviews_pending": state.reviews_pending,
        "numbers": {
            one.id: {
                "accepted": one.accepted,
                "most_arrivals_in_one_second": one.throughput.arrivals.peak,
                "registered": one.registered,
                "status": one.status,
            }
            for one in state.numbers.values()
        },
        "subscribed": {one.id: one.subscribed for one in state.wabas.values()},
        "settings": state.settings.public(),
    }


async def change_settings(state, values):
    state.settings.change(values)
    return state.settings.public()


async def release(state, values):
    """Send what was recorded; stops recording unless ``keep_recording``."""
    if not values.get("keep_recording", False):
        state.settings.record = False
    return {"released": state.outbox.release(values.get("per_second"))}


async def receive(state, values):
    """A person writes to a number."""
    return write(state, values, InboundUpdate)


async def echo(state, values):
    """The business writes to a person in the WhatsApp Business app."""
    return write(state, values, EchoUpdate)


def write(state, values, update_class):
    number = state.numbers[values["phone_number_id"]]
    person, hidden = someone(state, values)
    kind = values.get("type", "text")
    content = {"type": kind, kind: values.get(kind) or default_content(kind)}
    if kind in media.KINDS:
        content[kind] = inbound_media(state, number, kind, content[kind])
    for name in ("context", "referral", "errors", "from_parent_user_id"):
        if name in values:
            content[name] = values[name]
    inbound = update_class is InboundUpdate
    wamid = values.get("id") or message_id(person.wa_id or person.user_id, inbound)
    update = update_class(wamid, number, person, hidden, content)
    state.outbox.schedule(time.monotonic(), update)
    return {"id": wamid, "wa_id": person.wa_id, "user_id": person.user_id}


def someone(state, values):
    """``(Person, phone hidden?)`` of the keys ``from``, ``user_id``, ``hide_phone``."""
    phone, user_id = values.get("from"), values.get("user_id")
    if phone:
        person = state.people.by_phone("".join(filter(str.isdigit, str(phone))))
        hidden = person.draws[HIDDEN] < state.settings.hide_phones
        return person, bool(values.get("hide_phone", hidden))
    if not USER_ID.fullmatch(str(user_id)):
        raise BadRequest("give from (a phone) or user_id (such as US.1349120865530)")
    return state.people.by_user_id(user_id), True


def default_content(kind):
    contents = {
        "text": {"body": "Hello!"},
        "location": {"latitude": 52.52, "longitude": 13.405, "name": "Berlin"},
        "contacts": [{"name": {"formatted_name": "Ann Lee", "first_name": "Ann"}}],
        "button": {"payload": "Stop promotions", "text": "Stop promotions"},
        "interactive": {
            "type": "button_reply",
            "button_reply": {"id": "yes", "title": "Yes"},
        },
        "reaction": {"message_id": "wamid.unknown", "emoji": "👍"},
        "order": {
            "catalog_id": "194836987003835",
            "product_items": [
                {
                    "product_retailer_id": "SKU1",
                    "quantity": 1,
                    "item_price": 30,
                    "currency": "USD",
                }
            ],
        },
        "edit": {
            "original_message_id": "wamid.unknown",
            "message": {"type": "text", "text": {"body": "Hello?"}},
        },
        "revoke": {"original_message_id": "wamid.unknown"},
        "system": {
            "type": "user_changed_number",
            "wa_id": "4915112349999",
            "body": "The number has changed",
        },
        "unsupported": {"type": "unknown"},
        **dict.fromkeys(media.KINDS, {}),
    }
    if kind not in contents:
        raise BadRequest(f"type must be one of {', '.join(sorted(contents))}")
    return contents[kind]


def inbound_media(state, number, kind, content):
    """Store the file (``data``: base64, or one pixel) and describe it."""
    content = dict(content)
    mime_type = content.pop("mime_type", media.KINDS[kind][0][0])
    data = content.pop("data", None)
    if data is None and kind == "image":
        mime_type, raw = "image/png", PIXEL
    else:
        raw = decoded(data or "c2FuZGJveA==")
    stored = media.store(state, number, mime_type, raw, media.INBOUND_SECONDS)
    digest = binascii.b2a_base64(bytes.fromhex(stored.sha256()), newline=False)
    return {
        "id": stored.id,
        "mime_type": mime_type,
        "sha256": digest.decode(),
        **content,
    }


def decoded(data):
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise BadRequest("data must be base64") from None


async def receipts(state, values):
    """The messages that were marked as read, in order."""
    return {"receipts": state.receipts}


async def prefer(state, values):
    """A person stops or resumes marketing inside WhatsApp."""
    if values["value"] not in ("stop", "resume"):
        raise BadRequest("value must be stop or resume")
    number = state.numbers[values["phone_number_id"]]
    update = PreferenceUpdate(number, *someone(state, values), values["value"])
    state.outbox.schedule(time.monotonic(), update)
    return {"success": True}


async def send_event(state, values):
    """Any event: ``{"waba_id", "field", "value"}``, sent like all others."""
    waba = state.wabas[values["waba_id"]]
    update = AccountUpdate(waba.id, values["field"], values["value"])
    state.outbox.schedule(time.monotonic(), update)
    return {"success": True}


async def send_payload(state, values):
    """One signed POST of a whole ``payload``, now; answers the HTTP status."""
    url = values.get("url") or webhook_url(state)
    return {"status": await state.outbox.post(url, escaped(values["payload"]))}


def webhook_url(state):
    if not state.settings.webhook:
        raise BadRequest("there is no webhook yet: start with --webhook, or verify one")
    return state.settings.webhook


async def verify_webhook(state, values):
    """The dashboard's "Verify and save"."""
    url = values.get("callback_url") or webhook_url(state)
    token = values.get("verify_token", state.settings.verify_token)
    await state.connect_webhook(url, token)
    return {"success": True, "callback_url": url}


async def try_webhook(state, values):
    """The dashboard's "Test": one signed sample for each field."""
    names = values.get("fields") or sorted(state.app.fields)
    waba = state.wabas[values.get("waba_id", next(iter(state.wabas)))]
    number = next(iter(state.waba_numbers(waba)))
    statuses = {}
    for name in names:
        update = sample(state, waba, number, name)
        body = escaped(envelope([(time.time(), update)]))
        statuses[name] = await state.outbox.post(webhook_url(state), body)
    return {"statuses": statuses}


async def change_template(state, values):
    """``status`` (with ``reason``, ``event``), ``quality``, ``category``, …"""
    template = state.templates[values["id"]]
    if "status" in values:
        status, reason = values["status"], values.get("reason", "NONE")
        template_edges.set_status(state, template, status, reason, values.get("event"))
    if "quality" in values:
        template_edges.set_quality(state, template, values["quality"])
    if "category" in values:
        template_edges.set_category(state, template, values["category"])
    if "correct_category" in values:
        template_edges.warn_category(state, template, values["correct_category"])
    return {"success": True}


async def change_number(state, values):
    """Fields of a number; a change of throughput or name is told by webhook."""
    number = state.numbers[values.pop("id")]
    event = values.pop("event", None)
    change(number, values, NUMBER_FIELDS)
    if event:
        value = {
            "display_phone_number": number.digits,
            "event": event,
            "max_daily_conversations_per_business": number.messaging_limit,
        }
        update = AccountUpdate(number.waba.id, "phone_number_quality_update", value)
        state.outbox.schedule(time.monotonic(), update)
    return {"success": True}


async def change_waba(state, values):
    waba = state.wabas[values.pop("id")]
    change(waba, values, {"send_error", "subscribed", "name"})
    return {"success": True}


def change(target, values, known):
    unknown = set(values) - known
    if unknown:
        raise BadRequest(f"cannot change {', '.join(sorted(unknown))}")
    code = values.get("send_error")
    if code is not None and code not in KINDS:
        raise BadRequest(f"there is no error code {code}")
    for name, value in values.items():
        setattr(target, name, value)


async def change_token(state, values):
    """Make or change a token: ``token``, ``valid``, ``expires_at``, ``scopes``, …"""
    text = values["token"]
    known = {one.name for one in fields(Token)}
    if unknown := set(values) - known:
        raise BadRequest(f"a token has no {', '.join(sorted(unknown))}")
    before = state.lookup_token(text) or Token(text)
    state.tokens[text] = Token(**{**vars(before), **values})
    return {"success": True}


def add_routes(app):
    """Hang the control API below ``/_sandbox/``."""
    for method, path, handler in (
        ("GET", "health", health),
        ("GET", "state", report),
        ("GET", "bill", bill),
        ("POST", "settings", change_settings),
        ("POST", "release", release),
        ("POST", "inbound", receive),
        ("POST", "echo", echo),
        ("GET", "receipts", receipts),
        ("POST", "preference", prefer),
        ("POST", "event", send_event),
        ("POST", "payload", send_payload),
        ("POST", "webhook/verify", verify_webhook),
        ("POST", "webhook/test", try_webhook),
        ("POST", "template/{id}", change_template),
        ("POST", "number/{id}", change_number),
        ("POST", "waba/{id}", change_waba),
        ("POST", "token", change_token),
    ):
        app.router.add_route(method, f"/_sandbox/{path}", control(handler))
