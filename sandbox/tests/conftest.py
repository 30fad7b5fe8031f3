"""A sandbox and a webhook receiver, both over real HTTP on loopback."""

import asyncio
import json

import pytest_asyncio
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from sandbox.server import create_app
from sandbox.settings import Settings
from sandbox.state import STATE

NUMBER = "200000000000001"
WABA = "100000000000001"
APP_ID = "700000000000001"
SECRET = "s3cret"
VERIFY_TOKEN = "verify-me"
PERSON = "+4915112340000"
PATIENCE = 10  # seconds until a test gives up waiting for a webhook


class Receiver:
    """A webhook. ``answers``: statuses for the next POSTs, 200 afterwards."""

    def __init__(self):
        self.posts = []
        self.answers = []
        self.news = asyncio.Condition()

    async def verify(self, request):
        query = request.query
        if query.get("hub.verify_token") != VERIFY_TOKEN:
            return web.Response(status=403)
        return web.Response(text=query["hub.challenge"])

    async def receive(self, request):
        body = await request.read()
        async with self.news:
            self.posts.append((dict(request.headers), body))
            self.news.notify_all()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def values(self):
        """``(field, value)`` of all changes received."""
        return [
            (change["field"], change["value"])
            for _, body in self.posts
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
        ]

    def items(self, key):
        """All entries of ``statuses``, ``messages`` or ``user_preferences``."""
        return [item for _, value in self.values() for item in value.get(key, ())]

    def of_message(self, wamid):
        """Status names of one message, as they came."""
        return [one["status"] for one in self.items("statuses") if one["id"] == wamid]

    async def until(self, condition):
        """Wait until ``condition()`` holds; it is tried after each POST."""
        async with self.news:
            await asyncio.wait_for(self.news.wait_for(condition), PATIENCE)


class Sandbox:
    """A client of one running sandbox."""

    def __init__(self, server, http, receiver, ledger):
        self.url = str(server.make_url("")).rstrip("/")
        self.state = server.app[STATE]
        self.http = http
        self.receiver = receiver
        self.ledger_file = ledger

    async def quiet(self):
        """Wait until the answer to every webhook was read."""

        async def poll():
            while self.state.outbox.pending():
                await asyncio.sleep(0)

        await asyncio.wait_for(poll(), PATIENCE)

    async def call(self, method, path, token="sandbox-token", **more):
        """``(HTTP status, JSON)`` of a request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        headers.update(more.pop("headers", {}))
        url = path if path.startswith("http") else self.url + path
        async with self.http.request(method, url, headers=headers, **more) as answer:
            return answer.status, await answer.json()

    async def get(self, path, **more):
        return await self.call("GET", f"/v23.0/{path}", **more)

    async def post(self, path, json=None, **more):
        return await self.call("POST", f"/v23.0/{path}", json=json, **more)

    async def control(self, path, **values):
        status, body = await self.call("POST", f"/_sandbox/{path}", json=values)
        assert status == 200, body
        return body

    async def send(self, message=None, number=NUMBER, **more):
        """Send; the template ``hello_world`` to PERSON unless told otherwise."""
        token = more.pop("token", "sandbox-token")
        message = {
            "messaging_product": "whatsapp",
            "to": PERSON,
            **(message or template("hello_world")),
            **more,
        }
        message = {key: value for key, value in message.items() if value is not None}
        return await self.post(f"{number}/messages", message, token=token)

    async def accepted(self, message=None, **more):
        """Send, expect success, return the message id."""
        status, body = await self.send(message, **more)
        assert status == 200, body
        return body["messages"][0]["id"]

    async def failure(self, wamid):
        """The error of the ``failed`` status of a message."""
        await self.receiver.until(lambda: self.receiver.of_message(wamid))
        found = [one for one in self.receiver.items("statuses") if one["id"] == wamid]
        assert found[0]["status"] == "failed", found
        return found[0]["errors"][0]

    def ledger(self):
        return [json.loads(line) for line in self.ledger_file.read_text().splitlines()]


def template(name, *values, language="en_US", **named):
    """A template message with body values."""
    parameters = [{"type": "text", "text": value} for value in values]
    parameters += [
        {"type": "text", "parameter_name": key, "text": value}
        for key, value in named.items()
    ]
    content = {"name": name, "language": {"code": language}}
    if parameters:
        content["components"] = [{"type": "body", "parameters": parameters}]
    return {"type": "template", "template": content}


def text(body="Hello"):
    return {"type": "text", "text": {"body": body}}


@pytest_asyncio.fixture
async def receiver():
    """A running Receiver; its address is ``receiver.url``."""
    found = Receiver()
    app = web.Application(client_max_size=2**24)
    app.router.add_get("/hook", found.verify)
    app.router.add_post("/hook", found.receive)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/hook"))
        yield found


@pytest_asyncio.fixture
async def start(receiver, tmp_path):
    """``await start(**settings)`` runs a sandbox; statuses come without delay."""
    opened = []

    async def begin(**settings):
        ledger = tmp_path / "ledger.jsonl"
        values = {
            "webhook": receiver.url,
            "app_secret": SECRET,
            "verify_token": VERIFY_TOKEN,
            "ledger": str(ledger),
            "status_delays": 0.001,
            "approve_after": 0.0,
            "delivered": 1.0,
            "read": 1.0,
            "webhook_connections": 1,
            "retry_pause": 0.001,
            **settings,
        }
        server = TestServer(create_app(Settings(**values)))
        await server.start_server()
        http = ClientSession()
        opened.append((server, http))
        return Sandbox(server, http, receiver, ledger)

    yield begin
    for server, http in opened:
        await http.close()
        await server.close()


@pytest_asyncio.fixture
async def sandbox(start):
    """A sandbox with the usual settings."""
    return await start()
