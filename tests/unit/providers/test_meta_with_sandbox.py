"""Meta's provider and the transport, over HTTP with the local Cloud API."""

import base64
import json
import queue
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from providers import (
    Callback,
    Credentials,
    ErrorClass,
    InboundEvent,
    Meta,
    Outcome,
    OutgoingMessage,
    ProviderError,
    StatusEvent,
    Transport,
)

ROOT = Path(__file__).parents[3]
NUMBER = "200000000000001"
PHONE = "+4915112340000"
CONTENT = b"%PDF-1.4 " + bytes(range(256)) * 40_000  # more than a usual answer
LENGTH = len(CONTENT)
PATIENCE = 10  # seconds until a test gives up waiting for a webhook


class World:
    """A sandbox, the provider that is bound to it, and the webhooks that came."""

    def __init__(self, url, webhooks, callback, ledger):
        self.url = url
        self.ledger = ledger
        self.webhooks = webhooks
        self.callback = callback
        secret = "sandbox-app-secret"
        token = "sandbox-token"
        credentials = Credentials(f"{url}/v23.0", access_token=token, app_secret=secret)
        self.meta = Meta(credentials)
        self.call = Transport(threads=1)

    def control(self, path, **values):
        body = json.dumps(values).encode() if values else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def hear(self, path="inbound", **values):
        """Let a person write, and return the events of the webhook."""
        asked = {"phone_number_id": NUMBER, "from": PHONE, **values}
        self.control(path, **asked)
        events = []
        while all(isinstance(event, StatusEvent) for event in events):
            headers, body = self.webhooks.get(timeout=PATIENCE)
            assert self.meta.verify(headers, body)
            events = self.meta.parse_webhook(body)
        return events


@pytest.fixture(scope="module")
def webhook():
    posts = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.put((dict(self.headers), body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", posts
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def world(webhook, tmp_path_factory):
    callback, posts = webhook
    ledger = tmp_path_factory.mktemp("sandbox") / "ledger"
    options = ["--port=0", f"--webhook={callback}", f"--ledger={ledger}"]
    command = [sys.executable, "-m", "sandbox", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        address = process.stdout.readline().split()[-1]
        world = World(address, posts, callback, ledger)
        yield world
        world.call.close()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize(
    "kind",
    "text image video audio document sticker location contacts button interactive "
    "order reaction edit revoke unsupported".split(),
)
def test_each_kind_of_message(world, kind):
    (event,) = world.hear(type=kind)
    assert (event.message_type, event.phone) == (kind, PHONE)
    assert event.opens_window is (kind not in ("edit", "revoke"))
    assert event.details or event.media or event.text or event.context_id


def test_changed_phone(world):
    identity, record = world.hear(type="system")
    assert (identity.phone, identity.new_phone) == (PHONE, "+4915112349999")
    assert record.message_type == "system"


def test_echo(world):
    (event,) = world.hear("echo", text={"body": "We call you"})
    assert isinstance(event, InboundEvent)
    assert (event.is_echo, event.phone, event.text) == (True, PHONE, "We call you")


def test_samples_of_the_dashboard(world):
    statuses = world.control("webhook/test", waba_id="100000000000001")["statuses"]
    posts = [world.webhooks.get(timeout=PATIENCE) for _ in statuses]
    events = [world.meta.parse_webhook(body) for _, body in posts]
    assert all(events)
    kinds = {type(event).__name__ for found in events for event in found}
    assert "UnknownEvent" not in kinds
    assert "IdentityEvent" in kinds


@pytest.fixture
def file(world):
    content = {"data": base64.b64encode(CONTENT).decode(), "filename": "a.pdf"}
    content["mime_type"] = "application/pdf"
    (event,) = world.hear(type="document", document=content)
    return event.media


def fetch(world, file, max_bytes=LENGTH, number_id=NUMBER):
    return world.meta.fetch_media(world.call, file.media_id, number_id, max_bytes)


def test_file(world, file):
    found = fetch(world, file)
    assert found.content == CONTENT
    assert (found.mimetype, found.sha256) == ("application/pdf", file.sha256)
    assert file.filename == "a.pdf"


def test_file_that_cannot_be_had(world, file):
    for limits in ({"max_bytes": LENGTH - 1}, {"number_id": "200000000000002"}):
        with pytest.raises(ProviderError) as caught:
            fetch(world, file, **limits)
        assert caught.value.error.error_class is ErrorClass.REQUEST


def test_receipt(world):
    (event,) = world.hear()
    world.meta.mark_read(world.call, NUMBER, event.message_id)
    receipt = {"phone_number_id": NUMBER, "message_id": event.message_id}
    assert world.control("receipts")["receipts"] == [receipt]


def test_receipt_of_an_unknown_message(world):
    with pytest.raises(ProviderError):
        world.meta.mark_read(world.call, NUMBER, "wamid.x")


def test_quote(world):
    message = OutgoingMessage(NUMBER, PHONE, "t", text="Hi", context_id="wamid.A")
    result = world.meta.parse_send(world.call(world.meta.prepare_send(message)))
    assert result.outcome is Outcome.ACCEPTED
    assert json.loads(world.ledger.read_text())["context_id"] == "wamid.A"


def test_callback(world):
    found = world.meta.fetch_callback(world.call, NUMBER)
    assert found == Callback(application=world.callback)
