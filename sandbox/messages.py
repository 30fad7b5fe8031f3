"""``POST /{phone_number_id}/messages``: check, take, answer."""

import json
import re
import time

from . import recipients
from .errors import KINDS, GraphError, required
from .events import Message, message_id
from .faults import drawn
from .media import link_problem, media_problem
from .people import USER_ID, dialled
from .recipients import HIDDEN
from .templates import check_parameters, check_usable
from .validation import MEDIA_TYPES, check_message

ACCEPTED = "accepted"


async def send(call):
    """The messages edge of a number."""
    return await take_request(call, marketing=False)


async def send_marketing(call):
    """The marketing_messages edge: templates of category MARKETING only."""
    return await take_request(call, marketing=True)


async def take_request(call, marketing):
    content = parse(await call.request.read())
    if content.get("status") == "read":
        return mark_read(call, content)
    call.line = ledger_keys(content)
    return await take(call, content, marketing)


async def note_refusal(call, number_id, error):
    """Count and write a refused message request, whatever refused it."""
    if call.line is None:
        try:
            content = parse(await call.request.read())
        except GraphError:
            content = {}
        if "status" in content:
            return
        call.line = ledger_keys(content)
    record(call, number_id, None, str(error.kind.code))


def parse(body):
    try:
        content = json.loads(body)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise GraphError(100, "The body is not a JSON object.")
    return content


def ledger_keys(content):
    """What the ledger says of a request, whatever its form."""
    return {
        "to": content.get("to") or content.get("recipient"),
        "type": content.get("type", "text"),
        "callback_data": content.get("biz_opaque_callback_data"),
        "context_id": quoted(content),
        "links": links(content),
    }


def links(content):
    """Return the addresses in what was sent; of a template's buttons their ends."""
    kind = content.get("type", "text")
    said = content.get(kind)
    if not isinstance(said, dict):
        return []
    if kind == "template":
        return [str(end) for end in button_ends(said)]
    return re.findall(
        r"https?://\S+", str(said.get("body") or said.get("caption") or "")
    )


def button_ends(template):
    for component in template.get("components") or ():
        if isinstance(component, dict) and component.get("sub_type") == "url":
            for parameter in component.get("parameters") or ():
                if isinstance(parameter, dict):
                    yield parameter.get("text")


def quoted(content):
    context = content.get("context")
    return context.get("message_id") if isinstance(context, dict) else None


def record(call, number_id, sent_id, result):
    """Count and write one line; before the first ``await`` after the decision."""
    call.state.results[result] += 1
    call.state.ledger.write(call.arrived, number_id, call.line, sent_id, result)


async def take(call, content, marketing):
    """Everything from the checks to the answer; nothing waits before the ledger."""
    state, number, now = call.state, call.target, call.arrived
    check_sender(state, number, now)
    fault = drawn(state)
    if isinstance(fault, int):
        state.faults[str(fault)] += 1
        raise GraphError(fault)
    if fault:
        state.faults[fault.name] += 1
        if not fault.taken:
            record(call, number.id, None, fault.result)
            return await respond_badly(call, fault)
    person, address = recipient(state, number, content)
    call.line["to"] = address
    check_message(content)
    category, media = check_content(state, number, content, marketing)
    raise_suffix_error(address)
    check_pair(state, number, person, now)
    message = new_message(state, number, person, content, category, now)
    record(call, number.id, message.id, ACCEPTED)
    number.accepted += 1
    schedule(call, message, content, media, address)
    if fault:
        return await respond_badly(call, fault)
    return answer(content, message)


async def respond_badly(call, fault):
    await call.wait_latency()
    return await fault.respond(call.request)


def check_sender(state, number, now):
    """Raise what stops every message of this number."""
    default = state.settings.messages_per_second
    fits = number.throughput.admit(now, number.limit(default))
    code = number.send_error or number.waba.send_error
    if code and not KINDS[code].by_webhook:
        raise GraphError(code)
    if not number.registered:
        raise GraphError(133010)
    if not fits:
        raise GraphError(130429)


