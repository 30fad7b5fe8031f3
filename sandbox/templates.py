"""Templates as Meta keeps them, and the check of a send request against one."""

import re
import time
from dataclasses import dataclass, field

from .errors import GraphError

VARIABLE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
FORBIDDEN = re.compile(r"[\n\t\r]| {5}")
BODY_LIMIT = 1024
MEDIA_FORMATS = ("IMAGE", "VIDEO", "DOCUMENT")


def variables(text):
    """Names of the variables in a text, in order, each once."""
    return list(dict.fromkeys(VARIABLE.findall(text or "")))


@dataclass
class Template:
    """One template in one language. ``components`` as in Meta's API."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list
    parameter_format: str = "POSITIONAL"
    status: str = "APPROVED"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"
    previous_category: str | None = None
    correct_category: str | None = None
    message_send_ttl_seconds: int | None = None
    updated: float = field(default_factory=time.time)
    edits: list = field(default_factory=list)

    def __post_init__(self):
        self.set_components(self.components)

    @property
    def key(self):
        return self.waba_id, self.name, self.language

    @property
    def named(self):
        return self.parameter_format == "NAMED"

    def set_components(self, components):
        """Replace all components and what is derived from them for sending."""
        self.components = components
        parts = {one["type"]: one for one in components}
        self.header = parts.get("HEADER", {})
        self.header_format = self.header.get("format")
        self.header_variables = variables(self.header.get("text"))
        self.body = parts["BODY"]["text"]
        self.body_variables = variables(self.body)
        self.buttons = parts.get("BUTTONS", {}).get("buttons", [])
        self.needed_buttons = [
            index for index, one in enumerate(self.buttons) if needs_value(one)
        ]


def needs_value(button):
    """Must a send request fill this button?"""
    return button["type"] == "COPY_CODE" or bool(variables(button.get("url")))


def check_usable(template, name, language):
    """Raise Meta's error unless the template may be sent at all."""
    if template is None or template.status not in ("APPROVED", "PAUSED", "DISABLED"):
        raise GraphError(132001, f"template name ({name}) does not exist in {language}")
    if template.status == "PAUSED":
        raise GraphError(132015)
    if template.status == "DISABLED":
        raise GraphError(132016)


def check_parameters(template, components):
    """Raise Meta's error if the values of a send request do not fit.

    :param list components: ``template.components`` of the request.
    :return: the header's media as ``(kind, {"id"|"link": …})``, or None.
    """
    given, buttons = sort_components(components)
    media = check_header(template, given.get("header", []))
    body = given.get("body", [])
    values = check_texts("body", template, template.body_variables, body)
    if values and len(filled(template.body, values)) > BODY_LIMIT:
        raise GraphError(132005, f"body: text has more than {BODY_LIMIT} characters")
    check_buttons(template, buttons)
    return media


def sort_components(components):
    """``({"header": parameters, "body": parameters}, {index: button})``."""
    given, buttons = {}, {}
    for one in components:
        kind = str(one.get("type", "")).lower()
        parameters = one.get("parameters") or []
        if kind == "button":
            buttons[button_index(one)] = parameters
        elif kind in ("header", "body", "limited_time_offer", "carousel"):
            given[kind] = parameters
        else:
            raise GraphError(131009, f"components: unknown type '{kind}'")
        if not all(isinstance(parameter, dict) for parameter in parameters):
            raise GraphError(131009, f"{kind}: parameters must be objects")
    return given, buttons


def button_index(component):
    try:
        return int(component["index"])
    except (KeyError, TypeError, ValueError):
        raise GraphError(131008, "buttons: index is required") from None


def check_header(template, parameters):
    if template.header_format not in (*MEDIA_FORMATS, "LOCATION"):
        check_texts("header", template, template.header_variables, parameters)
        return None
    received = parameters[0].get("type", "unknown") if parameters else "unknown"
    if str(received).upper() != template.header_format:
        raise GraphError(
            132012,
            f"header: Format mismatch, expected {template.header_format}, "
            f"received {str(received).upper()}",
        )
    value = parameters[0].get(received)
    if not isinstance(value, dict):
        raise GraphError(131008, f"header: parameter {received} is missing")
    return None if received == "location" else (received, value)


def check_texts(where, template, names, parameters):
    """Values by variable name; raises on a wrong number, form or text."""
    if len(parameters) != len(names):
        raise GraphError(
            132000,
            f"{where}: number of localizable_params ({len(parameters)}) does not "
            f"match the expected number of params ({len(names)})",
        )
    if not names:
        return {}
    given = [one.get("parameter_name") for one in parameters]
    if template.named and set(given) != set(names):
        raise GraphError(132012, f"{where}: parameter names must be {sorted(names)}")
    if not template.named and any(given):
        raise GraphError(132012, f"{where}: the template's parameters have no names")
    keys = given if template.named else names
    return {
        key: text_value(where, parameter)
        for key, parameter in zip(keys, parameters, strict=True)
    }


def text_value(where, parameter):
    kind = parameter.get("type")
    text = parameter.get("text")
    if kind in ("currency", "date_time"):
        text = (parameter.get(kind) or {}).get("fallback_value")
    elif kind != "text":
        raise GraphError(132012, f"{where}: Format mismatch, expected TEXT")
    if not isinstance(text, str) or not text.strip():
        raise GraphError(131008, f"{where}: parameter text is missing or empty")
    if FORBIDDEN.search(text):
        raise GraphError(132018)
    return text


def filled(text, values):
    return VARIABLE.sub(lambda found: values[found[1]], text)


def check_buttons(template, given):
    for index, parameters in given.items():
        if not 0 <= index < len(template.buttons):
            raise GraphError(132018, f"buttons: there is no button at index {index}")
        check_button(index, template.buttons[index], parameters)
    for index in template.needed_buttons:
        if index not in given:
            raise GraphError(
                131008,
                f"components: Button at index {index} of type "
                f"{template.buttons[index]['type']} requires a parameter",
            )


def check_button(index, button, parameters):
    """The value of a button: ``text`` (url), ``payload`` or ``coupon_code``."""
    if not parameters and not needs_value(button):
        return
    key = {"URL": "text", "COPY_CODE": "coupon_code"}.get(button["type"], "payload")
    if button["type"] == "URL" and not needs_value(button):
        raise GraphError(132018, f"buttons: button at index {index} has no variable")
    value = parameters[0].get(key) if parameters else None
    if key == "payload" and parameters and value is None:
        value = parameters[0].get("action")
    if not value:
        raise GraphError(
            131008,
            f"components: Button at index {index} of type {button['type']} requires "
            "a parameter",
        )
    if key == "coupon_code" and len(value) > 20:
        raise GraphError(131009, f"buttons: coupon code at index {index} is too long")
    if key == "text" and FORBIDDEN.search(str(value)):
        raise GraphError(132018)
