"""Any JSON, however deep or twisted, gives a result that can be stored."""

import copy
import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from providers import Credentials, Error, Event, Meta, Response
from providers.base import SendResult

PROVIDER = Meta(Credentials(api_url="", app_secret="s"))

# Keys that mean something, so that random values reach every branch.
KEYS = st.sampled_from(
    "entry changes field value metadata phone_number_id contacts wa_id user_id profile"
    " name statuses messages id status timestamp errors code title error_data details"
    " type from text body button interactive button_reply context pricing billable"
    " user_preferences category event message_template_id message_template_language"
    " new_quality_score rejection_info current_limit ban_info waba_ban_state"
    " restriction_info alert_info alert_type error error_subcode is_transient message"
    " message_status data paging components buttons example body_text format".split()
)
WORDS = st.sampled_from(
    "messages user_preferences message_template_status_update account_update failed"
    " phone_number_quality_update account_alerts delivered stop text edit".split()
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | WORDS
    | st.just("\ud800\0")
    | st.sampled_from([-1, 10**30, "9" * 30, "1750000000", 131026, "+16505550123"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=20,
)

FIELDS = (
    "messages",
    "user_preferences",
    "message_template_status_update",
    "phone_number_quality_update",
    "account_update",
    "account_alerts",
)
ITEM = {
    "id": "wamid.A",
    "status": "failed",
    "type": "interactive",
    "from": "16505550123",
    "timestamp": "1750000000",
    "interactive": {"type": "button_reply", "button_reply": {"id": "a", "title": "A"}},
    "context": {"id": "wamid.B"},
    "errors": [{"code": 1, "title": "t", "error_data": {"details": "d"}}],
    "pricing": {"type": "regular", "category": "marketing", "billable": True},
    "value": "stop",
}
VALUE = {
    "metadata": {"phone_number_id": "7"},
    "contacts": [{"wa_id": "16505550123", "profile": {"name": "Ann"}}],
    "statuses": [ITEM],
    "messages": [ITEM],
    "user_preferences": [ITEM],
    "event": "DISABLED_UPDATE",
    "message_template_id": 5,
    "rejection_info": {"reason": "r"},
    "ban_info": {"waba_ban_state": "DISABLE"},
    "restriction_info": [{"restriction_type": "x"}],
    "waba_info": {"waba_id": "8"},
    "alert_info": {"alert_type": "a"},
    "current_limit": "TIER_2K",
}


def dump(data):
    return json.dumps(data).encode()


def webhook(field, value):
    return {"entry": [{"id": "8", "changes": [{"field": field, "value": value}]}]}


def check_storable(record):
    """A PostgreSQL text column takes neither NUL nor lone surrogates."""
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, str):
            assert "\0" not in value
            value.encode()
        elif isinstance(value, Error):
            check_storable(value)


def check_webhook(data):
    for event in PROVIDER.parse_webhook(dump(data)):
        assert isinstance(event, Event)
        check_storable(event)


@given(JSON)
def test_any_json(data):
    check_webhook(data)
    result = PROVIDER.parse_send(Response(400, dump(data)))
    assert isinstance(result, SendResult)
    check_storable(result)


@given(st.sampled_from(FIELDS), JSON)
def test_any_value_of_a_known_field(field, value):
    check_webhook(webhook(field, value))


@given(st.sampled_from(FIELDS), st.data())
def test_a_body_with_one_place_changed(field, data):
    value = copy.deepcopy(VALUE)
    place = value
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        if not data.draw(st.booleans()) or not place[key]:
            place[key] = data.draw(JSON)
            break
        place = place[key]
    check_webhook(webhook(field, value))


@given(JSON)
def test_any_error(error):
    for body in ({"error": error}, {"error": {"code": 100, "error_data": error}}):
        check_storable(PROVIDER.parse_send(Response(400, dump(body))))


@pytest.mark.parametrize("depth", [50, 990, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"entry":', "}")])
def test_any_depth(depth, opening, closing):
    body = (opening * depth + "0" + closing * depth).encode()
    assert PROVIDER.parse_webhook(body) == []
    assert PROVIDER.parse_send(Response(200, body)).message_id == ""


def test_three_megabytes_of_nonsense():
    assert PROVIDER.parse_webhook(b"[{" * 1_500_000) == []
    assert PROVIDER.parse_webhook(b"9" * 3_000_000) == []


def test_one_bad_item_does_not_hide_the_others():
    value = {"statuses": [None, 5, "x", [], {"status": []}, ITEM]}
    events = PROVIDER.parse_webhook(dump(webhook("messages", value)))
    assert [getattr(event, "message_id", None) for event in events] == [None, "wamid.A"]
