"""``python -m sandbox`` as a process."""

import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MESSAGE = {
    "messaging_product": "whatsapp",
    "to": "+4915112340000",
    "type": "template",
    "template": {"name": "hello_world", "language": {"code": "en_US"}},
}


@pytest.fixture
def run():
    """``run(*arguments)`` starts the program; returns process and address."""
    started = []

    def begin(*arguments):
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0", *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        line = process.stdout.readline()
        assert line.startswith("sandbox listening on http://127.0.0.1:")
        return process, line.split()[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def post(address, message=MESSAGE):
    request = urllib.request.Request(
        f"{address}/v23.0/200000000000001/messages",
        json.dumps(message).encode(),
        {"Authorization": "Bearer sandbox-token", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_start_send_stop(run, tmp_path, stop):
    ledger = tmp_path / "ledger"
    process, address = run("--ledger", str(ledger))
    wamid = post(address)["messages"][0]["id"]
    process.send_signal(stop)
    assert process.wait(10) == 0
    [line] = map(json.loads, ledger.read_text().splitlines())
    assert line["message_id"] == wamid


def test_a_line_outlives_a_killed_client_and_a_killed_sandbox(run, tmp_path):
    """The message is taken while the client still waits for the answer."""
    ledger = tmp_path / "ledger"
    ledger.touch()
    process, address = run("--ledger", str(ledger), "--latency", "60s")
    client = threading.Thread(target=attempt, args=(address,))
    client.start()
    while not ledger.read_bytes().endswith(b"\n"):
        assert client.is_alive()
    process.kill()
    process.wait()
    client.join()
    assert json.loads(ledger.read_text())["result"] == "accepted"


def attempt(address):
    try:
        post(address)
    except (OSError, urllib.error.URLError):
        pass


def test_sigterm_does_not_wait_for_slow_answers(run):
    process, address = run("--fault", "accept-then-stall:1")
    client = threading.Thread(target=attempt, args=(address,))
    client.start()
    while (
        json.load(urllib.request.urlopen(f"{address}/_sandbox/state"))["faults"] == {}
    ):
        assert client.is_alive()
    process.terminate()
    assert process.wait(10) == 0
    client.join()


def test_the_ledger_is_appended_to(run, tmp_path):
    ledger = tmp_path / "ledger"
    for _ in range(2):
        process, address = run("--ledger", str(ledger))
        post(address)
        process.terminate()
        assert process.wait(10) == 0
    assert len(ledger.read_text().splitlines()) == 2


def test_own_configuration(run, tmp_path):
    config = tmp_path / "world.json"
    number = {
        "id": "42",
        "display_phone_number": "+41 44 000 00 00",
        "country_dial_code": "41",
        "verified_name": "Alp",
    }
    waba = {
        "id": "7",
        "name": "Alp",
        "business_id": "1",
        "currency": "CHF",
        "timezone_id": "1",
        "country": "CH",
        "numbers": [number],
    }
    config.write_text(json.dumps({"app": {"id": "9", "name": "A"}, "wabas": [waba]}))
    _, address = run("--config", str(config))
    request = urllib.request.Request(
        f"{address}/7/phone_numbers", headers={"Authorization": "Bearer sandbox-token"}
    )
    with urllib.request.urlopen(request) as answer:
        assert json.load(answer)["data"][0]["id"] == "42"


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--latency", "soon"], "write 150ms"),
        (["--read", "2"], "from 0 to 1"),
        (["--fault", "magic:1"], "there is no fault"),
        (["--config", "/nowhere.json"], "nowhere.json"),
        (["--config", __file__], "is no configuration"),
    ],
)
def test_bad_arguments_are_told(arguments, words):
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode in (1, 2)
    assert words in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
