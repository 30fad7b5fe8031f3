"""What webhooks say: statuses, inbound messages, and events of accounts.

An *update* is one such thing. Updates are small and build their JSON only when
they are sent, since a large run keeps many of them waiting.
Payloads: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from .errors import status_error

# What a person does without writing.
SILENT = ("system", "edit", "revoke", "request_welcome")
CONVERSATION_SECONDS = 86400
# Digits of a phone that tell its country, and "+".
BILLED_PREFIX = 5


def message_id(address, inbound=False):
    """A ``wamid`` that, like Meta's, contains the person's digits or user id."""
    tail = secrets.token_hex(10 if inbound else 9).upper().encode()
    parts = (
        b"\x1c\x18",
        bytes((len(address) & 0x7F,)),
        address.encode(),
        b"\x15\x02\x00\x12\x18" if inbound else b"\x15\x02\x00\x11\x18",
        bytes((len(tail),)),
        tail,
        b"\x00",
    )
    return "wamid." + base64.b64encode(b"".join(parts)).decode()


@dataclass(slots=True)
class Message:
    """A message that the sandbox took.

    ``category``: marketing, utility, authentication, service or marketing_lite.
    ``phone_hidden``: webhooks name the person by user id only. ``is_free``: nothing is
    charged, as the service window is open. ``is_billed``: it is on the bill already.
    """

    id: str
    number: object
    person: object
    phone_hidden: bool
    callback_data: str | None
    category: str
    in_window: bool
    is_free: bool = False
    is_billed: bool = False

    @property
    def price_type(self):
        return "free_customer_service" if self.is_free else "regular"


@dataclass(slots=True)
class StatusUpdate:
    """``status``: sent, delivered, read or failed; ``error``: code and details."""

    message: Message
    status: str
    priced: bool = False
    error: tuple | None = None
    field = "messages"
    key = "statuses"

    @property
    def number(self):
        return self.message.number

    @property
    def waba_id(self):
        return self.message.number.waba.id

    def item(self, happened):
        """The entry of ``statuses``; ``happened``: seconds since 1970."""
        message, person = self.message, self.message.person
        status = {
            "id": message.id,
            "status": self.status,
            "timestamp": str(int(happened)),
        }
        if not message.phone_hidden:
            status["recipient_id"] = person.wa_id
        if message.phone_hidden or self.status != "failed":
            status["recipient_user_id"] = person.user_id
        if message.callback_data is not None:
            status["biz_opaque_callback_data"] = message.callback_data
        if self.priced:
            status.update(self._price(int(happened)))
        if self.error:
            status["errors"] = [status_error(*self.error)]
        return status

    def _price(self, happened):
        message = self.message
        conversation = {
            "id": hashlib.md5(message.id.encode()).hexdigest(),
            "origin": {"type": message.category},
        }
        if self.status == "sent":
            conversation["expiration_timestamp"] = str(happened + CONVERSATION_SECONDS)
        return {
            "conversation": conversation,
            "pricing": {
                "billable": not message.is_free,
                "pricing_model": "PMP",
                "category": message.category,
                "type": message.price_type,
            },
        }

    def contact(self):
        if self.status == "failed":
            return None
        return contact(self.message.person, self.message.phone_hidden)

    def on_due(self, state, now):
        """A delivery is billed, once."""
        message = self.message
        if self.status in ("delivered", "read") and not message.is_billed:
            message.is_billed = True
            prefix = f"+{message.person.wa_id}"[:BILLED_PREFIX]
            state.bill[prefix, message.category, message.price_type] += 1


@dataclass(slots=True)
class InboundUpdate:
    """A message of a person; ``content``: type, its object, perhaps context."""

    id: str
    number: object
    person: object
    phone_hidden: bool
    content: dict
    field = "messages"
    key = "messages"

    @property
    def waba_id(self):
        return self.number.waba.id

    def item(self, happened):
        head = {"from_user_id": self.person.user_id}
        if not self.phone_hidden:
            head["from"] = self.person.wa_id
        return {
            **head,
            "id": self.id,
            "timestamp": str(int(happened)),
            **self.content,
        }

    def contact(self):
        if self.content["type"] == "system":
            return None
        return contact(self.person, self.phone_hidden, profile=True)

    def on_due(self, state, now):
        """Opens the service window, and uses up throughput of the number."""
        if self.content["type"] not in SILENT:
            state.last_inbound[self.number.id, self.person.user_id] = now
        state.inbound_ids.add(self.id)
        if state.settings.inbound_counts:
            self.number.throughput.add_inbound(now)


@dataclass(slots=True)
class EchoUpdate:
    """A message that the business wrote in the WhatsApp Business app."""

    id: str
    number: object
    person: object
    phone_hidden: bool
    content: dict
    field = "smb_message_echoes"
    key = "message_echoes"

    @property
    def waba_id(self):
        return self.number.waba.id

    def item(self, happened):
        to = {"to_user_id": self.person.user_id}
        if not self.phone_hidden:
            to["to"] = self.person.wa_id
        head = {"from": self.number.digits, **to, "id": self.id}
        return {**head, "timestamp": str(int(happened)), **self.content}

    def contact(self):
        return contact(self.person, self.phone_hidden, profile=True)

    def on_due(self, state, now):
        """No window opens."""


@dataclass(slots=True)
class PreferenceUpdate:
    """The person stops or resumes marketing inside WhatsApp."""

    number: object
    person: object
    phone_hidden: bool
    value: str
    field = "user_preferences"
    key = "user_preferences"

    @property
    def waba_id(self):
        return self.number.waba.id

    def item(self, happened):
        who = {"user_id": self.person.user_id}
        if not self.phone_hidden:
            who["wa_id"] = self.person.wa_id
        return {
            **who,
            "detail": f"User requested to {self.value} marketing messages",
            "category": "marketing_messages",
            "value": self.value,
            "timestamp": int(happened),
        }

    def contact(self):
        return contact(self.person, self.phone_hidden, profile=True)

    def on_due(self, state, now):
        stopped = (self.number.waba.id, self.person.user_id)
        if self.value == "stop":
            state.stopped.add(stopped)
        else:
            state.stopped.discard(stopped)


@dataclass(slots=True)
class AccountUpdate:
    """An event of a template, number or account; ``value`` goes out as it is."""

    waba_id: str
    field: str
    value: dict
    number = None

    def on_due(self, state, now):
        """Nothing but the webhook follows; the caller has changed the state."""


def contact(person, phone_hidden, profile=False):
    """An entry of ``contacts``."""
    entry = {"profile": {"name": person.name()}} if profile else {}
    if not phone_hidden:
        entry["wa_id"] = person.wa_id
    entry["user_id"] = person.user_id
    return entry


def envelope(updates):
    """One webhook body for several ``(happened, update)``.

    Updates of one account share an entry, those of one number and kind a change;
    the order within a change is the order given.
    """
    entries, changes = {}, {}
    for happened, update in updates:
        entry = entries.setdefault(
            update.waba_id, {"id": update.waba_id, "changes": []}
        )
        if isinstance(update, AccountUpdate):
            entry["time"] = int(happened)
            entry["changes"].append({"value": update.value, "field": update.field})
            continue
        place = (update.number.id, update.key)
        if place not in changes:
            value = number_value(update.number)
            changes[place] = value
            entry["changes"].append({"value": value, "field": update.field})
        add_update(changes[place], update, happened)
    return {"object": "whatsapp_business_account", "entry": list(entries.values())}


def number_value(number):
    return {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": number.digits,
            "phone_number_id": number.id,
        },
    }


def add_update(value, update, happened):
    who = update.contact()
    if who:
        contacts = value.setdefault("contacts", [])
        if who not in contacts[-1:]:
            contacts.append(who)
    value.setdefault(update.key, []).append(update.item(happened))
