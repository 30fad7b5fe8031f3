"""The one place that touches the network.

The standard library's HTTP client is used as it lets us say exactly whether a byte of
a request was written, and takes half the processor time of urllib3 (see
``tests/unit/providers/test_transport.py`` for the faults that it must stand).
"""

from __future__ import annotations

import base64
import io
import socket
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .base import AnswerTooLong, Request, Response, TransportError

#: A connection idle for longer is not used again, in seconds: the other side, or a
#: router between, may have forgotten it, and then the message's fate is unknown.
MAX_IDLE = 30.0
_CHUNK = 64 * 1024


class _Problem(ValueError):
    """Something wrong whose text is ours, and so may be shown."""


class NotReady(TransportError):
    """The caller's ``ready`` said no; nothing was written."""

    def __init__(self):
        super().__init__("not ready", written=False)


class Origin(NamedTuple):
    """Where a connection goes to."""

    scheme: str
    host: str
    port: int


class Transport:
    """Sends requests over kept-alive connections; threads share one transport.

    :param threads: how many threads may call at once; one more waits for its turn.
    :param connect_timeout: seconds to connect, and to wait for a turn.
    :param read_timeout: seconds from the end of a request to the end of its answer,
        and for each 64 KiB of a request to be taken.

    Nothing is sent twice and no redirect is followed. Certificates are verified
    against the system's store (``SSL_CERT_FILE`` names another). ``HTTPS_PROXY`` and
    ``NO_PROXY`` are honoured.
    """

    def __init__(
        self, threads: int, connect_timeout: float = 5, read_timeout: float = 10
    ):
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._turns = threading.BoundedSemaphore(threads)
        self._idle: dict[Origin, deque[_Connection]] = defaultdict(deque)
        self._tls = ssl.create_default_context()
        self._closed = False

    def __call__(
        self, request: Request, ready: Callable[[], bool] = lambda: True
    ) -> Response:
        """Return the answer to ``request``; raise TransportError.

        :param ready: called with an open connection in hand, and nothing but the
            request left to write. It may wait. If it returns False, NotReady is raised.
            It is asked again if the connection ended meanwhile and was replaced.
        """
        origin, target = _split(request.url)
        with self._turn():
            connection = self._hold(origin, ready)
            try:
                response, reusable = connection.exchange(request, target)
            except BaseException:
                connection.close()
                raise
            if reusable:
                connection.rest()
                self._give_back(origin, connection)
            else:
                connection.close()
        return response

    def close(self) -> None:
        """Close idle connections now, and those in use when they are done."""
        self._closed = True
        for connections in list(self._idle.values()):
            while connections:
                connections.pop().close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._closed:
            raise TransportError("the transport is closed", written=False)
        if not self._turns.acquire(timeout=self._connect_timeout):
            raise TransportError("all connections are busy", written=False)
        try:
            yield
        finally:
            self._turns.release()

    def _hold(self, origin: Origin, ready: Callable[[], bool]) -> _Connection:
        """Return a connection that stands at the moment when ``ready`` says yes."""
        for _ in range(2):  # if even a new one ends at once, no third will do better
            connection = self._take(origin) or self._connect(origin)
            try:
                go = ready()
            except BaseException:
                connection.close()
                raise
            if not go:
                self._give_back(origin, connection)
                raise NotReady
            if connection.is_quiet():
                return connection
            connection.close()
        raise TransportError("connections end before the request", written=False)

    def _take(self, origin: Origin) -> _Connection | None:
        connections = self._idle[origin]
        while connections:
            try:
                connection = connections.pop()
            except IndexError:  # another thread was faster
                return None
            if not connection.is_old() and connection.is_quiet():
                return connection
            connection.close()
        return None

    def _connect(self, origin: Origin) -> _Connection:
        try:
            connection = _open(origin, self._connect_timeout, self._tls)
        except (OSError, HTTPException, ValueError) as error:
            reason = f"cannot connect: {_reason(error)}"
            raise TransportError(reason, written=False) from error
        return _Connection(connection, self._read_timeout)

    def _give_back(self, origin: Origin, connection: _Connection) -> None:
        connections = self._idle[origin]
        connections.append(connection)
        if connections[0].is_old():  # the newest is used first: old ones pile up
            connections.popleft().close()
        if self._closed:
            self.close()


