"""The transport against real sockets: what was written, and what came back."""

import contextlib
import hashlib
import logging
import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest
from providers import AnswerTooLong, Request, TransportError, transport
from providers.transport import NotReady
from socket_server import (
    OK,
    PATIENCE,
    answer_all,
    answer_with,
    close_after_reading,
    drip,
    drip_headers,
    drip_interim,
    failure,
    post,
    reset_after_reading,
    reset_while_reading,
    stall,
)

# === WHAT WORKS === #


def test_request_and_answer_are_whole(serve, transport_of):
    seen = []

    def handler(stream):
        seen.append(stream.read_request())
        stream.answer(
            b"HTTP/1.1 418 Teapot\r\nX-App-Usage: 1\r\nTransfer-Encoding: chunked"
            b"\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )

    server = serve(handler)
    response = transport_of()(post(server, b"body", "/a?b=c%20d", Authorization="x"))
    assert (response.status, response.body) == (418, b"abcde")
    assert response.headers["x-app-usage"] == "1"
    ((line, headers, body),) = seen
    assert line == "POST /a?b=c%20d HTTP/1.1"
    assert (headers["authorization"], headers["content-length"]) == ("x", "4")
    assert body == b"body"


def test_connection_is_kept(serve, transport_of):
    server = serve(answer_all)
    transport = transport_of()
    for _ in range(3):
        assert transport(post(server)).status == 200
    assert server.connections == 1


def test_redirect_is_an_answer(serve, transport_of):
    def handler(stream):
        stream.read_request()
        stream.answer(
            b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"
        )
        stream.read_request()

    server = serve(handler)
    assert transport_of()(post(server)).status == 302


@pytest.fixture
def written(monkeypatch):
    """The sizes of what was written by a client."""
    sizes = []
    sendall = socket.socket.sendall

    def counting_sendall(sock, content):
        sizes.append(len(content))
        sendall(sock, content)

    monkeypatch.setattr(socket.socket, "sendall", counting_sendall)
    return sizes


def test_message_goes_out_in_one_piece(serve, transport_of, written):
    def handler(stream):
        stream.read_request()
        stream.sock.send(OK)

    assert transport_of()(post(serve(handler), b"body")).status == 200
    assert len(written) == 1


def test_large_body_goes_out_in_pieces(serve, transport_of, written):
    """The time limit of a write is one for all of it, too short for a video."""

    def handler(stream):
        _, _, body = stream.read_request()
        digest = hashlib.sha256(body).hexdigest().encode()
        stream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + digest)

    body = bytes(range(256)) * 20_000
    response = transport_of(read_timeout=PATIENCE)(post(serve(handler), body))
    assert response.body.decode() == hashlib.sha256(body).hexdigest()
    assert max(written) <= 64 * 1024


def test_interim_answer_is_passed_over(serve, transport_of):
    def handler(stream):
        while stream.read_request():
            stream.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
            stream.answer()

    server = serve(handler)
    transport = transport_of()
    for _ in range(2):
        assert transport(post(server)).status == 200
    assert server.connections == 1


def test_threads_share_connections_and_never_mix_answers(serve, transport_of):
    def handler(stream):
        while request := stream.read_request():
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(request[2])}\r\n\r\n"
            stream.answer(head.encode() + request[2])

    server = serve(handler)
    transport = transport_of(threads=4, read_timeout=PATIENCE)

    def call(number):
        return transport(post(server, b"%d" % number)).body

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(200)))
    assert answers == [b"%d" % number for number in range(200)]
    assert server.connections <= 4


# === READY: THE CONNECTION FIRST, THE REQUEST WHEN IT MAY GO === #


