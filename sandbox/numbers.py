"""Phone numbers: ``/{waba}/phone_numbers``, ``/{phone_number_id}``, register."""

import re

from .errors import GraphError, required
from .fields import page, selected

DEFAULT_FIELDS = (
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "webhook_configuration",
    "id",
)
NODE = "WhatsAppBusinessPhoneNumber"
MOST_GUESSES = 5


def number_fields(number, settings):
    """All fields of a number as Meta names them."""
    limit = number.limit(settings.messages_per_second)
    level = "HIGH" if limit >= 1000 else "STANDARD"
    return {
        "id": number.id,
        "display_phone_number": number.display_phone_number,
        "verified_name": number.verified_name,
        "status": number.status if number.registered else "DISCONNECTED",
        "quality_rating": number.quality_rating,
        "quality_score": {"score": number.quality_rating},
        "name_status": number.name_status,
        "code_verification_status": number.code_verification_status,
        "account_mode": number.account_mode,
        "country_dial_code": number.country_dial_code,
        "platform_type": "CLOUD_API" if number.registered else "NOT_APPLICABLE",
        "host_platform": "CLOUD_API" if number.registered else "NOT_APPLICABLE",
        "throughput": {"level": level if number.registered else "NOT_APPLICABLE"},
        "whatsapp_business_manager_messaging_limit": number.messaging_limit,
        "messaging_limit_tier": number.messaging_limit,
        "is_official_business_account": False,
        "is_on_biz_app": number.coexistence,
        "is_pin_enabled": number.pin is not None,
        "webhook_configuration": lambda: callbacks(number, settings),
        "health_status": lambda: health(number),
    }


def callbacks(number, settings):
    found = {
        "phone_number": number.override_callback_uri,
        "whatsapp_business_account": number.waba.override_callback_uri,
        "application": settings.webhook,
    }
    return {name: url for name, url in found.items() if url}


def health(number):
    """Meta's ``health_status``: may this number send, and what hinders it."""
    entity = {"entity_type": "PHONE_NUMBER", "id": number.id}
    if number.registered and not number.send_error:
        entity["can_send_message"] = "AVAILABLE"
    else:
        entity["can_send_message"] = "BLOCKED"
        entity["errors"] = [
            {
                "error_code": number.send_error or 141000,
                "error_description": "The phone number cannot send messages.",
                "possible_solution": "Register the phone number.",
            }
        ]
    waba = {
        "entity_type": "WABA",
        "id": number.waba.id,
        "can_send_message": "BLOCKED" if number.waba.send_error else "AVAILABLE",
    }
    states = {one["can_send_message"] for one in (entity, waba)}
    overall = "BLOCKED" if "BLOCKED" in states else "AVAILABLE"
    return {"can_send_message": overall, "entities": [entity, waba]}


async def read(call):
    values = number_fields(call.target, call.state.settings)
    return selected(values, call.request.query.get("fields"), DEFAULT_FIELDS, NODE)


async def of_waba(call):
    """All numbers of an account, with cursors."""
    query = dict(call.request.query)
    numbers, paging = page(
        call, call.request.path, call.state.waba_numbers(call.target), query
    )
    data = [
        selected(
            number_fields(one, call.state.settings),
            query.get("fields"),
            DEFAULT_FIELDS,
            NODE,
        )
        for one in numbers
    ]
    return {"data": data, **({"paging": paging} if paging else {})}


async def change(call):
    """Two-step PIN, or the number's own callback (verified first)."""
    values = await call.parameters()
    number = call.target
    if "pin" in values:
        number.pin = checked_pin(values["pin"])
        number.pin_guesses = 0
    webhook = values.get("webhook_configuration")
    if isinstance(webhook, dict):
        url = webhook.get("override_callback_uri", "")
        if url:
            await call.state.outbox.verify(url, webhook.get("verify_token", ""))
        number.override_callback_uri = url
    return {"success": True}


def checked_pin(pin):
    if not re.fullmatch(r"\d{6}", str(pin)):
        raise GraphError(100, "", message="(#100) Param pin must be 6 characters long.")
    return str(pin)


async def register(call):
    """Register with the two-step PIN, which is set if there is none yet."""
    values, number = await call.parameters(), call.target
    if values.get("messaging_product") != "whatsapp":
        raise required("messaging_product")
    if "pin" not in values:
        raise required("pin")
    pin = checked_pin(values["pin"])
    if number.pin_guesses >= MOST_GUESSES:
        raise GraphError(133008)
    if number.pin not in (None, pin):
        number.pin_guesses += 1
        raise GraphError(133005)
    number.pin, number.pin_guesses, number.registered = pin, 0, True
    return {"success": True}


async def deregister(call):
    call.target.registered = False
    return {"success": True}