class _Connection:
    """One connected HTTP connection; used by one thread at a time."""

    def __init__(self, connection: HTTPConnection, read_timeout: float):
        connection.auto_open = 0  # it must never connect or resend by itself
        self._connection = connection
        self._read_timeout = read_timeout
        self._wire = connection.sock = _Wire(connection.sock)
        self._idle_since = time.monotonic()

    def exchange(self, request: Request, target: str) -> tuple[Response, bool]:
        """Return the answer, and whether the connection may be used again."""
        self._put_head(request, target)
        try:
            return self._finish(request)
        except (OSError, HTTPException, ValueError) as error:
            raise TransportError(_reason(error), written=True) from error

    def is_quiet(self) -> bool:
        """Tell whether the other side has neither closed nor spoken."""
        self._wire.settimeout(0)
        try:
            self._wire.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True  # TLS may have had something to say of its own: tickets
        except OSError:
            return False
        return False

    def is_old(self) -> bool:
        return time.monotonic() - self._idle_since > MAX_IDLE

    def rest(self) -> None:
        self._idle_since = time.monotonic()

    def close(self) -> None:
        self._connection.close()

    def _put_head(self, request: Request, target: str) -> None:
        # Only collects: the client writes nothing before ``endheaders``.
        try:
            self._connection.putrequest(request.method, target)
            for name, value in request.headers.items():
                self._connection.putheader(name, value)
            self._connection.putheader("Content-Length", str(len(request.body)))
        except (HTTPException, ValueError):
            # Their text quotes the header's value, that is the token.
            raise TransportError(
                "the address, the token or another header holds a forbidden character",
                written=False,
            ) from None

    def _finish(self, request: Request) -> tuple[Response, bool]:
        self._wire.settimeout(self._read_timeout)
        self._connection.endheaders(_chunks(request.body))
        self._wire.flush()
        self._wire.deadline = time.monotonic() + self._read_timeout
        # An answer that ends the connection holds the socket until it is closed itself.
        with self._connection.getresponse() as response:
            content = _read(response, request.answer_limit)
        headers = {name.lower(): value for name, value in response.getheaders()}
        # What follows an answer, as the real one follows an interim one (1xx), would
        # be taken for the answer to the next request.
        ended = response.will_close or self._wire.overrun
        reusable = response.status >= 200 and not ended
        return Response(response.status, content, headers), reusable


class _Wire:
    """A socket whose readers share one deadline, however slowly the bytes drip.

    ``overrun``: more had come than the last answer when that was read.
    """

    def __init__(self, sock: socket.socket):
        self._socket = sock
        self._unsent = b""
        self.deadline = 0.0
        self.overrun = False
        self.settimeout = sock.settimeout
        self.recv = sock.recv
        self.close = sock.close

    def sendall(self, content: bytes | memoryview) -> None:
        """Hold back what is small: head and body of a message leave in one packet."""
        if len(self._unsent) + len(content) > _CHUNK:
            self.flush()
        self._unsent += content

    def flush(self) -> None:
        content, self._unsent = self._unsent, b""
        self._socket.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        return _Buffer(self, _Reader(self, self._socket.makefile(mode, 0)))


class _Buffer(io.BufferedReader):
    """The buffer of one answer: the HTTP client closes it where the answer ends."""

    def __init__(self, wire: _Wire, raw: io.RawIOBase):
        super().__init__(raw)
        self._wire = wire

    def close(self) -> None:  # pylint: disable=missing-return
        if not self.closed:
            self._wire.deadline = 0.0  # ``peek`` must not wait for more
            with suppress(TimeoutError):
                self._wire.overrun = bool(self.peek())
        super().close()


class _Reader(io.RawIOBase):
    def __init__(self, wire: _Wire, raw: io.RawIOBase):
        self._wire = wire
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int | None:
        left = self._wire.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no complete answer in time")
        self._wire.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:  # pylint: disable=missing-return
        self._raw.close()
        super().close()


def _split(url: str) -> tuple[Origin, str]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):
        raise TransportError("the address is no http(s) URL", written=False) from None
    if not parts.hostname:
        raise TransportError("the address names no host", written=False)
    query = f"?{parts.query}" if parts.query else ""
    return Origin(parts.scheme, parts.hostname, port), (parts.path or "/") + query


def _open(origin: Origin, timeout: float, tls: ssl.SSLContext) -> HTTPConnection:
    if origin.scheme == "http":
        connection = HTTPConnection(origin.host, origin.port, timeout=timeout)
    else:
        connection = _secure_connection(origin, timeout, tls)
    try:
        connection.connect()
    except BaseException:
        connection.close()
        raise
    return connection


def _secure_connection(
    origin: Origin, timeout: float, tls: ssl.SSLContext
) -> HTTPSConnection:
    proxy = _proxy_for(origin.host)
    if not proxy:
        return HTTPSConnection(origin.host, origin.port, timeout=timeout, context=tls)
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise _Problem("HTTPS_PROXY must be an http:// address")
    port = parts.port or 80
    connection = HTTPSConnection(parts.hostname, port, timeout=timeout, context=tls)
    connection.set_tunnel(origin.host, origin.port, _proxy_headers(parts))
    return connection


def _proxy_for(host: str) -> str:
    return "" if proxy_bypass(host) else getproxies().get("https", "")


def _proxy_headers(parts) -> dict[str, str]:
    if parts.username is None:
        return {}
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Proxy-Authorization": "Basic " + base64.b64encode(login).decode()}


def _chunks(body: bytes) -> bytes | Iterator[memoryview]:
    # ``sendall`` has one time limit for all that it is given, too short for a video.
    if len(body) <= _CHUNK:
        return body
    view = memoryview(body)
    return (view[start : start + _CHUNK] for start in range(0, len(view), _CHUNK))


def _read(response: HTTPResponse, limit: int) -> bytes:
    content = response.read(limit + 1)
    if len(content) > limit:
        raise AnswerTooLong
    if response.length:  # ``read`` with a size does not report a truncated body
        raise _Problem("the answer is cut off")
    return content


def _reason(error: Exception) -> str:
    """Say what happened, without anything that the other side sent."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, _Problem):
        return str(error)
    return f"unreadable ({type(error).__name__})"
