"""The main job: a salesperson's leads get a template message, statuses come back."""

import base64
import socket
from collections import Counter

import pytest

from tools.stage import Refused, phones

#: The smallest PNG: one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)


def test_a_plain_user_does_the_whole_job_over_json2(make_stage):
    stage = make_stage("--delivered=1", "--read=0.5")
    numbers = [*phones(40), "+4915123131026", "no phone", ""]
    broadcast = stage.broadcast(stage.make_leads(numbers))

    stage.call("whatsapp.broadcast", "action_review", broadcast)
    stage.call("whatsapp.broadcast", "action_launch", broadcast)
    stats = stage.wait_settled(broadcast)

    assert stats["recipient_count"] == 43
    assert stats["skipped_count"] == 2
    assert stats["failed_count"] == 1  # 131026 comes by webhook
    assert stats["delivered_count"] == stats["sent_count"] == 40
    assert 0 < stats["read_count"] < 40
    assert stats["unknown_count"] == 0
    assert not any(stage.compare_ledger().values())
    assert_counters_equal_rows(stage, stats)


def test_messages_carry_the_variables_of_their_lead(make_stage):
    stage = make_stage()
    broadcast = stage.broadcast(
        stage.make_leads(phones(2)),
        template_params={"body.2": {"text": "June 1"}, "body.1": {"field": "name"}},
    )
    stage.call("whatsapp.broadcast", "action_launch", broadcast)
    stage.wait_settled(broadcast)

    rows = stage.query("SELECT variables FROM whatsapp_broadcast_recipient ORDER BY id")
    assert [row[0]["body"] for row in rows] == [
        [["1", "Lead 0"], ["2", "June 1"]],
        [["1", "Lead 1"], ["2", "June 1"]],
    ]


def test_the_log_names_no_phone_no_message_and_no_token(make_stage):
    stage = make_stage()
    broadcast = stage.launch(stage.make_leads([*phones(20), "+4915123131049"]))
    stage.wait_settled(broadcast)

    log = stage.server.process.log.read_text()
    rows = stage.query(
        "SELECT phone, provider_message_id, token FROM whatsapp_broadcast_recipient"
    )
    seeded = {value.lstrip("+") for row in rows for value in row if value}
    assert len(seeded) > 60
    assert not [value for value in seeded if value in log]
    assert "sandbox-token" not in log
    assert "sandbox-app-secret" not in log


def assert_counters_equal_rows(stage, stats):
    """The counters are what a GROUP BY at rest says."""
    rows = Counter(
        dict(
            stage.query(
                "SELECT state, count(*) FROM whatsapp_broadcast_recipient GROUP BY 1"
            )
        )
    )
    for state in ("queued", "sending", "failed", "skipped", "cancelled", "unknown"):
        assert stats[f"{state}_count"] == rows[state], state
    assert stats["accepted_count"] == sum(
        rows[state] for state in ("accepted", "sent", "delivered", "read")
    )
    assert stats["read_count"] == rows["read"]


def image_broadcast(stage, first=0):
    return stage.broadcast(
        stage.make_leads(phones(5, first)),
        template="summer_image",
        media_file=base64.b64encode(PNG).decode(),
        media_filename="summer.png",
    )


def test_media_is_uploaded_once_and_sent_by_its_id(make_stage):
    stage = make_stage("--delivered=1")
    broadcast = image_broadcast(stage)
    stage.call("whatsapp.broadcast", "action_launch", broadcast)
    stats = stage.wait_settled(broadcast)

    assert stats["delivered_count"] == 5
    [(media_id,)] = stage.query("SELECT media_id FROM whatsapp_broadcast")
    assert media_id  # the sandbox refuses ids that it did not give out


def test_a_broadcast_can_be_cancelled_while_its_file_is_uploaded(make_stage):
    stage = make_stage("--delivered=1")
    cancelled, other = image_broadcast(stage), image_broadcast(stage, first=5)
    [(api_url,)] = stage.query("SELECT api_url FROM whatsapp_broadcast_account")
    with socket.create_server(("127.0.0.1", 0)) as provider:
        provider.settimeout(60)
        point_at(stage, f"http://127.0.0.1:{provider.getsockname()[1]}/v23.0")
        stage.call("whatsapp.broadcast", "action_launch", cancelled)
        upload, _address = provider.accept()
        with upload:
            stage.call("whatsapp.broadcast", "action_cancel", cancelled)
            assert is_open(upload), "cancelling waited until the upload was given up"
    point_at(stage, api_url)

    # The cron prepares one after the other: the failed upload is over before this.
    stage.call("whatsapp.broadcast", "action_launch", other)
    assert stage.wait_settled(other)["delivered_count"] == 5
    assert stage.stats(cancelled)["state"] == "cancelled"
    assert stage.stats(cancelled)["recipient_count"] == 0


def point_at(stage, api_url):
    stage.execute("UPDATE whatsapp_broadcast_account SET api_url = %s", api_url)


def is_open(connection):
    """Tell whether the other side keeps its connection, whatever it has sent."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return True
    return False


def test_a_file_over_the_limit_is_refused_before_launch(make_stage):
    stage = make_stage()
    broadcast = stage.broadcast(
        stage.make_leads(phones(1)),
        template="summer_image",
        media_file=base64.b64encode(PNG + bytes(6 * 1024 * 1024)).decode(),
        media_filename="summer.png",
    )
    with pytest.raises(Refused, match="at most 5 MB"):
        stage.call("whatsapp.broadcast", "action_launch", broadcast)
    assert stage.stats(broadcast)["state"] == "draft"
