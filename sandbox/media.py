"""Media: upload, read, download, delete, and what may be sent as what.

Kinds and limits:
https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

import asyncio
import hashlib
import secrets
import time
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from .errors import GraphError, required
from .state import STATE

MEGABYTE = 1024 * 1024
OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "audio": (
        ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
        16 * MEGABYTE,
    ),
    "document": (
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            OFFICE + "wordprocessingml.document",
            OFFICE + "spreadsheetml.sheet",
            OFFICE + "presentationml.presentation",
        ),
        100 * MEGABYTE,
    ),
    "image": (("image/jpeg", "image/png"), 5 * MEGABYTE),
    "sticker": (("image/webp",), 500 * 1024),
    "video": (("video/mp4", "video/3gpp"), 16 * MEGABYTE),
}
BY_MIME = {mime: kind for kind, (mimes, _) in KINDS.items() for mime in mimes}
SIGNATURES = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/webp": (8, b"WEBP"),
    "application/pdf": (0, b"%PDF"),
    "video/mp4": (4, b"ftyp"),
    "audio/ogg": (0, b"OggS"),
}
LARGEST = 101 * MEGABYTE
UPLOADED_SECONDS = 30 * 86400
INBOUND_SECONDS = 7 * 86400
URL_SECONDS = 300
LINK_CACHE_SECONDS = 600


@dataclass
class Media:
    """A stored file. ``expires``: seconds since 1970."""

    id: str
    number: object
    mime_type: str
    content: bytes
    expires: float
    links: dict = field(default_factory=dict)

    @property
    def waba_id(self):
        return self.number.waba.id

    def sha256(self):
        return hashlib.sha256(self.content).hexdigest()

    def matches(self):
        """Is the content what the MIME type says (as far as we can tell)?"""
        at, mark = SIGNATURES.get(self.mime_type, (0, b""))
        return self.content[at : at + len(mark)] == mark


def store(state, number, mime_type, content, lifetime=UPLOADED_SECONDS):
    """Keep a file; returns its Media."""
    media_id = str(secrets.randbelow(9 * 10**14) + 10**15)
    media = Media(media_id, number, mime_type, content, time.time() + lifetime)
    state.media[media_id] = media
    return media


async def upload(call):
    """Multipart: ``messaging_product``, ``file``, ``type``."""
    if call.request.content_type != "multipart/form-data":
        raise GraphError(100, "The media edge needs multipart/form-data.")
    form = await call.request.post()
    if form.get("messaging_product") != "whatsapp":
        raise required("messaging_product")
    file = form.get("file")
    if not isinstance(file, web.FileField):
        raise required("file")
    mime_type = (form.get("type") or file.content_type).partition(";")[0].strip()
    content = file.file.read()
    check_size(mime_type, len(content))
    return {"id": store(call.state, call.target, mime_type, content).id}


def check_size(mime_type, size):
    """Raise Meta's error for an unknown type or a file over its limit."""
    kind = BY_MIME.get(mime_type)
    if kind is None:
        raise GraphError(
            100,
            "",
            message="(#100) Param file must be a file with one of the following types: "
            f"{', '.join(sorted(BY_MIME))}. Received file of type '{mime_type}'.",
        )
    limit = KINDS[kind][1]
    if size > limit:
        raise GraphError(
            131053, f"{kind}: file size {size} exceeds the limit of {limit} bytes."
        )
    if not size:
        raise GraphError(131053, f"{kind}: the file is empty.")


async def read(call):
    media = living(call)
    link = secrets.token_urlsafe(16)
    media.links[link] = time.time() + URL_SECONDS
    return {
        "messaging_product": "whatsapp",
        "url": call.url(f"/_media/{media.id}", hash=link),
        "mime_type": media.mime_type,
        "sha256": media.sha256(),
        "file_size": len(media.content),
        "id": media.id,
    }


def living(call):
    media = call.target
    wanted = call.request.query.get("phone_number_id")
    if media.expires < time.time() or wanted not in (None, media.number.id):
        raise GraphError(
            100, "", message="(#100) Media does not exist.", error_subcode=33
        )
    return media


async def delete(call):
    del call.state.media[call.target.id]
    return {"success": True}


async def download(request):
    """``GET /_media/{id}?hash=``: needs the token; 404 once the link is too old."""
    state = request.app[STATE]
    try:
        token = state.token(request.headers.get("Authorization", "")[len("Bearer ") :])
    except GraphError as error:
        return web.json_response(error.body(), status=error.http)
    media = state.media.get(request.match_info["media_id"])
    until = media.links.get(request.query.get("hash"), 0) if media else 0
    if until < time.time() or not token.sees(media.waba_id):
        return web.Response(status=404)
    return web.Response(body=media.content, content_type=media.mime_type)


def media_problem(state, number, kind, content):
    """Why media given by id cannot be sent as ``kind``; None if it can."""
    media_id = content.get("id")
    if media_id is None:
        return None
    media = state.media.get(str(media_id))
    if media is None or media.number is not number or media.expires < time.time():
        return f"Media id {media_id} does not exist or has expired."
    if media.mime_type not in KINDS[kind][0]:
        return unsupported(kind, media.mime_type)
    if not media.matches():
        return f"The file is not of the type {media.mime_type}."
    return None


def unsupported(kind, mime_type):
    return (
        f"Unsupported {kind.title()} mime type {mime_type}. "
        f"Please use one of {', '.join(KINDS[kind][0])}."
    )


async def link_problem(state, kind, link):
    """Fetch a link (cached 10 minutes per URL) and say why it is no use, or None."""
    until, problem = state.links.get((kind, link), (0, None))
    if until < time.monotonic():
        problem = await fetch_problem(state, kind, link)
        state.links[kind, link] = time.monotonic() + LINK_CACHE_SECONDS, problem
    return problem


async def fetch_problem(state, kind, link):
    mimes, limit = KINDS[kind]
    timeout = aiohttp.ClientTimeout(total=state.settings.webhook_timeout)
    try:
        async with state.outbox.http.get(link, timeout=timeout) as answer:
            content = await answer.content.read(limit + 1)
            status, mime_type = answer.status, answer.content_type
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError):
        return f"Downloading media from weblink failed: {link}"
    if status != 200:
        return f"Downloading media from weblink failed with http code {status}"
    if mime_type not in mimes:
        return unsupported(kind, mime_type)
    return f"{kind}: the file is too large." if len(content) > limit else None
