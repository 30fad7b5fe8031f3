"""A server on real sockets whose behaviour each test writes itself."""

import contextlib
import socket
import struct
import threading

import pytest
from providers import Request, TransportError

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


# === WHAT A CONNECTION MAY DO === #


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


def drip_interim(stream):
    stream.read_request()
    while not stream.server.closing.wait(0.02):
        stream.answer(b"HTTP/1.1 100 Continue\r\n\r\n")
