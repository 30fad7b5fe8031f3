"""``fields=`` and cursor paging, as every Graph node and edge has them."""

import base64

from .errors import GraphError

DEFAULT_LIMIT = 25
MOST = 1000


def selected(values, wanted, default, node_type):
    """The chosen fields of an object; ``id`` is always among them.

    :param dict values: all fields; a callable value is called when chosen.
    :param str wanted: ``name,status,health_status{…}`` or empty.
    """
    names = field_names(wanted) or default
    chosen = {}
    for name in dict.fromkeys((*names, "id")):
        if name not in values:
            raise GraphError(
                100,
                "",
                message=f"(#100) Tried accessing nonexisting field ({name}) on node "
                f"type ({node_type})",
            )
        value = values[name]
        value = value() if callable(value) else value
        if value is not None:
            chosen[name] = value
    return chosen


def field_names(wanted):
    """Top-level names of a ``fields`` parameter; what is in braces is dropped."""
    names, depth, name = [], 0, ""
    for char in (wanted or "") + ",":
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            names.append(name.strip())
            name = ""
        elif depth == 0 and char != "}":
            name += char
    return [name.partition(".")[0] for name in names if name]


def page(call, path, objects, query):
    """One page of ``objects`` and Meta's ``paging``.

    :return: ``(objects of the page, paging)``.
    :raise GraphError: 131059 for a cursor that matches nothing (any more).
    """
    limit = page_limit(query)
    ids = [one.id for one in objects]
    first, last = 0, len(ids)
    if query.get("after"):
        first = position(ids, query["after"]) + 1
    elif query.get("before"):
        last = position(ids, query["before"])
        first = max(0, last - limit)
    chosen = objects[first : min(first + limit, last)]
    if not chosen:
        return [], {}
    paging = {
        "cursors": {"before": cursor(chosen[0].id), "after": cursor(chosen[-1].id)}
    }
    end = first + len(chosen)
    rest = {
        key: value for key, value in query.items() if key not in ("after", "before")
    }
    if end < len(ids):
        paging["next"] = call.url(path, **rest, after=paging["cursors"]["after"])
    if first > 0:
        paging["previous"] = call.url(path, **rest, before=paging["cursors"]["before"])
    return chosen, paging


def page_limit(query):
    try:
        limit = int(query.get("limit", DEFAULT_LIMIT))
    except ValueError:
        limit = 0
    if limit < 1:
        raise GraphError(
            100, "", message="(#100) Param limit must be a positive number"
        )
    return min(limit, MOST)


def cursor(object_id):
    return base64.urlsafe_b64encode(object_id.encode()).decode().rstrip("=")


def position(ids, text):
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        return ids.index(found)
    except ValueError:
        raise GraphError(131059) from None
