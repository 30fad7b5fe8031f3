"""Templates of an account: list, create, read, edit, delete, approve."""

import asyncio
import json
import secrets
import time

from .errors import GraphError, required
from .events import AccountUpdate
from .fields import page, selected
from .template_rules import check_components, check_new, refused
from .templates import Template

DEFAULT_FIELDS = (
    "name",
    "parameter_format",
    "components",
    "language",
    "status",
    "category",
    "id",
)
NODE = "WhatsAppMessageTemplate"
DAY = 86400


def template_fields(template):
    return {
        "id": template.id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "category": template.category,
        "previous_category": template.previous_category,
        "correct_category": template.correct_category or template.category,
        "sub_category": None,
        "components": template.components,
        "parameter_format": template.parameter_format,
        "quality_score": {"score": template.quality, "date": int(template.updated)},
        "rejected_reason": template.rejected_reason,
        "message_send_ttl_seconds": template.message_send_ttl_seconds,
        "library_template_name": None,
        "last_updated_time": lambda: iso(template.updated),
        "cta_url_link_tracking_opted_out": False,
        "health_status": lambda: health(template),
        "source": "USER",
    }


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(seconds))


def health(template):
    state = "AVAILABLE" if template.status == "APPROVED" else "BLOCKED"
    entity = {
        "entity_type": "MESSAGE_TEMPLATE",
        "id": template.id,
        "can_send_message": state,
    }
    if state == "BLOCKED":
        entity["errors"] = [
            {"error_code": 141002, "error_description": "Template is not approved."}
        ]
    return {"can_send_message": state, "entities": [entity]}


async def read(call):
    wanted = call.request.query.get("fields")
    return selected(template_fields(call.target), wanted, DEFAULT_FIELDS, NODE)


async def of_waba(call):
    """Templates of an account; filters name, status, category, language, …"""
    query = dict(call.request.query)
    found = [
        one
        for one in call.state.templates.values()
        if one.waba_id == call.target.id and matches(one, query)
    ]
    templates, paging = page(call, call.request.path, found, query)
    data = [
        selected(template_fields(one), query.get("fields"), DEFAULT_FIELDS, NODE)
        for one in templates
    ]
    return {"data": data, **({"paging": paging} if paging else {})}


def matches(template, query):
    for name in ("status", "category", "language"):
        if query.get(name, getattr(template, name)) != getattr(template, name):
            return False
    if query.get("quality_score", template.quality) != template.quality:
        return False
    return query.get("name", "") in template.name


async def create(call):
    """A new template, PENDING until the sandbox approves it."""
    values = decoded(await call.parameters())
    check_new(values)
    state, waba = call.state, call.target
    if state.template(waba.id, values["name"], values["language"]):
        raise refused(
            2388024,
            "Content in this language already exists",
            "There is already content in this language for this template.",
        )
    template = Template(
        id=str(secrets.randbelow(9 * 10**14) + 10**15),
        waba_id=waba.id,
        name=values["name"],
        language=values["language"],
        category=values["category"],
        components=with_texts(values["components"]),
        parameter_format=values.get("parameter_format", "POSITIONAL"),
        message_send_ttl_seconds=values.get("message_send_ttl_seconds"),
        status="PENDING",
    )
    state.add_template(template)
    state.background(review(state, template))
    return {"id": template.id, "status": "PENDING", "category": template.category}


def decoded(values):
    """Forms carry lists and objects as JSON text."""
    if isinstance(values.get("components"), str):
        try:
            values["components"] = json.loads(values["components"])
        except ValueError:
            raise GraphError(100, "components is not valid JSON.") from None
    return values


def with_texts(components):
    """Authentication bodies have no text of their own: Meta writes it."""
    for one in components:
        if one["type"] == "BODY" and not one.get("text"):
            one["text"] = "*{{1}}* is your verification code."
    return components


