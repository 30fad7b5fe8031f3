"""Meta's webhooks: signature, handshake and events."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime

import pytest
from providers import (
    ErrorClass,
    Meta,
    NumberEvent,
    PreferenceEvent,
    StatusEvent,
    UnknownEvent,
)

NOON = datetime(2025, 6, 15, 12, 0)
NOON_SECONDS = "1749988800"


# === DOOR === #


def test_any_of_several_secrets_verifies(credentials):
    meta = Meta(replace(credentials, app_secret="new\r\nold\n"))
    for secret, verified in (("new", True), ("old", True), ("new\r\nold\n", False)):
        digest = hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()
        headers = {"x-hub-signature-256": f"sha256={digest}"}
        assert meta.verify(headers, b"{}") is verified


def test_sha1_signature_does_not_verify(meta):
    digest = hmac.new(b"sssecret", b"{}", hashlib.sha1).hexdigest()
    assert not meta.verify({"X-Hub-Signature": f"sha1={digest}"}, b"{}")
    assert not meta.verify({"X-Hub-Signature-256": f"sha1={digest}"}, b"{}")


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, "123"),
        ({"hub.verify_token": "wrong"}, None),
        ({"hub.verify_token": "ä\udc80"}, None),
        ({"hub.verify_token": None}, None),
        ({"hub.mode": "unsubscribe"}, None),
        ({"hub.challenge": None}, ""),
    ],
)
def test_handshake(meta, changes, answer):
    params = {
        "hub.mode": "subscribe",
        "hub.verify_token": "vvverify",
        "hub.challenge": "123",
    }
    assert meta.answer_handshake(params | changes) == answer


def test_handshake_without_a_verify_token_is_refused(credentials):
    meta = Meta(replace(credentials, verify_token=""))
    params = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
    assert meta.answer_handshake(params) is None
    assert meta.answer_handshake({}) is None


# === STATUSES === #


def status(**fields):
    item = {"id": "wamid.A", "status": "sent", "timestamp": NOON_SECONDS}
    return {"statuses": [item | fields]}


def test_status(parse):
    value = status(
        recipient_id="16505550123",
        recipient_user_id="US.1",
        biz_opaque_callback_data="token-1",
        pricing={"type": "regular", "category": "MARKETING", "billable": True},
    )
    assert parse(value) == StatusEvent(
        business_account_id="800200",
        number_id="700300",
        at=NOON,
        message_id="wamid.A",
        token="token-1",
        status="sent",
        phone="+16505550123",
        user_ref="US.1",
        price_category="marketing",
        price_type="regular",
        billable=True,
    )


def test_played_voice_message_was_read(parse):
    assert parse(status(status="played")).status == "read"


def test_failed(parse):
    errors = [{"code": 131049, "title": "No", "error_data": {"details": "Why"}}]
    error = parse(status(status="failed", errors=errors)).error
    assert (error.code, error.message) == ("131049", "No – Why")
    assert error.error_class is ErrorClass.LATER


@pytest.mark.parametrize("errors", [None, [], "x", [None]])
def test_failed_without_a_reason(parse, errors):
    error = parse(status(status="failed", errors=errors)).error
    assert error.error_class is ErrorClass.REQUEST
    assert error.message


def test_errors_of_other_statuses_do_not_count(parse):
    assert parse(status(errors=[{"code": 131049}])).error is None


def test_user_id_from_the_contact_of_that_phone(parse):
    contacts = [
        {"wa_id": "16505550199", "user_id": "US.9"},
        {"wa_id": "16505550123", "user_id": "US.1"},
    ]
    value = status(recipient_id="16505550123") | {"contacts": contacts}
    assert parse(value).user_ref == "US.1"


def test_parent_id_of_a_status(parse):
    assert parse(status(recipient_parent_user_id="US.ENT.1")).parent_ref == "US.ENT.1"
    contacts = [{"wa_id": "16505550123", "parent_user_id": "US.ENT.2"}]
    value = status(recipient_id="16505550123") | {"contacts": contacts}
    assert parse(value).parent_ref == "US.ENT.2"


def test_status_in_a_group_names_no_person(parse):
    value = status(recipient_id="16505550123", recipient_type="group")
    value |= {"contacts": [{"wa_id": "16505550123", "user_id": "US.1"}]}
    event = parse(value)
    assert (event.phone, event.user_ref) == ("", "")


def test_status_with_token_but_without_id(parse):
    event = parse(status(id=None, biz_opaque_callback_data="token-1"))
    assert (event.token, event.message_id) == ("token-1", "")


@pytest.mark.parametrize(
    ("pricing", "billable"),
    [
        ({"type": "regular"}, True),
        ({"type": "free_customer_service", "billable": True}, False),
        ({"type": "free_entry_point"}, False),
        ({"billable": False}, False),
        ({"billable": "yes"}, None),
        (None, None),
    ],
)
def test_billable(parse, pricing, billable):
    assert parse(status(pricing=pricing)).billable is billable


@pytest.mark.parametrize(
    ("timestamp", "at"),
    [
        (NOON_SECONDS, NOON),
        (int(NOON_SECONDS), NOON),
        ("soon", None),
        (-1, None),
        (0, None),
        (10**15, None),
        ("9" * 5000, None),
        (True, None),
        (1e300, None),
        (None, None),
    ],
)
def test_time(parse, timestamp, at):
    assert parse(status(timestamp=timestamp)).at == at


def test_time_of_the_entry_where_the_item_has_none(parse):
    assert parse(status(timestamp=None), time=int(NOON_SECONDS)).at == NOON


@pytest.mark.parametrize("recipient", ["120363041234567890", "abc", "123", "", None])
def test_what_is_no_phone_is_not_taken_for_one(parse, recipient):
    assert parse(status(recipient_id=recipient)).phone == ""


def test_identifiers_are_bounded(parse):
    token = "t" * 513
    assert parse(status(biz_opaque_callback_data=token)).token == ""
    assert parse(status(biz_opaque_callback_data=token[:512])).token == token[:512]


def test_all_levels_are_walked(meta):
    def entry(account, number):
        value = {"metadata": {"phone_number_id": number}, **status()}
        value["statuses"] *= 2
        change = {"field": "messages", "value": value}
        return {"id": account, "changes": [change, change]}

    body = json.dumps({"entry": [entry("1", "10"), entry("2", "20")]}).encode()
    events = meta.parse_webhook(body)
    assert [(event.business_account_id, event.number_id) for event in events] == (
        [("1", "10")] * 4 + [("2", "20")] * 4
    )


def test_a_change_without_field_is_one_of_messages(meta):
    change = {"value": status()}
    body = json.dumps({"entry": [{"changes": [change]}]}).encode()
    assert isinstance(meta.parse_webhook(body)[0], StatusEvent)


# === PREFERENCES === #


def preference(**fields):
    item = {"wa_id": "16505550123", "category": "marketing_messages", "value": "stop"}
    return {"user_preferences": [item | {"timestamp": int(NOON_SECONDS)} | fields]}


@pytest.mark.parametrize(
    ("wish", "opted_out"), [("stop", True), ("resume", False), ("signup", False)]
)
def test_preference(parse, wish, opted_out):
    event = parse(preference(value=wish), "user_preferences")
    assert event == PreferenceEvent(
        "800200", "700300", NOON, phone="+16505550123", opted_out=opted_out
    )


def test_preference_by_user_id(parse):
    value = preference(wa_id=None, user_id="US.1")
    assert parse(value, "user_preferences").user_ref == "US.1"


def test_preference_without_category_still_stops(parse):
    event = parse(preference(category=None), "user_preferences")
    assert event.opted_out is True


@pytest.mark.parametrize(
    "fields", [{"category": "weather"}, {"value": "dance"}, {"wa_id": None}]
)
def test_strange_preference(parse, fields):
    assert isinstance(parse(preference(**fields), "user_preferences"), UnknownEvent)


# === NUMBER === #


def test_error_of_the_number_itself(parse):
    event = parse({"errors": [{"code": 130429, "title": "Rate limit hit"}]})
    assert isinstance(event, NumberEvent)
    assert event.number_id == "700300"
    assert event.error.error_class is ErrorClass.THROTTLE
