"""Resumable uploads: examples for the media headers of templates.

https://developers.facebook.com/docs/graph-api/guides/upload
"""

import base64
import secrets
from dataclasses import dataclass, field

from .errors import GraphError, missing_object, required

TYPES = ("application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4")
LARGEST = 100 * 1024 * 1024


@dataclass
class Upload:
    """A session; ``content`` grows until it has ``length`` bytes."""

    length: int
    mime_type: str
    content: bytearray = field(default_factory=bytearray)


async def begin(call):
    """``POST /{app_id}/uploads?file_length=…&file_type=…``"""
    values = await call.parameters()
    for name in ("file_length", "file_type"):
        if not values.get(name):
            raise required(name)
    if values["file_type"] not in TYPES or not str(values["file_length"]).isdigit():
        raise GraphError(100, f"file_type must be one of {', '.join(TYPES)}.")
    length = int(values["file_length"])
    if length > LARGEST:
        raise GraphError(100, "The file is too large.")
    upload_id = f"upload:{secrets.token_urlsafe(24)}"
    call.state.uploads[upload_id] = Upload(length, values["file_type"])
    return {"id": upload_id}


async def proceed(call, upload_id):
    """Bytes from ``file_offset`` on; the last ones bring the handle ``h``."""
    session = call.state.uploads.get(upload_id)
    if session is None:
        raise missing_object(call.request.method, upload_id)
    if call.request.method == "GET":
        return {"id": upload_id, "file_offset": len(session.content)}
    offset = call.request.headers.get("file_offset", "0")
    if offset != str(len(session.content)):
        raise GraphError(100, f"file_offset must be {len(session.content)}.")
    session.content += await call.request.read()
    if len(session.content) < session.length:
        return {"id": upload_id, "file_offset": len(session.content)}
    return {"h": handle(session.mime_type)}


def handle(mime_type):
    """What ``example.header_handle`` takes."""
    kind = base64.b64encode(mime_type.encode()).decode()
    return f"4::{kind}:{secrets.token_urlsafe(24)}"