async def review(state, template):
    """Approve after the chosen time; names with ``reject`` in them are refused."""
    state.reviews_pending += 1
    try:
        await asyncio.sleep(state.settings.approve_after)
    finally:
        state.reviews_pending -= 1
    if template.id not in state.templates or template.status != "PENDING":
        return
    if "reject" in template.name:
        set_status(state, template, "REJECTED", "INVALID_FORMAT")
    else:
        set_status(state, template, "APPROVED")


def head(template):
    """How webhooks name a template: the id is a number there."""
    return {
        "message_template_id": int(template.id),
        "message_template_name": template.name,
        "message_template_language": template.language,
    }


def set_status(state, template, status, reason="NONE", event=None):
    """Change the status and tell the webhook."""
    template.status, template.updated = status, time.time()
    template.rejected_reason = reason if status == "REJECTED" else "NONE"
    value = {
        "event": event or status,
        **head(template),
        "reason": reason,
        "message_template_category": template.category,
    }
    announce(state, template, "message_template_status_update", value)


def set_quality(state, template, score):
    value = {
        "previous_quality_score": template.quality,
        "new_quality_score": score,
        **head(template),
    }
    template.quality = score
    announce(state, template, "message_template_quality_update", value)


def set_category(state, template, category):
    """Meta has changed the category."""
    value = {
        **head(template),
        "previous_category": template.category,
        "new_category": category,
    }
    template.previous_category, template.category = template.category, category
    template.correct_category = None
    announce(state, template, "template_category_update", value)


def warn_category(state, template, category):
    """Meta will change the category in a day: ``new_category`` is the present one."""
    template.correct_category = category
    value = {
        **head(template),
        "new_category": template.category,
        "correct_category": category,
        "category_update_timestamp": int(time.time()) + DAY,
    }
    announce(state, template, "template_category_update", value)


def announce(state, template, field, value):
    update = AccountUpdate(template.waba_id, field, value)
    state.outbox.schedule(time.monotonic(), update)


async def edit(call):
    """Replace components or category; then it is reviewed again."""
    values, template = decoded(await call.parameters()), call.target
    if template.status not in ("APPROVED", "REJECTED", "PAUSED"):
        raise refused(2388028, "Template cannot be edited", "Its status forbids it.")
    category = values.get("category", template.category)
    if template.status == "APPROVED" and category != template.category:
        raise refused(
            2388028,
            "Category cannot be edited",
            "The category of an approved template cannot be edited.",
        )
    components = values.get("components", template.components)
    check_components(components, template.named, category)
    count_edit(template)
    template.set_components(with_texts(components))
    template.category, template.status = category, "PENDING"
    template.updated = time.time()
    call.state.background(review(call.state, template))
    return {"success": True}


def count_edit(template):
    """An approved template can be edited once a day and ten times in 30 days."""
    now = time.time()
    if template.status == "APPROVED":
        recent = [one for one in template.edits if one > now - 30 * DAY]
        if len(recent) >= 10 or any(one > now - DAY for one in recent):
            raise refused(
                2388028, "Too many edits", "It was edited too often; try again later."
            )
    template.edits.append(now)


async def unpause(call):
    if call.target.status != "PAUSED":
        raise GraphError(100, "The template is not paused.")
    set_status(call.state, call.target, "APPROVED")
    return {"success": True}


async def delete(call):
    """By ``name`` (all languages) or by ``hsm_id`` and ``name`` (one)."""
    query, state = await call.parameters(), call.state
    name, hsm_id = query.get("name"), query.get("hsm_id")
    if not name:
        raise required("name")
    found = [
        one
        for one in state.templates.values()
        if one.waba_id == call.target.id
        and one.name == name
        and hsm_id in (None, one.id)
    ]
    if not found:
        raise refused(
            2593002, "Message Template Not Found", f"There is no template {name}."
        )
    if any(one.status == "DISABLED" for one in found):
        raise refused(2388028, "Template cannot be deleted", "It is disabled.")
    for one in found:
        state.remove_template(one)
    return {"success": True}
