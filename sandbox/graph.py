"""The Graph API's door: version, token, object, edge, and Meta's form of answers."""

import asyncio
import hashlib
import hmac
import json
import random
import re
import time
from urllib.parse import parse_qsl

from aiohttp import web

from . import accounts, media, messages, numbers, template_edges, uploads
from .errors import GraphError, missing_object, trace_id
from .state import STATE, App, Number, Waba
from .templates import Template

VERSION = re.compile(r"v\d+\.\d+")
MESSAGING = "whatsapp_business_messaging"
MANAGEMENT = "whatsapp_business_management"
MESSAGE_EDGES = (["messages"], ["marketing_messages"])

# (method, kind of object, edge) → handler, permission
EDGES = {
    ("POST", Number, "messages"): (messages.send, MESSAGING),
    ("POST", Number, "marketing_messages"): (messages.send_marketing, MESSAGING),
    ("POST", Number, "media"): (media.upload, MESSAGING),
    ("POST", Number, "register"): (numbers.register, MANAGEMENT),
    ("POST", Number, "deregister"): (numbers.deregister, MANAGEMENT),
    ("GET", Number, None): (numbers.read, MANAGEMENT),
    ("POST", Number, None): (numbers.change, MANAGEMENT),
    ("GET", Waba, None): (accounts.read_waba, MANAGEMENT),
    ("GET", Waba, "phone_numbers"): (numbers.of_waba, MANAGEMENT),
    ("GET", Waba, "subscribed_apps"): (accounts.subscribed_apps, MANAGEMENT),
    ("POST", Waba, "subscribed_apps"): (accounts.subscribe, MANAGEMENT),
    ("DELETE", Waba, "subscribed_apps"): (accounts.unsubscribe, MANAGEMENT),
    ("GET", Waba, "message_templates"): (template_edges.of_waba, MANAGEMENT),
    ("POST", Waba, "message_templates"): (template_edges.create, MANAGEMENT),
    ("DELETE", Waba, "message_templates"): (template_edges.delete, MANAGEMENT),
    ("GET", Template, None): (template_edges.read, MANAGEMENT),
    ("POST", Template, None): (template_edges.edit, MANAGEMENT),
    ("POST", Template, "unpause"): (template_edges.unpause, MANAGEMENT),
    ("GET", media.Media, None): (media.read, MESSAGING),
    ("DELETE", media.Media, None): (media.delete, MESSAGING),
    ("GET", App, None): (accounts.read_app, None),
    ("GET", App, "subscriptions"): (accounts.subscriptions, None),
    ("POST", App, "subscriptions"): (accounts.change_subscription, None),
    ("POST", App, "uploads"): (uploads.begin, None),
}


class Call:
    """One request to the Graph API.

    ``arrived``, ``answer_due``: monotonic seconds; ``target``: the object of the id;
    ``line``: what the ledger will say of a message request.
    """

    def __init__(self, state, request):
        settings = state.settings
        self.state = state
        self.request = request
        self.arrived = time.monotonic()
        jitter = settings.jitter * random.uniform(-1, 1) if settings.jitter else 0
        self.answer_due = self.arrived + max(0, settings.latency + jitter)
        self.token = None
        self.target = None
        self.line = None

    async def wait_latency(self):
        wait = self.answer_due - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        await self.state.ledger.flush()

    async def parameters(self):
        """Query, form and JSON body in one dict; values of JSON keep their type."""
        values = dict(self.request.query)
        if self.request.content_type == "application/json":
            values.update(messages.parse(await self.request.read() or b"{}"))
        elif self.request.can_read_body:
            values.update(parse_qsl((await self.request.read()).decode()))
        values.pop("access_token", None)
        return values

    def url(self, path, **query):
        """An absolute URL of this server."""
        return str(self.request.url.with_path(path).with_query(query))


def answer(value, status=200):
    return web.Response(
        body=json.dumps(value).encode(),
        status=status,
        content_type="application/json",
        charset="utf-8",
        headers={"x-fb-trace-id": trace_id(), "facebook-api-version": "v23.0"},
    )


async def handle(request):
    """Every request outside the control API."""
    call = Call(request.app[STATE], request)
    try:
        result = await dispatch(call)
    except GraphError as error:
        parts = path_parts(request.path)
        if parts[1:] in MESSAGE_EDGES:
            await messages.note_refusal(call, parts[0], error)
        result = answer(error.body(), error.http)
    if not isinstance(result, web.StreamResponse):
        result = answer(result)
    if not result.prepared:
        await call.wait_latency()
    return result


def path_parts(path):
    """Object and edge of a path, without the version."""
    parts = [part for part in path.split("/") if part]
    return parts[1:] if parts and VERSION.fullmatch(parts[0]) else parts


async def dispatch(call):
    parts = path_parts(call.request.path)
    if not parts or len(parts) > 2:
        raise missing_object(call.request.method, "/".join(parts))
    call.token = authenticate(call)
    method, edge = call.request.method, parts[1] if len(parts) > 1 else None
    if parts[0] in NAMED:
        return await NAMED[parts[0]](call)
    if parts[0].startswith("upload:"):
        return await uploads.proceed(call, parts[0])
    call.target = call.state.find(method, parts[0], call.token)
    handler, scope = EDGES.get((method, type(call.target), edge), (None, None))
    if handler is None:
        raise missing_object(method, "/".join(parts))
    check_scope(call.token, scope)
    return await handler(call)


NAMED = {"debug_token": accounts.debug_token, "me": accounts.me}


def authenticate(call):
    """The token of the header or the query; checks ``appsecret_proof`` if given."""
    request = call.request
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme not in ("Bearer", "OAuth"):
        text = request.query.get("access_token", "")
    token = call.state.token(text.strip())
    proof = request.query.get("appsecret_proof")
    if proof is not None and not proof_valid(proof, token, call.state):
        raise GraphError(
            100, "", message="Invalid appsecret_proof provided in the API argument"
        )
    return token


def proof_valid(proof, token, state):
    secret = state.settings.app_secret.encode()
    expected = hmac.new(secret, token.token.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), proof.encode())


def check_scope(token, scope):
    if scope is None or scope in token.scopes:
        return
    if scope == MESSAGING:
        raise GraphError(10)
    raise GraphError(
        200,
        message="(#200) You do not have the necessary permissions to manage this "
        "WhatsApp Business Account",
    )
