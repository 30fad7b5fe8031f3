"""What goes wrong on purpose, and what the ledger says of it."""

import aiohttp
import pytest

from sandbox.faults import FAULTS, fault_text, parse_fault
from sandbox.tests.conftest import NUMBER, PERSON, template

MESSAGE = {"messaging_product": "whatsapp", "to": PERSON, **template("hello_world")}


async def attempt(sandbox):
    """HTTP status and body, or the name of the client's error."""
    headers = {"Authorization": "Bearer sandbox-token"}
    url = f"{sandbox.url}/v23.0/{NUMBER}/messages"
    timeout = aiohttp.ClientTimeout(total=1)
    try:
        async with sandbox.http.post(
            url, json=MESSAGE, headers=headers, timeout=timeout
        ) as answer:
            return answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error).__name__, b""


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name, seen, result",
    [
        ("accept-then-reset", "ServerDisconnectedError ClientOSError", "accepted"),
        ("accept-then-stall", "TimeoutError ServerTimeoutError", "accepted"),
        ("accept-then-drip", "TimeoutError ServerTimeoutError", "accepted"),
        ("accept-then-garbage", 200, "accepted"),
        ("accept-then-cut", "ClientPayloadError ClientOSError", "accepted"),
        ("accept-then-500", 500, "accepted"),
        ("accept-then-502-html", 502, "accepted"),
        ("accept-then-500-empty", 500, "accepted"),
        ("refuse-reset", "ServerDisconnectedError ClientOSError", "reset"),
        ("refuse-500", 500, "131000"),
        ("refuse-502-html", 502, "502"),
        ("refuse-503-empty", 503, "503"),
        ("131057", 500, "131057"),
    ],
)
async def test_fault(start, name, seen, result):
    sandbox = await start(fault=[parse_fault(f"{name}:1")])
    status, body = await attempt(sandbox)
    assert status in seen.split() if isinstance(seen, str) else status == seen
    [line] = sandbox.ledger()
    assert line["result"] == result
    assert (line["message_id"] is not None) == (result == "accepted")
    assert sandbox.state.faults == {name: 1}
    if result == "accepted":
        wamid = line["message_id"]
        receiver = sandbox.receiver
        await receiver.until(lambda: "read" in receiver.of_message(wamid))
    else:
        assert sandbox.state.outbox.pending() == 0


@pytest.mark.asyncio
async def test_faults_are_set_and_cleared_while_running(start):
    sandbox = await start()
    values = await sandbox.control("settings", fault=["131016:1"])
    assert values["fault"] == ["131016:1.0"]
    assert (await attempt(sandbox))[0] == 500
    await sandbox.control("settings", fault=[])
    assert (await attempt(sandbox))[0] == 200


def test_every_fault_can_be_named():
    for name in FAULTS:
        chance = parse_fault(f"{name}:0.25")
        assert (chance.fault.name, chance.share) == (name, 0.25)
        assert fault_text(chance) == f"{name}:0.25"


def test_a_storm_can_be_named():
    chance = parse_fault("130429:1:2s")
    assert (chance.fault, chance.share, chance.seconds) == (130429, 1, 2)
    assert fault_text(chance) == "130429:1.0:2000ms"
    assert parse_fault(fault_text(chance)).seconds == 2


@pytest.mark.asyncio
async def test_a_storm_ends_by_itself(start):
    sandbox = await start(fault=[parse_fault("131016:1:60s")])
    assert (await attempt(sandbox))[0] == 500
    [storm] = sandbox.state.settings.fault
    sandbox.state.settings.fault = [storm._replace(ends=0.0)]
    assert (await attempt(sandbox))[0] == 200


@pytest.mark.parametrize(
    "text",
    ["accept-then-reset", "reset:0.1", "131057:2", "1:x", "131016:1:soon", "131016:"],
)
def test_bad_faults_are_refused(text):
    with pytest.raises(ValueError):
        parse_fault(text)
