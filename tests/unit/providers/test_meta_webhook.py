"""Meta's webhooks: signature, handshake and events."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime

import pytest
from providers import (
    AccountEvent,
    ErrorClass,
    InboundEvent,
    Meta,
    NumberEvent,
    PreferenceEvent,
    StatusEvent,
    TemplateEvent,
    UnknownEvent,
)

NOON = datetime(2025, 6, 15, 12, 0)
NOON_SECONDS = "1749988800"


@pytest.fixture
def parse(meta, webhook):
    """Return the one event of a change."""

    def parse(value, field="messages", **entry):
        (event,) = meta.parse_webhook(webhook(value, field, **entry))
        return event

    return parse


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


# === INBOUND === #


def inbound(kind="text", contacts=None, **fields):
    item = {"id": "wamid.B", "from": "16505550123", "type": kind}
    item |= {"timestamp": NOON_SECONDS} | fields
    return {"messages": [item], "contacts": contacts}


def test_inbound(parse):
    contacts = [
        {"wa_id": "16505550199", "profile": {"name": "Bob"}},
        {"wa_id": "16505550123", "profile": {"name": "Ann"}, "user_id": "US.1"},
    ]
    context = {"from": "15550100", "id": "wamid.A"}
    value = inbound(contacts=contacts, text={"body": "Hi"}, context=context)
    assert parse(value) == InboundEvent(
        business_account_id="800200",
        number_id="700300",
        at=NOON,
        message_id="wamid.B",
        phone="+16505550123",
        user_ref="US.1",
        profile_name="Ann",
        message_type="text",
        text="Hi",
        context_id="wamid.A",
    )


REPLY = {"id": "yes", "title": "Yes"}


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("text", {"body": "a"}, ("a", "", "")),
        ("button", {"text": "Stop", "payload": "stop-1"}, ("Stop", "stop-1", "")),
        ("interactive", {"button_reply": REPLY}, ("Yes", "yes", "")),
        ("interactive", {"list_reply": REPLY}, ("Yes", "yes", "")),
        ("interactive", {"nfm_reply": {"body": "Sent"}}, ("Sent", "", "")),
        ("interactive", None, ("", "", "")),
        ("image", {"id": "4", "caption": "c"}, ("c", "", "")),
        ("audio", {"id": "4"}, ("", "", "")),
        ("document", {"id": "4", "caption": "c"}, ("c", "", "")),
        ("location", {"latitude": 1.5, "name": "Home"}, ("Home", "", "")),
        ("reaction", {"message_id": "wamid.A", "emoji": "😀"}, ("😀", "", "wamid.A")),
        ("reaction", {"message_id": "wamid.A"}, ("", "", "wamid.A")),
        ("order", {"text": "Love it", "product_items": []}, ("Love it", "", "")),
        ("contacts", [{"name": {}}], ("", "", "")),
        ("unsupported", {"type": "poll"}, ("", "", "")),
        (
            "edit",
            {"message": {"type": "text", "text": {"body": "STOP"}}},
            ("STOP", "", ""),
        ),
        ("text", {"body": "a\0b\ud800"}, ("ab?", "", "")),
        ("text", {"body": 5}, ("5", "", "")),
    ],
)
def test_inbound_content(parse, kind, content, expected):
    event = parse(inbound(kind, **{kind: content}))
    assert isinstance(event, InboundEvent)
    assert (event.text, event.payload, event.context_id) == expected


def test_inbound_by_user_id_alone(parse):
    contacts = [{"user_id": "US.1", "profile": {"name": "Ann"}}]
    value = inbound(contacts=contacts, from_user_id="US.1", **{"from": None})
    event = parse(value)
    assert (event.phone, event.user_ref) == ("", "US.1")
    assert event.profile_name == "Ann"


def test_inbound_without_sender_takes_the_only_contact(parse):
    value = inbound(contacts=[{"wa_id": "16505550123"}], **{"from": None})
    assert parse(value).phone == "+16505550123"


@pytest.mark.parametrize(
    "value",
    [
        inbound(text={"body": "Hi"}, group_id="G"),
        inbound(text={"body": "Hi"}, **{"from": None}),
        inbound(contacts=[{"wa_id": "1"}, {"wa_id": "2"}], **{"from": None}),
    ],
)
def test_no_message_of_a_person(parse, value):
    assert isinstance(parse(value), UnknownEvent)


@pytest.mark.parametrize("field", ["smb_app_state_sync", "calls"])
def test_messages_of_other_fields_are_not_inbound(parse, field):
    value = inbound(text={"body": "Hi"}) | {"message_echoes": [{"id": "wamid.E"}]}
    assert parse(value, field) == UnknownEvent("800200", "700300", kind=field)


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


# === TEMPLATES === #


@pytest.fixture
def parse_template(parse):
    def parse_template(field="message_template_status_update", **value):
        value |= {"message_template_id": 12345, "message_template_name": "promo"}
        value |= {"message_template_language": "en-US"}
        return parse(value, field, time=int(NOON_SECONDS))

    return parse_template


def test_template_status(parse_template):
    event = parse_template(
        event="REJECTED",
        reason="INVALID_FORMAT",
        message_template_category="MARKETING",
        rejection_info={"reason": "Adjacent parameters"},
    )
    assert event == TemplateEvent(
        "800200",
        "700300",
        NOON,
        external_id="12345",
        name="promo",
        language="en_US",
        state="rejected",
        category="marketing",
        reason="INVALID_FORMAT, Adjacent parameters",
    )


@pytest.mark.parametrize(
    ("happened", "state", "reason"),
    [
        ("APPROVED", "approved", ""),
        ("REINSTATED", "approved", ""),
        ("UNARCHIVED", "approved", ""),
        ("PAUSED", "paused", ""),
        ("DISABLED", "disabled", ""),
        ("PENDING_DELETION", "pending_deletion", ""),
        ("FLAGGED", "", "flagged"),
        ("LOCKED", "", "locked"),
    ],
)
def test_template_states(parse_template, happened, state, reason):
    event = parse_template(event=happened, reason="NONE")
    assert (event.state, event.reason) == (state, reason)


@pytest.mark.parametrize(
    "field", ["message_template_quality_update", "message_template_status_update"]
)
def test_template_quality(parse_template, field):
    event = parse_template(field, new_quality_score="YELLOW")
    assert (event.quality, event.state) == ("yellow", "")


def test_category_that_changed(parse_template):
    event = parse_template(
        "template_category_update",
        previous_category="UTILITY",
        new_category="MARKETING",
    )
    assert (event.category, event.reason) == ("marketing", "")


def test_category_that_will_change(parse_template):
    event = parse_template(
        "template_category_update",
        new_category="UTILITY",
        correct_category="MARKETING",
        category_update_timestamp=1746169200,
    )
    assert (event.category, event.reason) == ("utility", "becomes marketing")


def test_template_that_cannot_be_found(parse):
    event = parse({"event": "APPROVED"}, "message_template_status_update")
    assert isinstance(event, UnknownEvent)


# === NUMBERS AND ACCOUNT === #


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (2000, 2000),
        ("2000", 2000),
        ("TIER_250", 250),
        ("TIER_2K", 2000),
        ("TIER_100K", 100_000),
        ("TIER_UNLIMITED", 0),
        (-1, 0),
    ],
)
@pytest.mark.parametrize(
    "key", ["max_daily_conversations_per_business", "max_daily_conversation_per_phone"]
)
def test_daily_limit(parse, key, limit, expected):
    event = parse({key: limit}, "business_capability_update", metadata=False)
    assert event == NumberEvent("800200", daily_limit=expected)


@pytest.mark.parametrize("limit", ["TIER_NOT_SET", 0, -7, "many", None, [], 10**12])
def test_no_daily_limit(parse, limit):
    value = {"max_daily_conversations_per_business": limit}
    assert isinstance(parse(value, "business_capability_update"), UnknownEvent)


def test_throughput(parse):
    value = {
        "display_phone_number": "15550100",
        "event": "THROUGHPUT_UPGRADE",
        "current_limit": "TIER_UNLIMITED",
    }
    event = parse(value, "phone_number_quality_update")
    assert (event.phone, event.messages_per_second) == ("+15550100", 1000)
    assert event.daily_limit == 0


def test_error_of_the_number_itself(parse):
    event = parse({"errors": [{"code": 130429, "title": "Rate limit hit"}]})
    assert isinstance(event, NumberEvent)
    assert event.number_id == "700300"
    assert event.error.error_class is ErrorClass.THROTTLE


def test_errors_beside_a_message_are_not_the_numbers(parse):
    value = inbound(text={"body": "Hi"}) | {"errors": [{"code": 131000}]}
    assert isinstance(parse(value), InboundEvent)


@pytest.mark.parametrize(
    ("value", "kind", "stops"),
    [
        ({"event": "VERIFIED_ACCOUNT"}, "verified_account", False),
        ({"event": "ACCOUNT_DELETED"}, "account_deleted", True),
        ({"event": "ACCOUNT_VIOLATION"}, "account_violation", False),
        ({"event": "ACCOUNT_RESTRICTION"}, "account_restriction", True),
        (
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [
                    {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}
                ],
            },
            "account_restriction",
            True,
        ),
        (
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [
                    {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}
                ],
            },
            "account_restriction",
            False,
        ),
        (
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
            "disable",
            True,
        ),
        (
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}},
            "reinstate",
            False,
        ),
    ],
)
def test_account(parse, value, kind, stops):
    event = parse(value, "account_update")
    assert isinstance(event, AccountEvent)
    assert (event.kind, event.stops_sending) == (kind, stops)


def test_account_of_a_partner(parse):
    value = {"event": "PARTNER_ADDED", "waba_info": {"waba_id": "55"}}
    assert parse(value, "account_update").business_account_id == "55"


def test_alert(parse):
    info = {"alert_type": "OBA_APPROVED", "alert_description": "Done"}
    event = parse({"alert_info": info}, "account_alerts")
    assert (event.kind, event.reason) == ("oba_approved", "Done")
    assert event.stops_sending is False
