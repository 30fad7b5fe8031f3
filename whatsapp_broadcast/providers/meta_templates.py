"""Meta's message templates: from and to the JSON of the management API.

https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .base import RemoteButton, RemoteTemplate, RemoteVariable, Unsupported
from .meta_news import language
from .tolerant import identifier, mapping, mappings, text

FIELDS = (
    "id,name,language,status,category,components,parameter_format,quality_score,"
    "rejected_reason,source"
)

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_HEADERS = ("text", "image", "video", "document")
_BUTTONS = ("quick_reply", "url", "phone_number", "copy_code")
_COMPONENTS = ("header", "body", "footer", "buttons")


def parse(data: dict) -> RemoteTemplate:
    """Return the template in one of Meta's template objects, whatever it lacks."""
    parts = _Parts.of(data)
    named = _is_named(data, parts)
    quality = mapping(data.get("quality_score")).get("score")
    rejected = text(data.get("rejected_reason"))
    header_type = text(parts.header.get("format")).lower()
    return RemoteTemplate(
        external_id=identifier(data.get("id")),
        name=identifier(data.get("name")),
        language=language(data.get("language")),
        category=text(data.get("category")).lower(),
        state=text(data.get("status")).lower(),
        quality=text(quality).lower(),
        parameter_format="named" if named else "positional",
        header_type=header_type or ("text" if parts.header else "none"),
        header_text=text(parts.header.get("text")),
        body=text(parts.body.get("text")),
        footer=text(parts.footer.get("text")),
        rejected_reason="" if rejected == "NONE" else rejected,
        buttons=tuple(_button(*item) for item in enumerate(parts.buttons)),
        variables=tuple(_variables(parts)),
        unsupported=_unsupported(data, parts),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """The components of a template by their type."""

    header: dict
    body: dict
    footer: dict
    buttons: list[dict]

    @classmethod
    def of(cls, data: dict) -> _Parts:
        found = {_kind(item): item for item in mappings(data.get("components"))}
        header, body, footer, buttons = (found.get(kind, {}) for kind in _COMPONENTS)
        return cls(header, body, footer, mappings(buttons.get("buttons")))


def _kind(item: dict) -> str:
    return text(item.get("type")).lower()


def _is_named(data: dict, parts: _Parts) -> bool:
    told = text(data.get("parameter_format")).lower()
    if told:
        return told == "named"
    names = _names(parts.header.get("text")) + _names(parts.body.get("text"))
    return any(not name.isdecimal() for name in names)


def _names(value: object) -> list[str]:
    """Return the placeholders in a text, in the order in which values are sent."""
    names = list(dict.fromkeys(_PLACEHOLDER.findall(text(value))))
    if all(name.isdecimal() for name in names):
        names.sort(key=int)
    return names


def _button(index: int, data: dict) -> RemoteButton:
    kind = _kind(data)
    return RemoteButton(
        index=index,
        kind=kind if kind in _BUTTONS else "other",
        text=text(data.get("text")),
        url=text(data.get("url")),
        phone=text(data.get("phone_number")),
    )


def _variables(parts: _Parts) -> Iterator[RemoteVariable]:
    yield from _text_variables("header", parts.header)
    yield from _text_variables("body", parts.body)
    for index, button in enumerate(parts.buttons):
        yield from _button_variables(index, button)


def _text_variables(component: str, data: dict) -> Iterator[RemoteVariable]:
    names = _names(data.get("text"))
    samples = _samples(component, mapping(data.get("example")), names)
    for name in names:
        yield RemoteVariable(component, name, sample=samples.get(name, ""))


def _samples(component: str, example: dict, names: list[str]) -> dict[str, str]:
    named = mappings(example.get(f"{component}_text_named_params"))
    if named:
        return {text(i.get("param_name")): text(i.get("example")) for i in named}
    values = example.get(f"{component}_text")
    while isinstance(values, list) and values and isinstance(values[0], list):
        values = values[0]  # a list of lists for the body
    values = values if isinstance(values, list) else [values]
    return dict(zip(names, map(text, values), strict=False))


def _button_variables(index: int, button: dict) -> Iterator[RemoteVariable]:
    example = button.get("example")
    sample = text(example[0] if isinstance(example, list) and example else example)
    kind = _kind(button)
    url = text(button.get("url"))
    if kind == "copy_code":
        yield RemoteVariable("button", "1", index, sample)
    elif kind == "url" and _PLACEHOLDER.search(url):
        fixed = _PLACEHOLDER.split(url)[0]
        yield RemoteVariable("button", "1", index, sample.removeprefix(fixed))


def _unsupported(data: dict, parts: _Parts) -> str:
    """Say why a template cannot be sent from here; "" if it can."""
    if data.get("source") == "AUTO_GENERATED":
        return "made by Direct Send: Meta does not let it be sent as a template"
    strange = [
        kind
        for kind in map(_kind, mappings(data.get("components")))
        if kind not in _COMPONENTS
    ]
    header = text(parts.header.get("format")).lower() or "text"
    if header not in _HEADERS:
        strange.append(f"{header} header")
    buttons = dict.fromkeys(map(_kind, parts.buttons))
    strange += [f"{kind} button" for kind in buttons if kind not in _BUTTONS]
    if not strange:
        return ""
    return f"contains what cannot be sent yet: {', '.join(strange)}"


def build(template: RemoteTemplate, header_handle: str = "") -> dict:
    """Return the body that creates ``template``; raise Unsupported."""
    if template.unsupported:
        raise Unsupported(f"The template {template.unsupported}.")
    components = [
        _build_header(template, header_handle),
        _build_text("body", template.body, template),
        {"type": "FOOTER", "text": template.footer} if template.footer else None,
        _build_buttons(template),
    ]
    return {
        "name": template.name,
        "language": template.language,
        "category": template.category.upper(),
        "parameter_format": template.parameter_format.upper(),
        "components": [component for component in components if component],
    }


def _build_header(template: RemoteTemplate, header_handle: str) -> dict | None:
    if template.header_type == "none":
        return None
    if template.header_type == "text":
        header = _build_text("header", template.header_text, template)
        return header | {"format": "TEXT"}
    if template.header_type not in _HEADERS:
        raise Unsupported(f"A {template.header_type} header cannot be sent.")
    if not header_handle:
        raise Unsupported("A media header needs an example file for Meta's review.")
    return {
        "type": "HEADER",
        "format": template.header_type.upper(),
        "example": {"header_handle": [header_handle]},
    }


def _build_text(component: str, content: str, template: RemoteTemplate) -> dict:
    built = {"type": component.upper(), "text": content}
    variables = [v for v in template.variables if v.component == component]
    missing = [variable.name for variable in variables if not variable.sample]
    if missing:
        raise Unsupported(f"Give an example for: {', '.join(missing)}.")
    if variables:
        built["example"] = _example(component, variables, template.parameter_format)
    return built


def _example(component: str, variables: list[RemoteVariable], form: str) -> dict:
    if form == "named":
        return {
            f"{component}_text_named_params": [
                {"param_name": variable.name, "example": variable.sample}
                for variable in variables
            ]
        }
    samples = [variable.sample for variable in variables]
    return {f"{component}_text": [samples] if component == "body" else samples}


def _build_buttons(template: RemoteTemplate) -> dict | None:
    samples = {v.button_index: v.sample for v in template.variables if _on_button(v)}
    buttons = [
        _build_button(button, samples.get(button.index, ""))
        for button in template.buttons
    ]
    return {"type": "BUTTONS", "buttons": buttons} if buttons else None


def _on_button(variable: RemoteVariable) -> bool:
    return variable.component == "button"


def _build_button(button: RemoteButton, sample: str) -> dict:
    if button.kind not in _BUTTONS:
        raise Unsupported(f"The button {button.text!r} cannot be sent from here.")
    if button.kind == "copy_code":
        return {"type": "COPY_CODE", "example": sample}
    built = {"type": button.kind.upper(), "text": button.text}
    if button.kind == "phone_number":
        built["phone_number"] = button.phone
    elif button.kind == "url":
        built["url"] = button.url
        if _PLACEHOLDER.search(button.url):
            built["example"] = [_PLACEHOLDER.sub(lambda _: sample, button.url)]
    return built
