"""What Meta checks when a template is created or edited.

https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
Details arrive as ``error_subcode`` with a title and a text for the user.
"""

import re

from .errors import GraphError, required
from .templates import MEDIA_FORMATS, VARIABLE, variables

CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
HEADER_FORMATS = ("TEXT", *MEDIA_FORMATS, "LOCATION", "PRODUCT")
COMPONENTS = (
    "HEADER",
    "BODY",
    "FOOTER",
    "BUTTONS",
    "LIMITED_TIME_OFFER",
    "CAROUSEL",
    "CALL_PERMISSION_REQUEST",
)
MOST_OF_A_TYPE = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "QUICK_REPLY": 10}
WORDS_PER_VARIABLE = 2


def refused(subcode, title, text):
    """Meta's answer to a template that breaks a rule."""
    return GraphError(
        100,
        "",
        message="Invalid parameter",
        error_subcode=subcode,
        is_transient=False,
        error_user_title=title,
        error_user_msg=text,
    )


def check_new(values):
    """Raise Meta's error unless this is a template that can be created."""
    for name in ("name", "language", "category", "components"):
        if not values.get(name):
            raise required(name)
    if not re.fullmatch(r"[a-z0-9_]{1,512}", str(values["name"])):
        raise GraphError(
            100,
            "",
            message="(#100) Param name must be up to 512 lower case letters, digits "
            "and underscores",
        )
    if values["category"] not in CATEGORIES:
        raise GraphError(
            100,
            "",
            message="(#100) Param category must be one of "
            f'{{{", ".join(CATEGORIES)}}} - got "{values["category"]}".',
        )
    if values.get("parameter_format", "POSITIONAL") not in ("POSITIONAL", "NAMED"):
        raise GraphError(100, "parameter_format must be POSITIONAL or NAMED.")
    named = values.get("parameter_format") == "NAMED"
    check_components(values["components"], named, values["category"])


def check_components(components, named, category):
    """Limits of header, body, footer and buttons; variables have examples."""
    if not isinstance(components, list) or not all(
        isinstance(one, dict) and one.get("type") in COMPONENTS for one in components
    ):
        raise GraphError(
            100, f"components: type must be one of {', '.join(COMPONENTS)}"
        )
    parts = {one["type"]: one for one in components}
    if len(parts) < len(components) or "BODY" not in parts:
        raise GraphError(100, "components: one BODY is needed, and none twice.")
    if category != "AUTHENTICATION":
        check_body(parts["BODY"], named)
    if "HEADER" in parts:
        check_header(parts["HEADER"], named)
    if "FOOTER" in parts:
        check_footer(parts["FOOTER"])
    if "BUTTONS" in parts:
        check_buttons(parts["BUTTONS"].get("buttons"))


def check_length(text, limit, what):
    if not isinstance(text, str) or not text:
        raise GraphError(100, f"{what}: text is required.")
    if len(text) > limit:
        raise refused(
            2388040,
            "Character limit exceeded",
            f"The {what} has more than {limit} characters.",
        )


def check_names(text, named, subcode, what):
    """Positional variables count from 1; named ones are lower case words."""
    names = variables(text)
    form = r"[a-z][a-z0-9_]*" if named else r"[1-9]\d*"
    sequence = [str(number + 1) for number in range(len(names))]
    wrong = not all(re.fullmatch(form, name) for name in names)
    if wrong or (not named and sorted(names, key=int) != sequence):
        raise refused(
            subcode,
            "Wrong variables",
            f"The variables of the {what} are not well named.",
        )
    return names


def check_body(body, named):
    text = body.get("text")
    check_length(text, 1024, "body")
    names = check_names(text, named, 2388072, "body")
    stripped = text.strip()
    if VARIABLE.match(stripped) or re.search(r"\}\}[\s.,!?]*$", stripped):
        raise refused(
            2388299,
            "Leading or trailing variables",
            "Variables cannot be at the start or end of the template.",
        )
    words = len(VARIABLE.sub(" ", text).split())
    if re.search(r"\}\}\s*\{\{", text) or words < WORDS_PER_VARIABLE * len(names) + 1:
        raise refused(
            2388293,
            "Too many variables",
            "This template has too many variables for its length.",
        )
    check_body_example(body.get("example") or {}, names, named)


def check_body_example(example, names, named):
    if not names:
        return
    if named:
        given = example.get("body_text_named_params") or []
        complete = {one.get("param_name") for one in given} == set(names)
    else:
        rows = example.get("body_text") or [[]]
        complete = isinstance(rows[0], list) and len(rows[0]) == len(names)
    if not complete:
        raise refused(
            2388043, "Example missing", "The body needs an example for each variable."
        )


def check_header(header, named):
    kind = header.get("format")
    example = header.get("example") or {}
    if kind not in HEADER_FORMATS:
        raise wrong_header(f"format must be one of {', '.join(HEADER_FORMATS)}.")
    if kind in MEDIA_FORMATS and not example.get("header_handle"):
        raise wrong_header("a media header needs example.header_handle.")
    if kind != "TEXT":
        return
    check_length(header.get("text"), 60, "header")
    names = check_names(header["text"], named, 2388047, "header")
    if len(names) > 1:
        raise wrong_header("only one variable is allowed.")
    given = example.get("header_text_named_params" if named else "header_text")
    if names and not given:
        raise wrong_header("its variable needs an example.")


def wrong_header(text):
    return refused(2388047, "Message header format is incorrect", f"Header: {text}")


def check_footer(footer):
    check_length(footer.get("text"), 60, "footer")
    if variables(footer["text"]):
        raise refused(
            2388073, "Message footer format is incorrect", "No variables in the footer."
        )


def check_buttons(buttons):
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 10:
        raise wrong_buttons("There must be 1 to 10 buttons.")
    kinds = [one.get("type") for one in buttons]
    for kind, most in MOST_OF_A_TYPE.items():
        if kinds.count(kind) > most:
            raise wrong_buttons(f"There can be {most} of type {kind}.")
    groups = [kind == "QUICK_REPLY" for kind in kinds]
    changes = sum(one != other for one, other in zip(groups, groups[1:], strict=False))
    if changes > 1:
        raise wrong_buttons("Quick replies must be grouped together.")
    for one in buttons:
        check_button(one)


def wrong_buttons(text):
    return refused(2388060, "Buttons are incorrect", text)


def check_button(button):
    kind = button.get("type")
    if kind not in ("COPY_CODE", "OTP", "CATALOG", "MPM", "SPM"):
        check_length(button.get("text"), 25, "button text")
    if kind == "URL":
        check_url(button)
    if kind == "PHONE_NUMBER" and not button.get("phone_number"):
        raise wrong_buttons("A phone number button needs phone_number.")
    if kind == "COPY_CODE" and len(str(button.get("example") or "")) not in range(
        1, 21
    ):
        raise wrong_buttons("A code of 1 to 20 characters is needed as example.")


def check_url(button):
    url = button.get("url")
    check_length(url, 2000, "URL")
    names = variables(url)
    if not names:
        return
    if names != ["1"] or not url.endswith("}}") or not button.get("example"):
        raise wrong_buttons(
            "One variable {{1}} at the end of the URL, with an example."
        )
