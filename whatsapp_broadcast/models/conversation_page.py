"""What a conversation shows of rows that went out or came in."""

from odoo import fields
from odoo.fields import Domain

from .whatsapp_broadcast_template import PLACEHOLDER

MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
#: What a browser shows by itself, without a script in it.
PICTURES = ("image/jpeg", "image/png", "image/webp", "image/gif")
#: What is shown on the message that it is about.
ABOUT = ("reaction", "edit", "revoke")


class Page:
    """Messages of one conversation, as dicts for the web client.

    :param record: the lead or partner, whose access was checked
    :param rows: list of (at, "recipient" or "message", id), the oldest first
    :param domain: of the rows that belong to the conversation
    """

    def __init__(self, record, rows, domain):
        self.env = record.env
        self.domain = domain
        found = {
            source: self._model(source).browse(
                id_ for _at, other, id_ in rows if other == source
            )
            for source in ("recipient", "message")
        }
        by_id = {
            source: dict(zip(of.ids, of, strict=True)) for source, of in found.items()
        }
        self.rows = [(at, by_id[source][id_]) for at, source, id_ in rows]

    def _model(self, source):
        return self.env[f"whatsapp.broadcast.{source}"].sudo()

    def render(self):
        """Return the messages.

        :return: list of {"key", "direction", "at", "kind", "message_id", "number_id",
            "author", "header", "text", "footer", "buttons", "media", "location",
            "state", "is_seen", "error", "advice", "broadcast", "quote", "reactions",
            "is_edited", "is_revoked"}; what a message does not have is False
        """
        about = self._about()
        quoted = self._quoted()
        return [
            {**self._message(at, row), **self._changes(row, about, quoted)}
            for at, row in self.rows
        ]

    # === ONE MESSAGE === #

    def _message(self, at, row):
        is_recipient = row._name == "whatsapp.broadcast.recipient"
        content = row.broadcast_id if is_recipient else row
        direction = "out" if is_recipient else row.direction
        return {
            "key": f"{row._name}/{row.id}",
            "direction": direction,
            "at": fields.Datetime.to_string(at.replace(microsecond=0)),
            "kind": content.message_type,
            "message_id": row.provider_message_id or False,
            "number_id": row.number_id.id,
            "author": self._author(row, direction, is_recipient),
            **self._texts(row, content),
            "media": self._media(row, content, is_recipient),
            "location": not is_recipient and _location(row),
            "state": row.state,
            "is_seen": not is_recipient and bool(row.seen_at),
            "error": self._error(row),
            "advice": direction == "out" and row.advice,
            "broadcast": self._broadcast(row, is_recipient),
        }

    def _author(self, row, direction, is_recipient):
        if is_recipient:
            return row.broadcast_id.user_id.name or False
        if direction == "in":
            return row.profile_name or row.phone or row.user_ref or False
        return row.user_id.name or False

    def _texts(self, row, content):
        texts = {"header": False, "text": False, "footer": False, "buttons": []}
        template = row.template_id
        if content.message_type == "template" and template:
            is_text = template.header_type == "text"
            texts |= {
                "header": is_text and _fill(template.header_text, row, "header"),
                "text": _fill(template.body, row, "body"),
                "footer": template.footer,
                "buttons": template.button_ids.mapped("text"),
            }
        elif content.message_type == "media":
            texts["text"] = content.media_caption
        else:
            texts["text"] = content.body
        return texts

    def _error(self, row):
        if row.state == "skipped":
            reasons = dict(row._fields["skip_reason"]._description_selection(self.env))
            return reasons.get(row.skip_reason, False)
        return row.error_message

    def _broadcast(self, row, is_recipient):
        broadcast = is_recipient and row.broadcast_id.sudo(False)
        return broadcast and {
            "id": broadcast.id,
            "name": broadcast.sudo().name,
            "may_open": broadcast.has_access("read"),
        }

    # === FILES AND PLACES === #

    def _media(self, row, content, is_recipient):
        kind = content.message_type
        if not is_recipient and kind in MEDIA_TYPES:
            return self._received(row)
        if kind == "template" and row.template_id.header_type in MEDIA_TYPES:
            kind = row.template_id.header_type
        elif kind == "media":
            kind = content.media_kind
        else:
            return False
        return {
            "kind": kind,
            "state": "stored",
            "filename": content.media_filename,
            "url": self._sent_url(content, is_recipient),
            "is_shown": False,
        }

    def _received(self, row):
        attachment = row.attachment_id
        kind = "image" if row.message_type == "sticker" else row.message_type
        mimetype = attachment.mimetype or ""
        is_shown = kind in ("video", "audio") and mimetype.startswith(f"{kind}/")
        return {
            "kind": kind,
            "state": row.media_state or ("stored" if attachment else "gone"),
            "filename": row.media_filename or attachment.name or False,
            "url": bool(attachment) and f"/web/content/{attachment.id}",
            "is_shown": bool(attachment) and (is_shown or mimetype in PICTURES),
        }

    def _sent_url(self, content, is_recipient):
        own = is_recipient and content.with_context(bin_size=True).media_file
        if own and content.sudo(False).has_access("read"):
            return f"/web/content/whatsapp.broadcast/{content.id}/media_file"
        link = content.media_link or ""
        return link.startswith(("https://", "http://")) and link

    # === WHAT IS ABOUT ANOTHER MESSAGE === #

    def _about(self):
        """Return {provider's id: rows that change that message, the oldest first}."""
        ids = [row.provider_message_id for _at, row in self.rows]
        domain = Domain("context_message_id", "in", list(filter(None, ids)))
        domain &= Domain("message_type", "in", ABOUT) & self.domain
        about = {}
        for row in self._model("message").search(domain, order="id"):
            about.setdefault(row.context_message_id, []).append(row)
        return about

    def _quoted(self):
        """Return {provider's id: the row that a message of this page quotes}."""
        ids = [
            row.context_message_id
            for _at, row in self.rows
            if row._name == "whatsapp.broadcast.message" and row.context_message_id
        ]
        domain = Domain("provider_message_id", "in", ids) & self.domain
        found = {}
        for source in ("recipient", "message") if ids else ():
            for row in self._model(source).search(domain):
                found[row.provider_message_id] = row
        return found

    def _changes(self, row, about, quoted):
        changes = about.get(row.provider_message_id, ())
        edits = [change for change in changes if change.message_type == "edit"]
        is_revoked = any(change.message_type == "revoke" for change in changes)
        values = {
            "is_edited": bool(edits),
            "is_revoked": is_revoked,
            "reactions": _reactions(changes),
            "quote": self._quote(row, quoted),
        }
        if is_revoked:
            values |= {"text": False, "media": False, "location": False}
        elif edits:
            values["text"] = edits[-1].body
        return values

    def _quote(self, row, quoted):
        if row._name != "whatsapp.broadcast.message" or row.message_type in ABOUT:
            return False
        other = quoted.get(row.context_message_id)
        if other is None:
            return False
        is_recipient = other._name == "whatsapp.broadcast.recipient"
        content = other.broadcast_id if is_recipient else other
        return {
            "key": f"{other._name}/{other.id}",
            "text": self._texts(other, content)["text"],
            "kind": content.message_type,
            "direction": "out" if is_recipient else other.direction,
        }


def _fill(text, row, component):
    values = dict((row.variables or {}).get(component, ()))
    return PLACEHOLDER.sub(lambda match: values.get(match[1]) or match[0], text or "")


def _reactions(changes):
    """The last reaction of each person counts; an empty one takes it back."""
    last = {
        (change.direction, change.contact_id.id): change.body
        for change in changes
        if change.message_type == "reaction"
    }
    return list(filter(None, last.values()))


def _location(row):
    """Return {"name", "url"} of a place, with nothing in the link but two numbers."""
    place = (row.details or {}).get("location")
    try:
        latitude, longitude = float(place["latitude"]), float(place["longitude"])
    except (KeyError, TypeError, ValueError):
        return False
    return {
        "name": str(place.get("name") or place.get("address") or ""),
        "url": f"https://maps.google.com/maps?q={latitude},{longitude}",
    }
