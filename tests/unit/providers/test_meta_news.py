"""Meta's webhooks: what they tell of templates, numbers and accounts."""

from datetime import datetime

import pytest
from providers import AccountEvent, NumberEvent, TemplateEvent, UnknownEvent

NOON = datetime(2025, 6, 15, 12, 0)
NOON_SECONDS = "1749988800"


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


@pytest.mark.parametrize(
    ("value", "resumes"),
    [
        ({"ban_info": {"waba_ban_state": "REINSTATE"}}, True),
        ({"ban_info": {"waba_ban_state": "DISABLE"}}, False),
        ({"ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE"}}, False),
        ({"event": "ACCOUNT_RECONNECTED"}, True),
        ({"event": "ACCOUNT_OFFBOARDED"}, False),
        ({"event": "VERIFIED_ACCOUNT"}, False),
    ],
)
def test_sending_may_go_on(parse, value, resumes):
    assert parse(value, "account_update").resumes_sending is resumes


@pytest.mark.parametrize(
    ("expiration", "reason"),
    [
        (int(NOON_SECONDS), "RESTRICTED_X until 2025-06-15"),
        ("Nov 20, 2026", "RESTRICTED_X until Nov 20, 2026"),
        (None, "RESTRICTED_X"),
    ],
)
def test_until_when_an_account_is_restricted(parse, expiration, reason):
    info = [{"restriction_type": "RESTRICTED_X", "expiration": expiration}]
    value = {"event": "ACCOUNT_RESTRICTION", "restriction_info": info}
    assert parse(value, "account_update").reason == reason


def test_the_field_may_be_inside(meta, webhook):
    value = {"event": "ACCOUNT_DELETED", "field": "account_update"}
    (event,) = meta.parse_webhook(webhook(value, field=None))
    assert isinstance(event, AccountEvent)


@pytest.mark.parametrize(
    ("field", "value", "kind", "reason"),
    [
        ("account_review_update", {"decision": "REJECTED"}, "review_rejected", ""),
        (
            "payment_configuration_update",
            {"configuration_name": "shop", "status": "Active"},
            "payment_configuration",
            "shop, active",
        ),
    ],
)
def test_news_of_an_account(parse, field, value, kind, reason):
    event = parse(value, field)
    assert isinstance(event, AccountEvent)
    assert (event.kind, event.reason) == (kind, reason)
    assert not (event.stops_sending or event.resumes_sending)


@pytest.mark.parametrize(
    ("value", "name", "reason"),
    [
        ({"decision": "APPROVED"}, "Garden", "approved"),
        ({"decision": "REJECTED", "rejection_reason": "X"}, "", "rejected, X"),
    ],
)
def test_name_of_a_number(parse, value, name, reason):
    value |= {"display_phone_number": "+1 555-010-0", "rejection_reason": "X"}
    value |= {"requested_verified_name": "Garden"}
    if name:
        value["rejection_reason"] = None
    event = parse(value, "phone_number_name_update", metadata=False)
    assert (event.phone, event.name, event.reason) == ("+15550100", name, reason)


def test_two_step_pin(parse):
    value = {"display_phone_number": "15550100", "event": "PIN_RESET_REQUEST"}
    event = parse(value, "security", metadata=False)
    assert event == NumberEvent("800200", phone="+15550100", reason="pin_reset_request")


def test_settings_of_a_number(parse):
    value = {"phone_number_settings": {"phone_number_id": "700301"}}
    event = parse(value, "account_settings_update", metadata=False)
    assert (event.number_id, event.reason) == ("700301", "settings_changed")


@pytest.mark.parametrize(
    ("happened", "quality"), [("FLAGGED", "red"), ("UNFLAGGED", "unknown")]
)
def test_quality_as_it_was_told(parse, happened, quality):
    value = {"display_phone_number": "15550100", "event": happened}
    event = parse(value, "phone_number_quality_update", metadata=False)
    assert (event.quality, event.reason) == (quality, happened.lower())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone_number_quality_update", {"event": "FLAGGED"}),
        ("phone_number_name_update", {"decision": "APPROVED"}),
        ("security", {"event": "PIN_CHANGED"}),
        ("account_settings_update", {"phone_number_settings": {}}),
    ],
)
def test_news_of_a_number_that_is_not_named_are_not_about_all(parse, field, value):
    event = parse(value, field, metadata=False)
    assert event == UnknownEvent("800200", kind=field)


@pytest.mark.parametrize(
    "field",
    [
        "account_review_update",
        "account_alerts",
        "account_update",
        "payment_configuration_update",
    ],
)
def test_news_that_say_nothing(parse, field):
    assert isinstance(parse({}, field), UnknownEvent)


def test_content_of_a_template(parse_template):
    event = parse_template(
        "message_template_components_update", message_template_element="Hi {{1}}"
    )
    assert event == TemplateEvent(
        "800200",
        "700300",
        NOON,
        external_id="12345",
        name="promo",
        language="en_US",
        content_changed=True,
    )
    assert not parse_template(event="APPROVED").content_changed
