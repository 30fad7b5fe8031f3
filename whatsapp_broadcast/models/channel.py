"""Between the engine's rows and a provider's messages. Threads run here: no ORM."""

from functools import cache

from ..engine import Result, links, queries
from ..engine.result import LATE
from ..providers import (
    Button,
    Media,
    OutgoingMessage,
    Template,
    TransportError,
)
from ..providers.transport import NotReady, Transport

#: Connections kept open to the provider by each process.
CONNECTIONS = 256


@cache
def transport():
    """Return this process's transport: connections outlive a cron call.

    Called before threads exist: ``cache`` would let each of them make its own.
    """
    return Transport(threads=CONNECTIONS)


class Channel:
    """Sends rows from one number."""

    def __init__(self, provider, number_id, messages_per_second):
        """:param str number_id: the provider's id of the number"""
        self.provider = provider
        self.number_id = number_id
        self.messages_per_second = messages_per_second
        self.contents = {}
        self.transport = transport()

    def learn(self, cr, broadcast_ids):
        """Read what the messages of new broadcasts share."""
        if missing := [id_ for id_ in broadcast_ids if id_ not in self.contents]:
            cr.execute(queries.CONTENTS, {"ids": missing})
            for row in cr.dictfetchall():
                by_template = self.contents.setdefault(row["id"], {})
                by_template[row["template_id"]] = row

    def prepare(self, row):
        """Return the request for a claimed row; ValueError if it cannot be sent."""
        is_message = row["table"] == "message"  # which holds all that it says
        content = row
        if not is_message:
            content = self.contents[row["broadcast_id"]][row["template_id"]]
        kind = content["message_type"]
        return self.provider.prepare_send(
            OutgoingMessage(
                number_id=self.number_id,
                phone=row["phone"] or "",
                user_ref=row["user_ref"] or "",
                token=row["token"],
                template=_template(content, row) if kind == "template" else None,
                text=_tracked(content, row, links.track_text, content["body"])
                if kind == "text"
                else "",
                context_id=is_message and row["context_message_id"] or "",
                media=_media(
                    content,
                    content["media_kind"],
                    _tracked(content, row, links.track_text, content["media_caption"]),
                )
                if kind == "media"
                else None,
            )
        )

    def send(self, request, ready):
        """Send when ``ready()`` allows it and return what the answer proves."""
        try:
            response = self.transport(request, ready)
        except NotReady:
            return Result(LATE)
        except TransportError as error:
            outcome = "unknown" if error.written else "not_sent"
            return Result(outcome, error_message=error.reason)
        sent = self.provider.parse_send(response)
        error = sent.error
        return Result(
            outcome=sent.outcome.value,
            message_id=sent.message_id,
            user_ref=sent.user_ref,
            error_code=error.code if error else "",
            error_class=error.error_class.value if error else "",
            error_message=error.message if error else "",
        )


def _tracked(content, row, track, value):
    """Have links that are tracked lead through here, by the key of who gets them."""
    tracked = content.get("tracked_links")
    return track(value, tracked, links.key_of(row["token"])) if tracked else value


def _template(content, row):
    values = row["variables"] or {}
    media = content["header_type"] in ("image", "video", "document")
    return Template(
        name=content["template"],
        language=content["language"],
        header=_pairs(values.get("header")),
        header_media=_media(content, content["header_type"], "") if media else None,
        body=_pairs(values.get("body")),
        buttons=tuple(
            Button(
                index=index,
                sub_type=sub_type,
                value=_tracked(content, row, links.track_value, value),
            )
            for index, sub_type, value in values.get("button", ())
        ),
    )


def _pairs(values):
    """Positional values have no name of their own."""
    return tuple(
        ("" if name.isdigit() else name, value) for name, value in values or ()
    )


def _media(content, kind, caption):
    media_id = content["media_id"] or ""
    return Media(
        kind=kind,
        media_id=media_id,
        # The uploaded file goes first: a link beside it is a leftover.
        link="" if media_id else content["media_link"] or "",
        caption=caption or "",
        filename=content["media_filename"] or "",
    )
