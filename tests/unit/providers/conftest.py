"""Fixtures that several provider tests share."""

import json

import pytest
from providers import Credentials, Meta, Response, Transport
from socket_server import Server


class ScriptedCall:
    """Stands for the transport: gives prepared answers and keeps the requests."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        status, data = self.answers.pop(0)
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return Response(status, body)


@pytest.fixture
def scripted_call():
    return ScriptedCall


@pytest.fixture
def credentials():
    return Credentials(
        api_url="https://graph.example/v23.0",
        app_id="900100",
        business_account_id="800200",
        access_token="EAAtokentokentoken",
        app_secret="sssecret",
        verify_token="vvverify",
    )


@pytest.fixture
def meta(credentials):
    return Meta(credentials)


@pytest.fixture
def webhook():
    """Return a builder: ``webhook(value)`` gives the body of one change."""

    def build(value, field="messages", metadata=True, **entry):
        if metadata:
            metadata = {"display_phone_number": "15550100", "phone_number_id": "700300"}
            value = {"messaging_product": "whatsapp", "metadata": metadata, **value}
        change = {"field": field, "value": value}
        entry = {"id": "800200", "changes": [change], **entry}
        return json.dumps(
            {"object": "whatsapp_business_account", "entry": [entry]}
        ).encode()

    return build


@pytest.fixture
def parse_all(meta, webhook):
    """Return a function that gives the events of a change."""

    def parse_all(value, field="messages", **entry):
        return meta.parse_webhook(webhook(value, field, **entry))

    return parse_all


@pytest.fixture
def parse(parse_all):
    """Return a function that gives the one event of a change."""

    def parse(*args, **entry):
        (event,) = parse_all(*args, **entry)
        return event

    return parse


@pytest.fixture
def serve():
    servers = []

    def serve(handler, tls=None):
        servers.append(Server(handler, tls))
        return servers[-1]

    yield serve
    for server in servers:
        server.stop()


@pytest.fixture
def transport_of(serve):  # closed before the servers, which wait for their clients
    """Return a maker of transports with short time limits."""
    made = []

    def make(threads=1, connect_timeout=5, read_timeout=0.3):
        made.append(Transport(threads, connect_timeout, read_timeout))
        return made[-1]

    yield make
    for one in made:
        one.close()
