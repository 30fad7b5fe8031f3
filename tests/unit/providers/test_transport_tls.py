"""The transport over TLS and through proxies."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from engine.result import ACCEPTED, LATE, Result
from engine.sender import Job, Sender
from providers import Request
from providers.transport import NotReady
from socket_server import (
    PATIENCE,
    Stream,
    answer_all,
    drip,
    failure,
    post,
    reset_at_once,
)


def certificate(tmp_path, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / f"{name}.pem"
    pem.write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """Return a maker of server contexts; the first one's name is trusted."""

    def make(name="localhost", trusted=True):
        pem = certificate(tmp_path, name)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    return make


def test_tls(serve, transport_of, tls):
    server = serve(answer_all, tls())
    transport = transport_of(read_timeout=PATIENCE)
    for _ in range(3):
        assert transport(post(server, scheme="https")).status == 200
    assert server.connections == 1


def test_tickets_that_come_while_waiting_do_no_harm(serve, transport_of, tls):
    """TLS 1.3 hands them out behind the handshake: bytes, and yet no answer."""
    shaken = threading.Event()

    def handler(stream):
        assert stream.sock.version() == "TLSv1.3"
        shaken.set()
        answer_all(stream)

    server = serve(handler, tls())
    transport = transport_of(read_timeout=PATIENCE)
    answer = transport(post(server, scheme="https"), lambda: shaken.wait(PATIENCE))
    assert (answer.status, server.connections) == (200, 1)


def test_tls_connection_that_ends_while_waiting_is_replaced(serve, transport_of, tls):
    closed = threading.Event()

    def handler(stream):
        if stream.server.connections == 1:
            stream.sock.shutdown(socket.SHUT_RDWR)
            closed.set()
        answer_all(stream)

    server = serve(handler, tls())
    transport = transport_of(read_timeout=PATIENCE)
    answer = transport(post(server, scheme="https"), lambda: closed.wait(PATIENCE))
    assert (answer.status, server.connections) == (200, 2)


@pytest.mark.parametrize(
    "how", [{"trusted": False}, {"name": "another.example"}], ids=["unknown", "name"]
)
def test_certificate_is_verified(serve, transport_of, tls, how):
    seen = []
    server = serve(lambda stream: seen.append(stream.read_request()), tls(**how))
    error = failure(transport_of(), post(server, scheme="https"))
    assert error.written is False
    assert "CERTIFICATE_VERIFY_FAILED" in error.reason
    assert not any(seen)


def no_tls(stream):
    stream.answer(b"220 mail.example\r\n")


@pytest.mark.parametrize("handler", [reset_at_once, no_tls])
def test_failed_handshake(serve, transport_of, handler):
    server = serve(handler)
    error = failure(transport_of(), post(server, scheme="https"))
    assert error.written is False


def test_stalled_handshake(serve, transport_of):
    server = serve(lambda stream: stream.server.closing.wait(PATIENCE))
    error = failure(transport_of(connect_timeout=0.2), post(server, scheme="https"))
    assert (error.written, error.reason) == (False, "cannot connect: timed out")


def test_no_answer_over_tls(serve, transport_of, tls):
    server = serve(drip, tls())
    error = failure(transport_of(), post(server, scheme="https"))
    assert (error.written, error.reason) == (True, "timed out")


# === WITH THE SENDER === #


class Channel:
    """Sends over a real transport what rows are: requests."""

    def __init__(self, transport):
        self.transport = transport

    def prepare(self, row):
        return row["request"]

    def send(self, request, ready):
        try:
            self.transport(request, ready)
        except NotReady:
            return Result(LATE)
        return Result(ACCEPTED)


def test_slow_connections_make_rows_late_and_never_bunch_them(serve, transport_of, tls):
    context, bodies = tls(), []
    may_connect, answered = threading.Event(), threading.Semaphore(0)

    def handler(stream):
        may_connect.wait(PATIENCE)
        secure = context.wrap_socket(stream.sock, server_side=True)
        secure_stream = Stream(stream.server, secure)
        while request := secure_stream.read_request():
            bodies.append(request[2])
            secure_stream.answer()
            answered.release()

    server = serve(handler)
    channel = Channel(transport_of(threads=4, read_timeout=PATIENCE))

    def send(sender, body, ahead, grace):
        row = {"id": 1, "request": post(server, body, scheme="https")}
        for _ in range(4):
            slot = time.monotonic() + ahead
            sender.submit(Job(row, channel, slot, grace))
        return slot

    def outcomes(sender):
        sender.stop()
        return [result.outcome for _job, result in sender.collect()]

    with Sender(4, ahead=4) as sender:
        slot = send(sender, b"late", ahead=0.2, grace=0.05)
        while time.monotonic() <= slot + 0.05:
            time.sleep(0.01)
        may_connect.set()
        assert outcomes(sender) == [LATE] * 4
    with Sender(4, ahead=4) as sender:
        send(sender, b"soon", ahead=0, grace=PATIENCE)
        for _ in range(4):
            assert answered.acquire(timeout=PATIENCE)
        assert outcomes(sender) == [ACCEPTED] * 4
    assert (bodies, server.connections) == ([b"soon"] * 4, 4)


# === PROXY === #


@pytest.fixture
def proxy(serve, tls, monkeypatch):
    """Return a maker of proxies that end every tunnel in a server of their own."""

    def make(answer=b"HTTP/1.1 200 Connection established\r\n\r\n"):
        context = tls("graph.example")
        asked = []

        def handler(stream):
            asked.append(stream.read_request())
            stream.answer(answer)
            tunnel = context.wrap_socket(stream.sock, server_side=True)
            answer_all(Stream(stream.server, tunnel))

        server = serve(handler)
        address = f"http://us%40er:secret@localhost:{server.port}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.delenv("https_proxy", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        return asked

    return make


def test_proxy(transport_of, proxy):
    asked = proxy()
    request = Request("POST", "https://graph.example/v1")
    assert transport_of(read_timeout=PATIENCE)(request).status == 200
    ((line, headers, _),) = asked
    assert line.startswith("CONNECT graph.example:443 ")
    assert headers["proxy-authorization"] == "Basic dXNAZXI6c2VjcmV0"


def test_proxy_that_refuses(transport_of, proxy):
    proxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    error = failure(transport_of(), Request("POST", "https://graph.example/v1"))
    assert error.written is False


def test_no_proxy(serve, transport_of, tls, proxy, monkeypatch):
    asked = proxy()
    monkeypatch.setenv("NO_PROXY", "localhost")
    server = serve(answer_all, tls())
    transport = transport_of(read_timeout=PATIENCE)
    assert transport(post(server, scheme="https")).status == 200
    assert asked == []
