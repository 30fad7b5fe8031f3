"""Whatever comes in at the webhook: no error of ours, no row without a signature.

As many POSTs as ``WEBHOOK_FUZZ`` says, from the seed ``WEBHOOK_FUZZ_SEED``.
"""

import hashlib
import hmac
import json
import os
import random
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from tools.stage import NUMBER_ID, WABA_ID

SECRET = b"sandbox-app-secret"
COUNT = int(os.environ.get("WEBHOOK_FUZZ", "1500"))
SEED = int(os.environ.get("WEBHOOK_FUZZ_SEED", "1"))
SAMPLES = Path(__file__).parents[1] / "unit" / "providers"
#: Growth of a worker, in MB, that is no leak: caches, and the largest of all bodies.
GROWTH = 60

#: What JSON may hold where something else is expected.
ODD = (
    None, True, -1, 0.5, 1e308, 10**30, "", "\0", "\ud800", "x" * 70_000, "é" * 600,
    "9" * 20, "+", [], {}, [[]], [None], [{}], {"": ""}, {"id": {"id": 1}}, "1e999",
    "r999999999-" + "0" * 32, "2147483648", -(2**63), "NaN", "2026-01-01",
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/json; charset=utf-16", "text/plain", "",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
    "multipart/form-data", "\xff\xfe", "application/json-rpc", "x" * 2000,
)  # fmt: skip


