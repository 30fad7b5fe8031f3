"""Accounts, the app, its webhook subscription, and what a token may do."""

from .errors import GraphError, required
from .fields import selected
from .state import SCOPES

WABA_DEFAULT = ("id", "name", "currency", "timezone_id", "message_template_namespace")
APP_DEFAULT = ("link", "name", "id")


async def read_waba(call):
    waba = call.target
    values = {
        "id": waba.id,
        "name": waba.name,
        "currency": waba.currency,
        "timezone_id": waba.timezone_id,
        "country": waba.country,
        "message_template_namespace": f"namespace_{waba.id}",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "status": "ACTIVE",
        "ownership_type": "SELF",
        "owner_business_info": {"id": waba.business_id, "name": waba.name},
        "on_behalf_of_business_info": None,
        "marketing_messages_onboarding_status": "ONBOARDED",
        "marketing_messages_lite_api_status": "ONBOARDED",
        "is_enabled_for_insights": True,
        "health_status": lambda: waba_health(waba),
    }
    fields = call.request.query.get("fields")
    return selected(values, fields, WABA_DEFAULT, "WhatsAppBusinessAccount")


def waba_health(waba):
    state = "BLOCKED" if waba.send_error else "AVAILABLE"
    entity = {"entity_type": "WABA", "id": waba.id, "can_send_message": state}
    if waba.send_error:
        entity["errors"] = [{"error_code": waba.send_error}]
    return {"can_send_message": state, "entities": [entity]}


async def subscribed_apps(call):
    """The apps that get this account's webhooks: ours, or none."""
    if not call.target.subscribed:
        return {"data": []}
    app = call.state.app
    entry = {
        "whatsapp_business_api_data": {
            "link": f"https://www.facebook.com/games/?app_id={app.id}",
            "name": app.name,
            "id": app.id,
        }
    }
    if call.target.override_callback_uri:
        entry["override_callback_uri"] = call.target.override_callback_uri
    return {"data": [entry]}


async def subscribe(call):
    """Subscribe the app; with ``override_callback_uri`` after a handshake there."""
    values = await call.parameters()
    url = values.get("override_callback_uri", "")
    if url:
        if len(url) > 200:
            raise GraphError(100, "override_callback_uri has more than 200 characters")
        await call.state.outbox.verify(url, values.get("verify_token", ""))
    call.target.override_callback_uri = url
    call.target.subscribed = True
    return {"success": True}


async def unsubscribe(call):
    call.target.subscribed = False
    call.target.override_callback_uri = ""
    return {"success": True}


async def read_app(call):
    app = call.target
    values = {
        "id": app.id,
        "name": app.name,
        "link": f"https://www.facebook.com/games/?app_id={app.id}",
        "category": "Business and pages",
    }
    fields = call.request.query.get("fields")
    return selected(values, fields, APP_DEFAULT, "Application")


async def me(call):
    return {"id": "900000000000001", "name": "Sandbox System User"}


def need_app_token(call):
    if call.token.token != call.state.app_token():
        raise GraphError(15)


async def subscriptions(call):
    """The app's webhook subscription."""
    need_app_token(call)
    app, url = call.target, call.state.settings.webhook
    if not url:
        return {"data": []}
    entry = {
        "object": "whatsapp_business_account",
        "callback_url": url,
        "active": True,
        "fields": [{"name": one, "version": "v23.0"} for one in sorted(app.fields)],
    }
    return {"data": [entry]}


async def change_subscription(call):
    """Set callback and fields, after the handshake."""
    need_app_token(call)
    values = await call.parameters()
    for name in ("object", "callback_url", "verify_token"):
        if not values.get(name):
            raise required(name)
    fields = values.get("fields", "messages")
    names = fields.split(",") if isinstance(fields, str) else fields
    await call.state.connect_webhook(values["callback_url"], values["verify_token"])
    call.target.fields = {name.strip() for name in names}
    return {"success": True}


async def debug_token(call):
    """What a token is worth; an invalid one is described, not refused."""
    text = call.request.query.get("input_token")
    if not text:
        raise required("input_token")
    token, app = call.state.lookup_token(text), call.state.app
    head = {"app_id": app.id, "application": app.name, "type": "SYSTEM_USER"}
    if token is None or not token.valid:
        return {"data": {"error": token_error("Malformed access token"), **invalid()}}
    scopes = list(token.scopes)
    known = {**head, "expires_at": token.expires_at, "scopes": scopes}
    if token.expired():
        error = token_error("Error validating access token: Session has expired", 463)
        return {"data": {**known, **invalid(), "error": error, "scopes": scopes}}
    wabas = list(token.waba_ids or call.state.wabas)
    return {
        "data": {
            **known,
            "data_access_expires_at": 0,
            "is_valid": True,
            "issued_at": 1760000000,
            "granular_scopes": [
                {"scope": scope, "target_ids": wabas}
                for scope in scopes
                if scope in SCOPES
            ],
            "user_id": "900000000000001",
        }
    }


def token_error(message, subcode=None):
    error = {"code": 190, "message": message}
    return {**error, "subcode": subcode} if subcode else error


def invalid():
    return {"is_valid": False, "scopes": []}
