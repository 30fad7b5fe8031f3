"""Files: what Meta takes, the upload, and where it serves those of people.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from .base import Unsupported

_MB = 1024 * 1024
_WORD = "application/vnd.openxmlformats-officedocument"

#: MIME types that Meta takes, and their largest size in bytes.
LIMITS: dict[str, int] = {
    **dict.fromkeys(
        ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * _MB
    ),
    **dict.fromkeys(("image/jpeg", "image/png"), 5 * _MB),
    **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * _MB),
    **dict.fromkeys(
        (
            "text/plain",
            "application/pdf",
            "application/msword",
            "application/vnd.ms-excel",
            "application/vnd.ms-powerpoint",
            f"{_WORD}.wordprocessingml.document",
            f"{_WORD}.spreadsheetml.sheet",
            f"{_WORD}.presentationml.presentation",
        ),
        100 * _MB,
    ),
}

#: Hosts that serve the files which people sent, and may see our token for it.
_HOSTS = (".fbsbx.com", ".fbcdn.net", ".whatsapp.net")


def is_trusted(url: str, api_url: str) -> bool:
    """Tell whether the token may be sent to ``url``: one of Meta's, or our API's."""
    try:
        parts, api = urlsplit(url), urlsplit(api_url)
        place = (parts.scheme, parts.hostname, parts.port)
        if place == (api.scheme, api.hostname, api.port):
            return True
        host = f".{parts.hostname}"
    except ValueError:
        return False
    ours = parts.scheme == "https" and parts.port in (None, 443)
    return ours and host.endswith(_HOSTS)


def check(content: bytes, mimetype: str) -> str:
    """Return the bare MIME type; raise Unsupported if Meta would refuse the file."""
    bare = mimetype.partition(";")[0].strip().lower()
    limit = LIMITS.get(bare)
    if limit is None:
        raise Unsupported(
            f"WhatsApp takes no files of type {bare!r}; use one of: "
            f"{', '.join(sorted(LIMITS))}."
        )
    if not content:
        raise Unsupported("The file is empty.")
    if len(content) > limit:
        raise Unsupported(
            f"The file has {len(content) / _MB:.1f} MB; "
            f"WhatsApp takes at most {limit // _MB} MB of type {bare}."
        )
    return bare


def multipart(content: bytes, mimetype: str, filename: str) -> tuple[str, bytes]:
    """Return content type and body of the upload of one file (RFC 7578)."""
    boundary = uuid.uuid4().hex
    name = filename.encode("utf-8", "replace").decode("utf-8")
    for character, escaped in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        name = name.replace(character, escaped)
    head = "".join(
        (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="messaging_product"\r\n\r\n'
            "whatsapp\r\n",
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="type"\r\n\r\n{mimetype}\r\n',
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {mimetype}\r\n\r\n",
        )
    )
    body = b"".join((head.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body