def sample(chance):
    """Return a delivery of some kind, about nobody that the database knows."""
    phone = f"1201555{chance.randrange(10_000):04d}"
    status = {
        "id": f"wamid.{chance.randrange(1000)}",
        "status": chance.choice(["sent", "delivered", "read", "failed", "played"]),
        "timestamp": "1750030073",
        "recipient_id": phone,
        "biz_opaque_callback_data": f"r{chance.randrange(99)}-{'a' * 32}",
        "errors": [{"code": 131026, "title": "x", "error_data": {"details": "y"}}],
        "pricing": {"billable": True, "category": "utility", "type": "regular"},
    }
    message = {
        "from": phone,
        "id": f"wamid.in{chance.randrange(1000)}",
        "timestamp": "1750030073",
        "type": chance.choice(["text", "button", "image", "system", "order"]),
        "text": {"body": chance.choice(["Thank you", "STOP"])},
        "button": {"payload": "STOP", "text": "Stop"},
        "image": {"id": "1", "mime_type": "image/png", "caption": "A"},
        "context": {"id": "wamid.1"},
    }
    preference = {
        "wa_id": phone,
        "value": chance.choice(["stop", "resume"]),
        "category": "marketing_messages",
        "timestamp": "1750030073",
    }
    template = {
        "event": chance.choice(["APPROVED", "REJECTED", "PAUSED", "odd"]),
        "message_template_id": chance.randrange(10),
        "message_template_name": "spring_offer",
        "message_template_language": "en-US",
    }
    field, value = chance.choice(
        [
            ("messages", {"statuses": [status] * chance.randrange(1, 4)}),
            ("messages", {"messages": [message], "contacts": [{"wa_id": phone}]}),
            ("user_preferences", {"user_preferences": [preference]}),
            ("message_template_status_update", template),
            ("phone_number_quality_update", {"event": "FLAGGED"}),
            ("account_update", {"event": "VERIFIED_ACCOUNT"}),
        ]
    )
    metadata = {"phone_number_id": NUMBER_ID, "display_phone_number": phone}
    value = {"metadata": metadata, "messaging_product": "whatsapp", **value}
    entry = {"id": WABA_ID, "changes": [{"field": field, "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def mutate(chance, tree):
    """Return JSON with a node replaced, dropped, doubled or moved."""
    places = list(_places(tree))
    for _ in range(chance.choice([0, 1, 1, 2, 5])):
        holder, key = chance.choice(places)
        kind = chance.randrange(4)
        if kind == 0:
            holder[key] = chance.choice(ODD)
        elif kind == 1 and isinstance(holder, dict):
            holder.pop(key, None)
            places = list(_places(tree))
        elif kind == 2:
            holder[key] = [holder.get(key)] if isinstance(holder, dict) else [{}]
        else:
            other, name = chance.choice(places)
            found = other.get(name) if isinstance(other, dict) else None
            holder[key] = json.loads(json.dumps(found))
        if not places:
            break
    return tree


def _places(tree):
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(items):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def spoil(chance, body):
    """Return bytes changed, cut, doubled or replaced."""
    kind = chance.randrange(8)
    place = chance.randrange(len(body) + 1)
    if kind == 0:
        return body[:place]
    if kind == 1:
        return body[:place] + chance.randbytes(chance.randrange(20)) + body[place:]
    if kind == 2:
        return body + body
    if kind == 3:
        return chance.choice([b"", b"null", b"[]", b'"', b"\xef\xbb\xbf" + body])
    if kind == 4:
        return b"[" * 5000 + body + b"]" * 5000
    return body


def signature(body):
    return "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def wrong_signature(chance, body):
    """Return headers with no signature that counts."""
    good = signature(body)
    other = hmac.new(b"other", body, hashlib.sha256).hexdigest()
    place = chance.randrange(len("sha256="), len(good))
    flipped = "0" if good[place] != "0" else "1"
    name, value = chance.choice(
        [
            ("X-Hub-Signature-256", good[:place] + flipped + good[place + 1 :]),
            ("X-Hub-Signature-256", f"sha256={other}"),
            ("X-Hub-Signature-256", good[:-1]),
            ("X-Hub-Signature-256", good.replace("sha256=", "")),
            ("X-Hub-Signature-256", "\xe4\xf6\xfc" * chance.randrange(1, 300)),
            ("X-Hub-Signature-256", ""),
            ("X-Hub-Signature", good),
            ("X-Other", "x"),
        ]
    )
    return {name: value}


def request(chance, path, body, headers):
    """Return the bytes of a POST, with a body in chunks at times."""
    headers = {"Content-Type": chance.choice(CONTENT_TYPES), **headers}
    for _ in range(chance.randrange(3)):
        headers[f"X-{chance.randrange(10**6)}"] = "é" * chance.randrange(100)
    if chance.random() < 0.1:
        headers["Content-Encoding"] = chance.choice(["gzip", "br", "identity", "x"])
    if chance.random() < 0.1:
        headers["Cookie"] = "session_id=" + "z" * chance.randrange(200)
    if chance.random() < 0.1:
        path += "?" + quote(chance.choice(["self=1", "token=x", "a[]=\0", "=&&="]))
    headers["Content-Length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    return f"{start}{head}\r\n".encode("latin-1", "replace") + body


def post(port, content):
    """Return the status of the answer, 0 if there is none."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(content)
        answer = connection.recv(65536)
    return int(answer[9:12] or 0)


def resident(pid):
    """Return the resident memory of a process in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def children(pid):
    task = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in task.read_text().split()]


@pytest.fixture
def stage(make_stage):
    return make_stage(webhook=False, cron_threads=0)


def test_whatever_comes_in_is_refused_or_stored_and_never_breaks_the_door(stage):
    path = urlsplit(stage.webhook_url).path
    chance = random.Random(SEED)
    cases = [_case(chance, path) for _ in range(COUNT)]
    warm = COUNT // 3
    answers = _post_all(stage, cases[:warm])
    before = _memory(stage)
    answers += _post_all(stage, cases[warm:])

    assert max(_memory(stage).values()) < max(before.values()) + GROWTH
    wrong = Counter(
        (status, is_signed)
        for (_content, is_signed), status in zip(cases, answers, strict=True)
        if status != (200 if is_signed else 403)
    )
    assert not wrong
    [(stored,)] = stage.query("SELECT count(*) FROM whatsapp_broadcast_event")
    assert stored == sum(is_signed for _content, is_signed in cases)
    _merge_all(stage)


def _case(chance, path):
    """Return (bytes of a POST, whether it is signed)."""
    tree = mutate(chance, sample(chance))
    body = spoil(chance, json.dumps(tree).encode("utf-8", "replace"))
    is_signed = chance.random() < 0.6
    headers = (
        {"X-Hub-Signature-256": signature(body)}
        if is_signed
        else wrong_signature(chance, body)
    )
    if not is_signed and chance.random() < 0.1:
        path = "/whatsapp_broadcast/webhook/" + quote(
            chance.choice(["x", "é", "\0", "x" * 5000, "%", "..", "\udc80" * 3]),
            errors="surrogatepass",
        )
        headers = {"X-Hub-Signature-256": signature(body)}
    return request(chance, path, body, headers), is_signed


def _post_all(stage, cases):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda case: post(stage.server.port, case[0]), cases))


def _memory(stage):
    return {pid: resident(pid) for pid in children(stage.server.process.pid)}


def _merge_all(stage):
    """Let the merge read all of it, as a cron does; retries are due at once."""
    waiting = stage.run(
        """
events = env["whatsapp.broadcast.event"]
for _ in range(8):
    events._cron_merge()
    env.cr.execute("UPDATE whatsapp_broadcast_event SET retry_at = NULL")
    env.cr.commit()
env.cr.execute(
    "SELECT error_message, count(*) FROM whatsapp_broadcast_event"
    " WHERE processed_at IS NULL OR state = 'set_aside' GROUP BY 1"
)
result = env.cr.fetchall()
"""
    )
    assert waiting == []


def test_odd_requests_are_answered_as_http_has_it(stage):
    path, port = urlsplit(stage.webhook_url).path, stage.server.port
    odd = "?self=1&token=2&hub.mode=subscribe&hub.verify_token=%FF&a[]=%00"
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "x"):
        for query in ("", odd):
            head = f"{method} {path}{query} HTTP/1.1\r\nHost: localhost\r\n"
            assert post(port, f"{head}Connection: close\r\n\r\n".encode()) in (
                403,
                405,
            ), (method, query)

    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
    too_long = f"{start}Content-Length: 999999999\r\n\r\n"
    assert post(port, too_long.encode()) == 413  # before a byte of it was sent

    body = b'{"entry": []}'
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    head = f"{start}Transfer-Encoding: chunked\r\n"
    signed = f"{head}X-Hub-Signature-256: {signature(body)}\r\n\r\n"
    assert post(port, f"{head}\r\n".encode() + chunks) == 403
    assert post(port, signed.encode() + chunks) == 200
    assert stage.query("SELECT count(*) FROM whatsapp_broadcast_event") == [(1,)]
