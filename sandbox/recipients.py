"""What happens to a message after it was taken: statuses, and answers."""

import random

from .events import (
    InboundUpdate,
    PreferenceUpdate,
    StatusUpdate,
    message_id,
)

# Seconds, before the scale of the settings; each after the one before.
SENT = (0.05, 0.3)
DELIVERED = (0.2, 2.0)
READ = (1.0, 6.0)
ANSWERED = (1.0, 4.0)
SECOND_COPY = 0.5

ANSWERS = ("Thank you!", "How much is it?", "Sounds good 👍", "Call me, please", "¡Sí!")

# Which of a person's draws settles what.
(
    _NAME,
    HIDDEN,
    IS_DELIVERED,
    IS_READ,
    IS_SILENT,
    IS_ANSWERED,
    IS_STOP,
    ANSWER,
    DUPLICATE,
    DISORDER,
    SENT_DELAY,
    DELIVERED_DELAY,
    READ_DELAY,
    ANSWER_DELAY,
) = range(14)


def follow(state, message, arrived, answered_at, content):
    """Schedule all that a taken message brings about.

    :param float arrived: when the request came, monotonic seconds.
    :param float answered_at: when the sender gets the answer.
    :param dict content: the request, to see which button may be pressed.
    """
    draws, settings = message.person.draws, state.settings
    events = journey(message, settings, answered_at, content["type"] == "reaction")
    if draws[DISORDER] < settings.disorder:
        events = shuffled(events, arrived)
    for due, update in events:
        emit(state, due, update, draws[DUPLICATE] < settings.duplicates)
    read = any(update.status == "read" for _, update in events)
    if read and draws[IS_ANSWERED] < settings.replies:
        last = max(due for due, _ in events)
        due = last + delay(ANSWERED, draws[ANSWER_DELAY], settings)
        emit(state, due, answer(state, message, content), False)


def emit(state, due, update, twice):
    state.outbox.schedule(due, update)
    if twice:
        state.outbox.schedule(due + SECOND_COPY * state.settings.status_delays, update)


def delay(bounds, draw, settings):
    low, high = bounds
    return (low + (high - low) * draw) * settings.status_delays


def journey(message, settings, start, reaction):
    """``[(due, StatusUpdate)]`` in the usual order; a reaction is only sent."""
    draws = message.person.draws
    due = start + delay(SENT, draws[SENT_DELAY], settings)
    events = [(due, StatusUpdate(message, "sent", priced=True))]
    if reaction or draws[IS_DELIVERED] >= settings.delivered:
        return events
    due += delay(DELIVERED, draws[DELIVERED_DELAY], settings)
    read = draws[IS_READ] < settings.read
    silent = read and draws[IS_SILENT] < settings.silent_delivery
    if not silent:
        events.append((due, StatusUpdate(message, "delivered", priced=True)))
    if read:
        due += delay(READ, draws[READ_DELAY], settings)
        events.append((due, StatusUpdate(message, "read", priced=silent)))
    return events


def shuffled(events, arrived):
    """The same statuses in another order, the first one before the answer."""
    dues = [arrived, *(due for due, _ in events[1:])]
    updates = [update for _, update in events]
    random.Random(updates[0].message.person.user_id).shuffle(updates)
    return list(zip(dues, updates, strict=True))


def fail(state, message, answered_at, error):
    """Schedule the ``failed`` status; ``error``: (code, details or None)."""
    draws, settings = message.person.draws, state.settings
    due = answered_at + delay(SENT, draws[SENT_DELAY], settings)
    update = StatusUpdate(message, "failed", error=error)
    emit(state, due, update, draws[DUPLICATE] < settings.duplicates)


def answer(state, message, content):
    """The update with which a person reacts to a message: a text or an opt-out."""
    draws = message.person.draws
    if draws[IS_STOP] < state.settings.stop_share:
        return stop(state, message, content)
    text = ANSWERS[int(draws[ANSWER] * len(ANSWERS))]
    return inbound(message, {"type": "text", "text": {"body": text}})


def stop(state, message, content):
    """Opt-outs come by the word, by the template's button, or inside WhatsApp."""
    button = stop_button(state, message, content)
    draw = message.person.draws[ANSWER]
    if button and draw < 0.5:
        return inbound(message, {"type": "button", "button": button})
    if draw < 0.75:
        return inbound(message, {"type": "text", "text": {"body": "STOP"}})
    return PreferenceUpdate(
        message.number, message.person, message.phone_hidden, "stop"
    )


def stop_button(state, message, content):
    """``{"payload", "text"}`` of a quick reply that says stop, or None."""
    sent = content.get("template")
    if not sent:
        return None
    template = state.template(
        message.number.waba.id, sent["name"], sent["language"]["code"]
    )
    for index, button in enumerate(template.buttons if template else ()):
        if button["type"] == "QUICK_REPLY" and "stop" in button["text"].lower():
            payload = quick_reply_payload(sent, index) or button["text"]
            return {"payload": payload, "text": button["text"]}
    return None


def quick_reply_payload(sent, index):
    for component in sent.get("components") or ():
        if str(component.get("index")) == str(index) and component.get("parameters"):
            return component["parameters"][0].get("payload")
    return None


def inbound(message, content):
    """An inbound message that quotes ``message``."""
    context = {"from": message.number.digits, "id": message.id}
    person = message.person
    return InboundUpdate(
        message_id(person.wa_id or person.user_id, inbound=True),
        message.number,
        person,
        message.phone_hidden,
        {"context": context, **content},
    )
