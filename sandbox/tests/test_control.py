"""The control API: state, settings and its refusals."""

import pytest

from sandbox.settings import duration, parse_arguments
from sandbox.tests.conftest import NUMBER, SECRET

pytestmark = pytest.mark.asyncio


async def test_health(sandbox):
    assert await sandbox.call("GET", "/_sandbox/health") == (200, {"status": "ok"})


async def test_state(sandbox):
    wamid = await sandbox.accepted()
    await sandbox.send(to="+4915112131056")
    await sandbox.receiver.until(lambda: "read" in sandbox.receiver.of_message(wamid))
    _, state = await sandbox.call("GET", "/_sandbox/state")
    assert state["messages"] == {"accepted": 1, "refused": {"131056": 1}}
    assert state["numbers"][NUMBER]["accepted"] == 1
    assert state["numbers"][NUMBER]["most_arrivals_in_one_second"] == 2
    assert state["settings"]["delivered"] == 1.0
    assert SECRET not in str(state) and "sandbox-token" not in str(state)


@pytest.mark.parametrize(
    "path, values, words",
    [
        ("settings", {"colour": "red"}, "colour"),
        ("settings", {"port": 1}, "port"),
        ("settings", {"read": 7, "delivered": 0.1}, "0 to 1"),
        ("settings", {"record": "false"}, "true nor false"),
        ("settings", {"latency": "soon"}, "150ms"),
        ("inbound", {}, "phone_number_id"),
        ("inbound", {"phone_number_id": NUMBER}, "from"),
        ("inbound", {"phone_number_id": NUMBER, "from": "1", "type": "x"}, "type"),
        ("template/1", {"status": "PAUSED"}, "'1'"),
        (f"number/{NUMBER}", {"shoes": 1}, "shoes"),
        (f"number/{NUMBER}", {"send_error": 7}, "error code 7"),
        ("token", {"token": "x", "colour": 1}, "colour"),
    ],
)
async def test_refusals(sandbox, path, values, words):
    status, body = await sandbox.call("POST", f"/_sandbox/{path}", json=values)
    assert status == 400
    assert words in body["error"]
    assert sandbox.state.settings.delivered == 1.0


async def test_number_is_changed_and_told(sandbox):
    await sandbox.control(
        f"number/{NUMBER}", messages_per_second=1000, event="THROUGHPUT_UPGRADE"
    )
    _, body = await sandbox.get(f"{NUMBER}?fields=throughput")
    assert body["throughput"] == {"level": "HIGH"}
    await sandbox.receiver.until(lambda: sandbox.receiver.posts)
    [(field, value)] = sandbox.receiver.values()
    assert field == "phone_number_quality_update"
    assert value["event"] == "THROUGHPUT_UPGRADE"


async def test_durations():
    assert [duration(one) for one in ("150", "150ms", "2s", "5m", "24h")] == [
        0.15,
        0.15,
        2.0,
        300.0,
        86400.0,
    ]


async def test_arguments():
    settings = parse_arguments(
        "--latency 150ms --no-subscribe --fault 131057:0.5 --approve-after 1s".split()
    )
    assert settings.latency == 0.15
    assert settings.subscribe is False
    [chance] = settings.fault
    assert (chance.fault, chance.share) == (131057, 0.5)
    assert settings.approve_after == 1.0