def recipient(state, number, content):
    """``(Person, address)``; the address is ``+`` and digits, or a user id."""
    to, user_id = content.get("to"), content.get("recipient")
    if to:
        digits = dialled(str(to), number.country_dial_code)
        if digits is None:
            raise GraphError(131009, "Recipient phone number is not valid.")
        if digits == number.digits:
            raise GraphError(131021)
        return state.people.by_phone(digits), f"+{digits}"
    if not user_id:
        raise required("to")
    if not USER_ID.fullmatch(str(user_id)):
        raise GraphError(131009, "recipient is not a business-scoped user id.")
    return state.people.by_user_id(user_id), user_id


def check_pair(state, number, person, now):
    pair = (number.id, person.user_id)
    if state.settings.pair_limit and not state.pairs.admit(pair, now):
        raise GraphError(131056)


def check_content(state, number, content, marketing):
    """``(category, media)``; media is ``(kind, {"id"|"link"})`` or None."""
    kind = content.get("type", "text")
    if kind != "template":
        if marketing:
            raise GraphError(131055)
        return "service", (kind, content[kind]) if kind in MEDIA_TYPES else None
    sent = content["template"]
    name, language = sent["name"], sent["language"]["code"]
    template = state.template(number.waba.id, name, language)
    check_usable(template, name, language)
    if marketing and template.category != "MARKETING":
        raise GraphError(134100)
    if template.category == "AUTHENTICATION" and not content.get("to"):
        raise GraphError(131062)
    media = check_parameters(template, sent.get("components") or [])
    return "marketing_lite" if marketing else template.category.lower(), media


def suffix_code(address):
    """The error code that the last six digits of an address name, or None."""
    suffix = address[-6:]
    if len(suffix) == 6 and suffix.isdigit() and int(suffix) in KINDS:
        return int(suffix)
    return None


def raise_suffix_error(address):
    code = suffix_code(address)
    if code is not None and not KINDS[code].by_webhook:
        raise GraphError(code)


def new_message(state, number, person, content, category, now):
    hidden = person.wa_id is None or person.draws[HIDDEN] < state.settings.hide_phones
    in_window = state.window_open(number, person, now)
    return Message(
        message_id(person.wa_id or person.user_id),
        number,
        person,
        hidden,
        content.get("biz_opaque_callback_data"),
        category,
        in_window,
        in_window and category in state.settings.free_in_window,
    )


def schedule(call, message, content, media, address):
    """Settle what webhooks will say of a message that was taken."""
    state = call.state
    error = late_error(state, message, content, media, address)
    link = media[1].get("link") if media else None
    if error:
        recipients.fail(state, message, call.answer_due, error)
    elif link and state.settings.media_links:
        state.background(deliver_link(call, message, content, media[0], link))
    else:
        recipients.follow(state, message, call.arrived, call.answer_due, content)


async def deliver_link(call, message, content, kind, link):
    """Fetch the file first, as Meta does; ``failed`` 131053 if that is no use."""
    problem = await link_problem(call.state, kind, link)
    now = time.monotonic()
    if problem:
        recipients.fail(call.state, message, now, (131053, problem))
    else:
        recipients.follow(call.state, message, now, now, content)


def late_error(state, message, content, media, address):
    """``(code, details or None)`` that a ``failed`` status will bring, or None."""
    number, person = message.number, message.person
    code = suffix_code(address) or number.send_error or number.waba.send_error
    if code:
        return code, None
    if content.get("type", "text") != "template" and not message.in_window:
        return 131047, None
    stopped = (number.waba.id, person.user_id) in state.stopped
    if stopped and message.category.startswith("marketing"):
        return 131050, None
    problem = media_problem(state, number, *media) if media else None
    return (131053, problem) if problem else None


def answer(content, message):
    """Meta's answer to a message that it took."""
    contact = {"input": content.get("to") or content["recipient"]}
    if message.person.wa_id is None:
        contact["user_id"] = message.person.user_id
    else:
        contact["wa_id"] = message.person.wa_id
    sent = {"id": message.id}
    if content.get("type") == "template":
        sent["message_status"] = ACCEPTED
    return {
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [sent],
    }


def mark_read(call, content):
    """``status: read`` of an inbound message."""
    if content.get("messaging_product") != "whatsapp":
        raise required("messaging_product")
    if content.get("message_id") not in call.state.inbound_ids:
        raise GraphError(131009, "Message ID is not found.")
    receipt = {"phone_number_id": call.target.id, "message_id": content["message_id"]}
    call.state.receipts.append(receipt)
    return {"success": True}
