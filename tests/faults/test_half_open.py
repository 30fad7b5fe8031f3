"""The way to PostgreSQL that goes dead without a word."""

import socket
import threading
from types import SimpleNamespace

import pytest

from faults.half_open import HalfOpen
from tools import cluster

PATIENCE = 10


@pytest.fixture
def echo(tmp_path):
    """A server on a socket that answers what it is told."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / f".s.PGSQL.{cluster.PORT}"))
        listener.listen()

        def serve():
            connection, _address = listener.accept()
            with connection:
                while content := connection.recv(100):
                    connection.sendall(content)

        threading.Thread(target=serve, daemon=True).start()
        yield SimpleNamespace(socket_folder=tmp_path)


def test_it_passes_on_and_then_goes_silent_but_stays_open(echo):
    proxy = HalfOpen(echo)
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(proxy.folder / f".s.PGSQL.{cluster.PORT}"))
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"

        proxy.die_after(b"claim")
        client.sendall(b"a claim")
        proxy.wait_dead(PATIENCE)
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(100)
    proxy.close()
