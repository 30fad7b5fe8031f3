"""The transport against real sockets: what was written, and what came back."""

import contextlib
import datetime
import hashlib
import ipaddress
import logging
import socket
import ssl
import struct
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from providers import Request, Transport, TransportError, transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
PATIENCE = 10  # seconds until a thread of a test is given up


class Server:
    """A server on 127.0.0.1 whose connections each run ``handler(stream)``."""

    def __init__(self, handler, tls=None):
        self.handler = handler
        self.tls = tls
        self.connections = 0
        self.closing = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self.serve, args=(sock,))
                self.threads.append(thread)
                thread.start()

    def serve(self, sock):
        with sock, contextlib.suppress(OSError):
            sock.settimeout(PATIENCE)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            self.handler(Stream(self, sock))

    def stop(self):
        self.closing.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(PATIENCE)


class Stream:
    """The server's side of one connection."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock
        self.reader = sock.makefile("rb")

    def read_request(self):
        """Return (first line, headers, body) or None when the client is gone."""
        line = self.reader.readline()
        if not line:
            return None
        headers = {}
        while (header := self.reader.readline().strip()) != b"":
            name, _, value = header.partition(b":")
            headers[name.lower().decode()] = value.strip().decode()
        body = self.reader.read(int(headers.get("content-length", 0)))
        return line.decode().strip(), headers, body

    def answer(self, content=OK):
        self.sock.sendall(content)

    def reset(self):
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self.reader.close()
        self.sock.close()


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


def post(server, body=b"{}", path="/v1/7/messages", scheme="http", **headers):
    url = f"{scheme}://localhost:{server.port}{path}"
    return Request("POST", url, headers, body)


def failure(transport, request):
    with pytest.raises(TransportError) as caught:
        transport(request)
    return caught.value


def answer_all(stream):
    while stream.read_request():
        stream.answer()


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


def test_large_body_goes_out_in_pieces(serve, transport_of, monkeypatch):
    """The time limit of a write is one for all of it, too short for a video."""
    sizes = []
    sendall = socket.socket.sendall

    def counting_sendall(sock, content):
        sizes.append(len(content))
        sendall(sock, content)

    def handler(stream):
        _, _, body = stream.read_request()
        digest = hashlib.sha256(body).hexdigest().encode()
        stream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + digest)

    monkeypatch.setattr(socket.socket, "sendall", counting_sendall)
    body = bytes(range(256)) * 20_000
    response = transport_of(read_timeout=PATIENCE)(post(serve(handler), body))
    assert response.body.decode() == hashlib.sha256(body).hexdigest()
    assert max(sizes) <= 64 * 1024


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


def reset_at_once(stream):
    stream.reset()


def reset_while_reading(stream):
    stream.reader.read(1)
    stream.reset()


def reset_after_reading(stream):
    stream.read_request()
    stream.reset()


def close_after_reading(stream):
    stream.read_request()


def stall(stream):
    stream.read_request()
    stream.server.closing.wait(PATIENCE)


def answer_with(content):
    def handler(stream):
        stream.read_request()
        stream.answer(content)

    return handler


def drip(stream):
    """Each byte comes in time, all of them never would."""
    stream.read_request()
    stream.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stream.server.closing.wait(0.02):
        stream.answer(b"a")


def drip_headers(stream):
    stream.read_request()
    stream.answer(b"HTTP/1.1 200 OK\r\nX: ")
    while not stream.server.closing.wait(0.02):
        stream.answer(b"a")


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


def test_too_long_an_answer(serve, transport_of, monkeypatch):
    monkeypatch.setattr(transport, "MAX_BODY", 1)
    error = failure(transport_of(), post(serve(answer_all)))
    assert (error.written, error.reason) == (True, "the answer is too long")


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


# === TLS === #


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
