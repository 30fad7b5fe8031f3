"""What Meta refuses in a message request before it looks at the recipient.

Limits: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

from .errors import GraphError

MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
CALLBACK_LIMIT = 512


def missing(name):
    return GraphError(131008, f"Required parameter is missing: {name}")


def invalid(details):
    return GraphError(131009, details)


def text_of(parent, name, limit, where, needed=True):
    """A string of at most ``limit`` characters; None if absent and not needed."""
    value = parent.get(name)
    if value is None and not needed:
        return None
    if not isinstance(value, str) or (needed and not value):
        raise missing(f"{where}['{name}']")
    if len(value) > limit:
        raise GraphError(
            100,
            f"Param {where}['{name}'] must be at most {limit} characters long.",
        )
    return value


def check_message(message):
    """Raise Meta's error for a malformed message; templates are checked apart."""
    if message.get("messaging_product") != "whatsapp":
        raise GraphError(
            100, "", message="(#100) The parameter messaging_product is required."
        )
    text_of(message, "biz_opaque_callback_data", CALLBACK_LIMIT, "message", False)
    check_context(message)
    kind = message.get("type", "text")
    check = CHECKS.get(kind)
    if check is None:
        raise GraphError(100, f"Param type must be one of {sorted(CHECKS)}.")
    content = message.get(kind)
    if not content or not isinstance(content, list if kind == "contacts" else dict):
        raise missing(kind)
    check(kind, content)


def check_context(message):
    """A message may quote another one."""
    context = message.get("context")
    if context is None:
        return
    if not isinstance(context, dict):
        raise GraphError(100, "Param context must be a JSON object.")
    text_of(context, "message_id", CALLBACK_LIMIT, "context")


def check_text(kind, content):
    text_of(content, "body", TEXT_LIMIT, kind)


def check_media(kind, content):
    text_of(content, "caption", CAPTION_LIMIT, kind, needed=False)
    media_id, link = content.get("id"), content.get("link")
    if bool(media_id) == bool(link):
        raise invalid(f"{kind}: exactly one of id and link is required")
    if link and not str(link).startswith(("http://", "https://")):
        raise invalid(f"{kind}: link is not a valid URL")
    if media_id and not str(media_id).isdigit():
        raise invalid(f"{kind}: id is not a valid media id")


def check_location(kind, content):
    for name, bound in (("latitude", 90), ("longitude", 180)):
        try:
            value = float(content[name])
        except KeyError:
            raise missing(f"location['{name}']") from None
        except (TypeError, ValueError):
            raise invalid(f"location: {name} is not a number") from None
        if not -bound <= value <= bound:
            raise invalid(f"location: {name} is out of range")


def check_contacts(kind, content):
    if len(content) > 257:
        raise invalid("contacts: at most 257")
    for one in content:
        name = one.get("name") if isinstance(one, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise missing("contacts[]['name']['formatted_name']")


def check_reaction(kind, content):
    if not content.get("message_id"):
        raise missing("reaction['message_id']")
    if not isinstance(content.get("emoji"), str):
        raise missing("reaction['emoji']")


def check_template(kind, content):
    text_of(content, "name", 512, kind)
    language = content.get("language")
    if not isinstance(language, dict) or not isinstance(language.get("code"), str):
        raise missing("template['language']['code']")
    components = content.get("components") or []
    if not isinstance(components, list) or not all(
        isinstance(one, dict) for one in components
    ):
        raise invalid("template: components must be a list of objects")


def check_interactive(kind, content):
    style = content.get("type")
    if style not in INTERACTIVE:
        raise invalid(f"interactive: type must be one of {sorted(INTERACTIVE)}")
    action = content.get("action")
    if not isinstance(action, dict):
        raise missing("interactive['action']")
    check_interactive_texts(style, content)
    INTERACTIVE[style](action)


def check_interactive_texts(style, content):
    body, footer = content.get("body"), content.get("footer")
    if style != "product":
        limit = TEXT_LIMIT if style == "list" else CAPTION_LIMIT
        text_of(body if isinstance(body, dict) else {}, "text", limit, "body")
    if footer is not None:
        text_of(footer if isinstance(footer, dict) else {}, "text", 60, "footer")


def objects(parent, name, most):
    """A list of 1 to ``most`` objects."""
    found = parent.get(name)
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise missing(f"action['{name}']")
    if not 1 <= len(found) <= most:
        raise invalid(f"action: {name} must have 1 to {most} entries")
    return found


def unique(values, what):
    if len(set(values)) < len(values):
        raise invalid(f"interactive: {what} must be unique")


def check_reply_buttons(action):
    replies = [one.get("reply") or {} for one in objects(action, "buttons", 3)]
    for reply in replies:
        text_of(reply, "id", 256, "reply")
        text_of(reply, "title", 20, "reply")
    unique([reply["title"] for reply in replies], "button titles")
    unique([reply["id"] for reply in replies], "button ids")


def check_list(action):
    text_of(action, "button", 20, "action")
    sections = objects(action, "sections", 10)
    rows = [row for one in sections for row in objects(one, "rows", 10)]
    if len(rows) > 10:
        raise invalid("interactive: at most 10 rows in all sections together")
    for one in sections:
        text_of(one, "title", 24, "section", needed=len(sections) > 1)
    for row in rows:
        text_of(row, "id", 200, "row")
        text_of(row, "title", 24, "row")
        text_of(row, "description", 72, "row", needed=False)
    unique([row["id"] for row in rows], "row ids")


def check_cta_url(action):
    parameters = action.get("parameters") or {}
    text_of(parameters, "display_text", 20, "parameters")
    if not str(parameters.get("url", "")).startswith(("http://", "https://")):
        raise invalid("interactive: url is not a valid URL")


def check_product(action):
    text_of(action, "catalog_id", 64, "action")
    text_of(action, "product_retailer_id", 100, "action")


def check_product_list(action):
    text_of(action, "catalog_id", 64, "action")
    sections = objects(action, "sections", 10)
    items = [item for one in sections for item in objects(one, "product_items", 30)]
    if len(items) > 30:
        raise invalid("interactive: at most 30 products")


def check_named_action(action):
    text_of(action, "name", 64, "action")


INTERACTIVE = {
    "button": check_reply_buttons,
    "list": check_list,
    "cta_url": check_cta_url,
    "product": check_product,
    "product_list": check_product_list,
    "catalog_message": check_named_action,
    "flow": check_named_action,
    "location_request_message": check_named_action,
}

CHECKS = {
    "text": check_text,
    "template": check_template,
    "location": check_location,
    "contacts": check_contacts,
    "interactive": check_interactive,
    "reaction": check_reaction,
    **dict.fromkeys(MEDIA_TYPES, check_media),
}
