"""Webhook bodies as Meta posts them, and accepted recipients that they are about.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterable
from typing import NamedTuple

from tools.stage import NUMBER_ID, WABA_ID, Stage

SECRET = b"sandbox-app-secret"

ACCEPTED = """
INSERT INTO whatsapp_broadcast_recipient (
    broadcast_id, company_id, account_id, number_id, template_id, lang,
    address, phone, state, attempt_count, accepted_at, provider_message_id
)
SELECT b.id, b.company_id, b.account_id, b.number_id, b.template_id, 'en_US',
    '+4915' || (100000000 + n), '+4915' || (100000000 + n), 'accepted', 1,
    clock_timestamp() AT TIME ZONE 'UTC', 'wamid.' || md5(n::text) || md5(b.id::text)
FROM whatsapp_broadcast b, generate_series(1, %s) AS n
WHERE b.id = %s
"""
TOKENS = """
UPDATE whatsapp_broadcast_recipient SET token = 'r' || id || '-' || md5(id::text)
WHERE broadcast_id = %s
"""


class Recipient(NamedTuple):
    """What a status says of the message's row."""

    message_id: str
    phone: str
    token: str


def make_accepted(stage: Stage, count: int) -> list[Recipient]:
    """Make a broadcast that is done, with ``count`` accepted recipients."""
    broadcast = stage.broadcast(stage.make_leads(["+12015550100"]), "hello_world")
    stage.execute(
        "UPDATE whatsapp_broadcast SET state = 'done' WHERE id = %s", broadcast
    )
    stage.execute(ACCEPTED, count, broadcast)
    stage.execute(TOKENS, broadcast)
    rows = stage.query(
        "SELECT provider_message_id, phone, token FROM whatsapp_broadcast_recipient"
        " WHERE broadcast_id = %s ORDER BY id",
        broadcast,
    )
    return list(itertools.starmap(Recipient, rows))


def statuses(recipients: Iterable[Recipient], status: str = "delivered") -> bytes:
    """Return one delivery with a status of each recipient."""
    found = [_status(recipient, status) for recipient in recipients]
    return _body({"statuses": found})


def inbound(recipient: Recipient) -> bytes:
    """Return one delivery with a text that a person wrote."""
    wa_id = recipient.phone.lstrip("+")
    message = {
        "from": wa_id,
        "id": f"wamid.in{recipient.token}",
        "timestamp": f"{time.time():.0f}",
        "type": "text",
        "text": {"body": "Thank you, I will come on Friday."},
    }
    contact = {"profile": {"name": "Ann Lee"}, "wa_id": wa_id}
    return _body({"contacts": [contact], "messages": [message]})


def signature(body: bytes) -> str:
    """Return the value of ``X-Hub-Signature-256``."""
    return f"sha256={hmac.new(SECRET, body, hashlib.sha256).hexdigest()}"


def _status(recipient: Recipient, status: str) -> dict:
    return {
        "id": recipient.message_id,
        "status": status,
        "timestamp": f"{time.time():.0f}",
        "recipient_id": recipient.phone.lstrip("+"),
        "biz_opaque_callback_data": recipient.token,
        "conversation": {"id": "c" * 32, "origin": {"type": "utility"}},
        "pricing": {
            "billable": True,
            "pricing_model": "PMP",
            "category": "utility",
            "type": "regular",
        },
    }


def _body(value: dict) -> bytes:
    metadata = {"display_phone_number": "15550100001", "phone_number_id": NUMBER_ID}
    value = {"messaging_product": "whatsapp", "metadata": metadata, **value}
    change = {"field": "messages", "value": value}
    entry = {"id": WABA_ID, "changes": [change]}
    delivery = {"object": "whatsapp_business_account", "entry": [entry]}
    return json.dumps(delivery, separators=(",", ":")).encode()
