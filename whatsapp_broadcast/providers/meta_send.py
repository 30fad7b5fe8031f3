"""The body of a message for Meta.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from .base import (
    Button,
    Media,
    OutgoingMessage,
    Template,
    TextLimits,
    Unsupported,
)
from .tolerant import clean

LIMITS = TextLimits(
    text=4096,
    caption=1024,
    header=60,
    body=1024,
    url=2000,
    quick_reply=128,
    copy_code=20,
)
#: Error 132018: "new-line/tab characters or more than 4 consecutive spaces".
REFUSED_VALUE = r"[\n\r\t]| {5}"
TOKEN_LENGTH = 512
MAX_BUTTONS = 10

#: Media that a message, and a template's header, may carry.
MEDIA_KINDS = ("image", "video", "document", "audio")
_HEADER_KINDS = ("image", "video", "document")

# No-break spaces stay: number formats use them, and Meta takes them.
_BLANKS = re.compile("[ \t\n\r\f\v\x85\u2028\u2029]+")


def build(message: OutgoingMessage) -> dict:
    """Return the body that sends ``message``; raise Unsupported."""
    if len(message.token) > TOKEN_LENGTH:
        raise Unsupported(f"The token is longer than {TOKEN_LENGTH} characters.")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **_recipient(message),
        **_content(message),
        **(
            {"context": {"message_id": message.context_id}}
            if message.context_id
            else {}
        ),
        "biz_opaque_callback_data": message.token,
    }


def collapse(value: str) -> str:
    """Return a value as Meta takes it: no newline, tab or repeated space.

    Otherwise the message is refused with 132018.
    """
    return _BLANKS.sub(" ", clean(value)).strip(" ")


def _recipient(message: OutgoingMessage) -> dict:
    if message.phone:
        # Without "+" Meta may put the sender's country code before the number.
        return {"to": "+" + message.phone.lstrip("+")}
    if message.user_ref:
        return {"recipient": message.user_ref}
    raise Unsupported("The recipient has neither a phone nor a user id.")


def _content(message: OutgoingMessage) -> dict:
    given = [message.template is not None, bool(message.text), bool(message.media)]
    if sum(given) != 1:
        raise Unsupported("Give exactly one of template, text and media.")
    if message.template:
        return {"type": "template", "template": _template(message.template)}
    if message.media:
        return {"type": message.media.kind, message.media.kind: _media(message.media)}
    return {"type": "text", "text": _text(message.text)}


def _text(value: str) -> dict:
    body = clean(value)
    if not body.strip():
        raise Unsupported("The text is empty.")
    _limit("text", body, LIMITS.text)
    return {"body": body, "preview_url": "http://" in body or "https://" in body}


def _limit(what: str, value: str, length: int) -> None:
    if len(value) > length:
        raise Unsupported(
            f"The {what} has {len(value)} characters; at most {length} are allowed."
        )


def _media(media: Media, kinds: tuple[str, ...] = MEDIA_KINDS) -> dict:
    if media.kind not in kinds:
        raise Unsupported(f"{media.kind!r} cannot be sent; use {', '.join(kinds)}.")
    content = _file(media)
    caption = clean(media.caption)
    if caption and media.kind == "audio":
        raise Unsupported("An audio message has no caption.")
    _limit("caption", caption, LIMITS.caption)
    if caption:
        content["caption"] = caption
    if media.filename and media.kind == "document":
        content["filename"] = clean(media.filename)
    return content


def _file(media: Media) -> dict:
    if bool(media.media_id) == bool(media.link):
        raise Unsupported("Give a file either by its media id or by its link.")
    if media.media_id:
        return {"id": media.media_id}
    if not media.link.startswith(("https://", "http://")):
        raise Unsupported("The link of a file must begin with https:// or http://.")
    return {"link": media.link}


def _template(template: Template) -> dict:
    names = [name for name, _ in template.header + template.body]
    if any(names) and not all(names):
        raise Unsupported("Variables are either all named or all positional.")
    built = {"name": template.name, "language": {"code": template.language}}
    components = [
        _component("header", _header(template)),
        _component("body", _parameters(template.body, LIMITS.body)),
        *map(_button, template.buttons),
    ]
    components = [component for component in components if component["parameters"]]
    return built | ({"components": components} if components else {})


def _component(kind: str, parameters: list[dict]) -> dict:
    return {"type": kind, "parameters": parameters}


def _header(template: Template) -> list[dict]:
    if not template.header_media:
        return _parameters(template.header, LIMITS.header)
    if template.header:
        raise Unsupported("A header holds either text or a file.")
    media = template.header_media
    if media.caption:
        raise Unsupported("The file of a header has no caption.")
    return [{"type": media.kind, media.kind: _media(media, _HEADER_KINDS)}]


def _parameters(pairs: tuple[tuple[str, str], ...], length: int) -> list[dict]:
    return [
        _parameter(name, position, value, length)
        for position, (name, value) in enumerate(pairs, 1)
    ]


def _parameter(name: str, position: int, value: str, length: int) -> dict:
    what = f"variable {name or position}"
    found = _filled(what, collapse(value), length)
    named = {"parameter_name": name} if name else {}
    return {"type": "text", **named, "text": found}


def _filled(what: str, value: str, length: int) -> str:
    if not value:
        raise Unsupported(f"The {what} is empty.")
    _limit(what, value, length)
    return value


def _button(button: Button) -> dict:
    if button.sub_type not in _BUTTONS:
        raise Unsupported(f"A button {button.sub_type!r} takes no value.")
    if not 0 <= button.index < MAX_BUTTONS:
        raise Unsupported(f"A template has at most {MAX_BUTTONS} buttons.")
    return {
        "type": "button",
        "sub_type": button.sub_type,
        "index": str(button.index),
        "parameters": [_BUTTONS[button.sub_type](button)],
    }


def _url(button: Button) -> dict:
    suffix = quote(collapse(button.value), safe="")
    what = f"address of button {button.index + 1}"
    return {"type": "text", "text": _filled(what, suffix, LIMITS.url)}


def _quick_reply(button: Button) -> dict:
    what = f"payload of button {button.index + 1}"
    payload = _filled(what, clean(button.value), LIMITS.quick_reply)
    return {"type": "payload", "payload": payload}


def _copy_code(button: Button) -> dict:
    what = f"code of button {button.index + 1}"
    code = _filled(what, collapse(button.value), LIMITS.copy_code)
    return {"type": "coupon_code", "coupon_code": code}


_BUTTONS: dict[str, Callable[[Button], dict]] = {
    "url": _url,
    "quick_reply": _quick_reply,
    "copy_code": _copy_code,
}
