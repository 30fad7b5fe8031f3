"""The door lets in what the provider signed, and nothing else."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request

import pytest

from tools.processes import wait_until
from tools.stage import phones

SECRET = b"sandbox-app-secret"


def post(url, body, **headers):
    """POST bytes; return the HTTP status."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def signed(url, body):
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return post(
        url,
        body,
        **{
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        },
    )


def events(stage):
    return stage.query(
        "SELECT state, event_type FROM whatsapp_broadcast_event ORDER BY id"
    )


def knows_contact(stage, **values):
    [(column, value)] = values.items()
    return stage.query(
        f"SELECT FROM whatsapp_broadcast_contact WHERE {column} = %s", value
    )


@pytest.fixture
def stage(make_stage):
    return make_stage(webhook=False)


def test_handshake_needs_the_verify_token(stage):
    query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token="
    good = f"{stage.webhook_url}?{query}sandbox-verify-token"
    with urllib.request.urlopen(good, timeout=30) as answer:
        assert answer.read() == b"42"
    for bad in (f"{stage.webhook_url}?{query}wrong", stage.webhook_url):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(bad, timeout=30)
        assert refused.value.code == 403


def test_what_is_not_signed_leaves_no_row(stage):
    body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
    wrong = hmac.new(b"other", body, hashlib.sha256).hexdigest()
    sha1 = hmac.new(SECRET, body, hashlib.sha1).hexdigest()
    url = stage.webhook_url
    assert post(url, body) == 403
    assert post(url, body, **{"X-Hub-Signature-256": f"sha256={wrong}"}) == 403
    assert post(url, body, **{"X-Hub-Signature": f"sha1={sha1}"}) == 403
    assert post(url, body, **{"X-Hub-Signature-256": "sha256=\xe4"}) == 403
    assert post(url, b"x" * 3_000_000) == 403
    assert post(url, b"x" * 5_000_000) in (403, 413)
    assert signed(url.rsplit("/", 1)[0] + "/unknown", body) == 403
    assert events(stage) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[" * 50_000,
        b'{"entry": [{"changes": [{"value": {"statuses": [{"id": 1}]}}]}]}',
        b'{"entry": [{"changes": [{"value": {"messages": "\\u0000\\ud800"}}]}]}',
        b"\xff" * 3_000_000,
    ],
    ids=["empty", "cut", "null", "deep", "odd types", "odd text", "3 MB of nonsense"],
)
def test_signed_nonsense_is_stored_and_set_apart_from_the_rest(stage, body):
    assert signed(stage.webhook_url, body) == 200
    assert wait_until(lambda: stage.is_merged(), 30)
    assert len(events(stage)) == 1


def test_an_unknown_number_is_kept_as_unrouted(stage):
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": "999"},
        "statuses": [{"id": "wamid.x", "status": "sent", "timestamp": "1750030073"}],
    }
    entry = {"id": "888", "changes": [{"field": "messages", "value": value}]}
    body = json.dumps(
        {"object": "whatsapp_business_account", "entry": [entry]}
    ).encode()
    assert signed(stage.webhook_url, body) == 200
    assert wait_until(lambda: events(stage) == [("unrouted", "status")], 30)


def test_an_account_is_connected_only_when_it_heard_something(stage):
    def state():
        return stage.query("SELECT state FROM whatsapp_broadcast_account")[0][0]

    assert state() == "deaf"
    stage.verify_webhook()
    assert wait_until(lambda: state() == "connected", 30)


def test_doubled_and_disordered_statuses_end_in_the_same_state(make_stage):
    stage = make_stage(
        "--duplicates=1", "--disorder=1", "--batch=50", "--delivered=1", "--read=1"
    )
    broadcast = stage.launch(stage.make_leads(phones(50)))
    stats = stage.wait_settled(broadcast)
    assert stats["read_count"] == 50


def test_statuses_without_a_phone_find_their_row(make_stage):
    stage = make_stage("--hide-phones=1", "--delivered=1")
    broadcast = stage.launch(stage.make_leads(phones(20)))
    assert stage.wait_settled(broadcast)["delivered_count"] == 20


def test_text_goes_only_to_those_whose_window_is_open(make_stage):
    stage = make_stage("--delivered=1")
    numbers = phones(3)
    leads = stage.make_leads(numbers)
    stage.control(
        "inbound",
        phone_number_id="200000000000001",
        **{"from": numbers[1].lstrip("+"), "type": "text"},
    )
    assert wait_until(lambda: knows_contact(stage, phone=numbers[1]), 30)
    broadcast = stage.launch(
        leads, message_type="text", body="Hello", template_id=False
    )
    stats = stage.wait_settled(broadcast)

    assert stats["skipped_count"] == 2
    assert stats["delivered_count"] == 1
    [(reached,)] = stage.query(
        "SELECT phone FROM whatsapp_broadcast_recipient WHERE state <> 'skipped'"
    )
    assert reached == numbers[1]


def test_an_opt_out_holds_from_the_next_claim_on(make_stage):
    stage = make_stage("--delivered=1")
    numbers = phones(2)
    leads = stage.make_leads(numbers)
    stage.control(
        "preference",
        phone_number_id="200000000000001",
        **{"from": numbers[0].lstrip("+"), "value": "stop"},
    )
    assert wait_until(
        lambda: stage.query(
            "SELECT FROM whatsapp_broadcast_choice WHERE address = %s", numbers[0]
        ),
        30,
    )
    marketing = stage.wait_settled(stage.launch(leads))
    assert (marketing["skipped_count"], marketing["delivered_count"]) == (1, 1)
    utility = stage.wait_settled(stage.launch(leads, template="hello_world"))
    assert utility["delivered_count"] == 2