class Script:
    """``ready`` that does one thing a call, and keeps count."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        step = self.steps.pop(0)
        return step() if callable(step) else step


def refuse_to_go(transport, request, ready):
    with pytest.raises(NotReady) as caught:
        transport(request, ready)
    return caught.value


def test_ready_has_an_open_connection_to_write_to(serve, transport_of):
    connected = threading.Event()

    def handler(stream):
        connected.set()
        answer_all(stream)

    ready = Script(lambda: connected.wait(PATIENCE))
    assert transport_of()(post(serve(handler)), ready).status == 200
    assert ready.calls == 1


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
def test_not_ready_leaves_the_connection_as_it_was(serve, transport_of, kept):
    bodies = []

    def handler(stream):
        while request := stream.read_request():
            bodies.append(request[2])
            stream.answer()

    server = serve(handler)
    transport = transport_of()
    if kept:
        transport(post(server, b"before"))
    error = refuse_to_go(transport, post(server, b"late"), Script(False))
    assert (error.written, error.reason) == (False, "not ready")
    transport(post(server, b"after"))
    assert bodies == [b"before"] * kept + [b"after"]
    assert server.connections == 1


def test_not_ready_does_not_make_a_connection_younger(serve, transport_of, monkeypatch):
    later = [0]
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + later[0])
    monkeypatch.setattr(transport, "time", clock)
    server = serve(answer_all)
    one = transport_of(read_timeout=PATIENCE)
    one(post(server))
    later[0] = transport.MAX_IDLE * 0.6
    refuse_to_go(one, post(server), Script(False))
    assert server.connections == 1
    later[0] = transport.MAX_IDLE * 1.2
    one(post(server))
    assert server.connections == 2


class Closing:
    """A server that closes its first connection when the client waits on it."""

    def __init__(self, end):
        self.end = end
        self.waiting = threading.Event()
        self.closed = threading.Event()
        self.bodies = []

    def __call__(self, stream):
        if stream.server.connections == 1:
            self.waiting.wait(PATIENCE)
            self.end(stream)
            self.closed.set()
        while not stream.reader.closed and (request := stream.read_request()):
            self.bodies.append(request[2])
            stream.answer()

    def wait(self):
        self.waiting.set()
        return self.closed.wait(PATIENCE)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda stream: stream.sock.shutdown(socket.SHUT_WR), id="closed"),
        pytest.param(lambda stream: stream.reset(), id="reset"),
        pytest.param(lambda stream: stream.answer(OK), id="spoke"),
    ],
)
def test_connection_that_ends_while_waiting_is_replaced(serve, transport_of, end):
    handler = Closing(end)
    server = serve(handler)
    ready = Script(handler.wait, True)
    assert transport_of()(post(server, b"once"), ready).status == 200
    assert (handler.bodies, server.connections, ready.calls) == ([b"once"], 2, 2)


def test_replaced_connection_that_comes_too_late(serve, transport_of):
    handler = Closing(lambda stream: stream.sock.shutdown(socket.SHUT_WR))
    server = serve(handler)
    transport = transport_of()
    refuse_to_go(transport, post(server, b"late"), Script(handler.wait, False))
    transport(post(server, b"next"))
    assert (handler.bodies, server.connections) == ([b"next"], 2)


def test_connections_that_all_end_while_waiting(serve, transport_of):
    ended, gone, requests = threading.Semaphore(0), threading.Semaphore(0), []

    def handler(stream):
        stream.sock.shutdown(socket.SHUT_WR)
        ended.release()
        requests.append(stream.read_request())
        gone.release()

    server = serve(handler)
    ready = Script(*[lambda: ended.acquire(timeout=PATIENCE)] * 2)
    with pytest.raises(TransportError) as caught:
        transport_of()(post(server), ready)
    assert (caught.value.written, server.connections) == (False, 2)
    for _ in range(2):
        assert gone.acquire(timeout=PATIENCE)
    assert requests == [None, None]


def test_accident_while_waiting_closes_the_connection(serve, transport_of):
    read = []
    gone = threading.Event()

    def handler(stream):
        read.append(stream.read_request())
        gone.set()

    with pytest.raises(ZeroDivisionError) as caught:
        transport_of()(post(serve(handler)), Script(lambda: 1 / 0))
    assert gone.wait(PATIENCE)
    assert read == [None]
    assert caught.tb  # it held on to the connection: nobody else has closed that


# === NOTHING WAS WRITTEN === #


def test_refused(transport_of):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    error = failure(transport_of(), Request("POST", f"http://127.0.0.1:{port}/"))
    assert (error.written, error.reason) == (
        False,
        "cannot connect: Connection refused",
    )


def test_unknown_host(transport_of, monkeypatch):
    def getaddrinfo(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    error = failure(transport_of(), Request("POST", "https://graph.example/"))
    assert error.written is False


@pytest.mark.parametrize(
    "url", ["", "graph.example/a", "ftp://a/b", "http:///a", "http://a:99999/", "//a"]
)
def test_address_that_is_none(transport_of, url):
    assert failure(transport_of(), Request("POST", url)).written is False


@pytest.mark.parametrize("token", ["EAAsecret\nX: y", "EAAsecret\udc80", "EAAsecret€"])
def test_token_that_cannot_be_a_header(serve, transport_of, token):
    server = serve(answer_all)
    error = failure(transport_of(), post(server, Authorization=f"Bearer {token}"))
    assert error.written is False
    assert "EAAsecret" not in "".join(traceback.format_exception(error))


def test_path_that_cannot_be_one(serve, transport_of):
    server = serve(answer_all)
    assert failure(transport_of(), post(server, path="/a b\x00")).written is False


def test_all_connections_busy(serve, transport_of):
    arrived = threading.Event()

    def handler(stream):
        stream.read_request()
        arrived.set()
        stream.server.closing.wait(PATIENCE)

    server = serve(handler)
    transport = transport_of(connect_timeout=0.1, read_timeout=PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(failure, transport, post(server))
        assert arrived.wait(PATIENCE)
        error = failure(transport, post(server))
        server.closing.set()
        assert first.result().written is True
    assert (error.written, error.reason) == (False, "all connections are busy")


def test_closed_transport(serve, transport_of):
    server = serve(answer_all)
    transport = transport_of()
    transport(post(server))
    transport.close()
    assert failure(transport, post(server)).written is False


# === SOMETHING WAS WRITTEN === #


@pytest.mark.parametrize(
    "handler",
    [
        pytest.param(reset_while_reading, id="reset while reading"),
        pytest.param(reset_after_reading, id="reset after reading"),
        pytest.param(close_after_reading, id="close after reading"),
        pytest.param(stall, id="stall"),
        pytest.param(drip, id="drip"),
        pytest.param(drip_headers, id="drip headers"),
        pytest.param(answer_with(b"SSH-2.0-OpenSSH\r\n\r\n"), id="garbage"),
        pytest.param(answer_with(b"\0" * 100_000), id="long garbage"),
        pytest.param(answer_with(OK[:-1]), id="cut off"),
        pytest.param(answer_with(b"HTTP/1.1 100 Continue\r\n\r\n"), id="interim only"),
        pytest.param(drip_interim, id="drip interim"),
        pytest.param(
            answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\na"),
            id="cut off chunk",
        ),
        pytest.param(
            answer_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            id="garbage chunk",
        ),
    ],
)
def test_no_answer(serve, transport_of, handler):
    server = serve(handler)
    assert failure(transport_of(), post(server)).written is True
    assert server.connections == 1


def test_too_long_an_answer(serve, transport_of):
    request = replace(post(serve(answer_all)), answer_limit=1)
    error = failure(transport_of(), request)
    assert isinstance(error, AnswerTooLong)
    assert (error.written, error.reason) == (True, "the answer is too long")


def test_an_endless_answer_is_read_up_to_the_limit(serve, transport_of):
    ended = threading.Event()

    def pour(stream):
        stream.read_request()
        stream.answer(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                stream.answer(b"a" * 65536)
        ended.set()

    request = replace(post(serve(pour)), answer_limit=1_000_000)
    transport = transport_of(read_timeout=PATIENCE)
    assert isinstance(failure(transport, request), AnswerTooLong)
    assert ended.wait(PATIENCE)  # as the connection was closed


def test_an_answer_as_long_as_the_limit(serve, transport_of):
    request = replace(post(serve(answer_all)), answer_limit=2)
    assert transport_of()(request).body == b"{}"


def test_reset_of_a_kept_connection_after_writing(serve, transport_of):
    bodies = []

    def handler(stream):
        bodies.append(stream.read_request()[2])
        stream.answer()
        bodies.append(stream.read_request()[2])
        stream.reset()

    server = serve(handler)
    transport = transport_of()
    transport(post(server, b"1"))
    assert failure(transport, post(server, b"2")).written is True
    assert bodies == [b"1", b"2"]
    assert server.connections == 1


# === CONNECTIONS THAT MUST NOT BE USED AGAIN === #


def test_half_closed_connection_is_replaced_before_writing(serve, transport_of):
    closed = threading.Event()

    def handler(stream):
        stream.read_request()
        stream.answer()
        stream.sock.shutdown(socket.SHUT_WR)
        closed.set()
        stream.read_request()

    server = serve(handler)
    transport = transport_of()
    for _ in range(2):
        closed.clear()
        assert transport(post(server)).status == 200
        assert closed.wait(PATIENCE)
    assert server.connections == 2


def test_connection_with_an_answer_too_many_is_replaced(serve, transport_of):
    answered = threading.Event()
    more_sent = threading.Event()

    def handler(stream):
        while stream.read_request():
            stream.answer(OK)
            answered.wait(PATIENCE)
            stream.answer(b"HTTP/1.1 500 Other\r\nContent-Length: 0\r\n\r\n")
            more_sent.set()

    server = serve(handler)
    transport = transport_of()
    assert transport(post(server)).status == 200
    answered.set()
    assert more_sent.wait(PATIENCE)
    assert transport(post(server)).status == 200
    assert server.connections == 2


def test_connection_whose_answer_was_longer_than_told_is_replaced(serve, transport_of):
    """What came with it was read with it: no more bytes would give it away."""

    def handler(stream):
        while stream.read_request():
            stream.answer(OK + b"HTTP/1.1 200 OK\r\n")

    server = serve(handler)
    transport = transport_of()
    for _ in range(2):
        assert transport(post(server)).body == b"{}"
    assert server.connections == 2


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_connection_that_ended_is_replaced(serve, transport_of, first):
    def handler(stream):
        while stream.read_request():
            stream.answer(first)

    server = serve(handler)
    transport = transport_of()
    transport(post(server))
    with contextlib.ExitStack() as taken:
        for _ in range(10):  # whoever gets the closed socket's number is no answer
            for sock in socket.socketpair():
                taken.enter_context(sock)
        transport(post(server))
    assert server.connections == 2


def test_idle_connection_is_replaced(serve, transport_of, monkeypatch):
    server = serve(answer_all)
    one = transport_of()
    one(post(server))
    monkeypatch.setattr(transport, "MAX_IDLE", -1)
    one(post(server))
    assert server.connections == 2


def test_idle_connections_do_not_pile_up(serve, transport_of, monkeypatch):
    monkeypatch.setattr(transport, "MAX_IDLE", -1)
    gone = threading.Event()

    def handler(stream):
        answer_all(stream)
        gone.set()

    transport_of()(post(serve(handler)))
    assert gone.wait(PATIENCE)


# === LOG === #


def test_nothing_secret_in_the_log(serve, transport_of, caplog):
    caplog.set_level(logging.DEBUG)
    transport = transport_of()
    request = {"path": "/a?appsecret_proof=proof", "Authorization": "Bearer EAAtoken"}
    error = failure(transport, post(serve(reset_after_reading), b"+1650", **request))
    transport(post(serve(answer_all), b"+1650", **request))
    said = caplog.text + repr(error) + "".join(traceback.format_exception(error))
    for secret in ("proof=", "EAAtoken", "+1650"):
        assert secret not in said
