"""Any JSON, however deep or twisted, gives a result that can be stored."""

import copy
import json
import random
from dataclasses import fields, is_dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from providers import Credentials, Event, Meta, Response
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


def check_storable(value):
    """PostgreSQL takes neither NUL nor lone surrogates; ``jsonb`` no NaN either."""
    if isinstance(value, str):
        assert "\0" not in value
        value.encode()
    elif isinstance(value, float):
        json.dumps(value, allow_nan=False)
    elif isinstance(value, dict):
        check_storable([*value, *value.values()])
    elif isinstance(value, list):
        for item in value:
            check_storable(item)
    elif is_dataclass(value):
        check_storable([getattr(value, field.name) for field in fields(value)])


def check_webhook(data):
    check_body(dump(data))


def check_body(body):
    for event in PROVIDER.parse_webhook(body):
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


# === MUTATIONS === #

FILE = {"id": "4711", "mime_type": "image/png", "sha256": "YQ==", "voice": True}
FLOW = {"name": "flow", "body": "Sent", "response_json": '{"rating": [5, {"a": 1}]}'}
CONTENTS = {
    "text": {"body": "Hi"},
    "image": FILE | {"caption": "c"},
    "document": FILE | {"filename": "a.pdf"},
    "sticker": FILE | {"animated": True},
    "location": {"latitude": 1.5, "longitude": "-2", "name": "n", "address": "a"},
    "contacts": [{"name": {"formatted_name": "Ann"}, "phones": [{"phone": "+1"}]}],
    "button": {"payload": "p", "text": "t"},
    "interactive": {"type": "nfm_reply", "nfm_reply": FLOW},
    "order": {
        "text": "t",
        "product_items": [
            {
                "product_retailer_id": "S",
                "quantity": 2,
                "item_price": 1.5,
                "currency": "X",
            }
        ],
    },
    "reaction": {"message_id": "wamid.A", "emoji": "😀"},
    "edit": {
        "original_message_id": "wamid.A",
        "message": {"type": "image", "image": FILE},
    },
    "revoke": {"original_message_id": "wamid.A"},
    "system": {
        "type": "user_changed_user_id",
        "body": "from US.1 to US.2",
        "wa_id": "16505550199",
        "user_id": "US.2",
        "previous_user_id": "US.1",
    },
    "unsupported": {"type": "poll"},
}
MESSAGES = [
    {
        "id": "wamid.M",
        "from": "16505550123",
        "from_user_id": "US.1",
        "to": "16505550123",
        "timestamp": "1750000000",
        "type": kind,
        kind: content,
        "context": {"id": "wamid.B", "forwarded": True, "referred_product": {"c": "1"}},
        "referral": {"source_type": "ad", "headline": "h"},
        "errors": [{"code": 131051, "title": "t", "error_data": {"details": "d"}}],
        "history_context": {"status": "READ"},
    }
    for kind, content in CONTENTS.items()
]
THREADS = [{"id": "16505550123", "messages": [message]} for message in MESSAGES]
PEOPLE = {
    "metadata": {"phone_number_id": "7", "display_phone_number": "+1 555-0100"},
    "contacts": [
        {
            "wa_id": "16505550123",
            "user_id": "US.1",
            "parent_user_id": "US.ENT.1",
            "profile": {"name": "Ann"},
        }
    ],
}
TEMPLATE = {
    "message_template_id": 5,
    "message_template_name": "promo",
    "message_template_language": "en-US",
}
NEWS = {
    "user_id_update": PEOPLE
    | {
        "user_id_update": [
            {"wa_id": "1650555123", "user_id": {"previous": "US.1", "current": "US.2"}}
        ]
    },
    "user_preferences": VALUE,
    "message_template_status_update": TEMPLATE
    | {"event": "REJECTED", "reason": "x", "rejection_info": {"reason": "r"}},
    "message_template_components_update": TEMPLATE | {"message_template_element": "b"},
    "template_category_update": TEMPLATE
    | {"new_category": "A", "correct_category": "B"},
    "phone_number_quality_update": {
        "display_phone_number": "15550100",
        "event": "FLAGGED",
        "current_limit": "TIER_2K",
    },
    "phone_number_name_update": {
        "display_phone_number": "15550100",
        "decision": "APPROVED",
        "requested_verified_name": "Garden",
    },
    "security": {"display_phone_number": "15550100", "event": "PIN_CHANGED"},
    "business_capability_update": {"max_daily_conversations_per_business": -1},
    "account_update": {
        "event": "ACCOUNT_RESTRICTION",
        "restriction_info": [{"restriction_type": "x", "expiration": 1750000000}],
        "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "d"},
        "waba_info": {"waba_id": "8"},
    },
    "account_alerts": {"alert_info": {"alert_type": "a", "alert_description": "d"}},
    "account_review_update": {"decision": "APPROVED"},
    "account_settings_update": {"phone_number_settings": {"phone_number_id": "7"}},
    "payment_configuration_update": {"status": "s", "configuration_name": "n"},
}
BODIES = [
    *(("messages", PEOPLE | {"messages": [message]}) for message in MESSAGES),
    *(("smb_message_echoes", PEOPLE | {"message_echoes": [m]}) for m in MESSAGES),
    *(("history", PEOPLE | {"history": [{"threads": [thread]}]}) for thread in THREADS),
    ("history", PEOPLE | {"messages": MESSAGES[:2]}),
    ("messages", PEOPLE | {"statuses": [ITEM], "messages": MESSAGES[:2]}),
    *NEWS.items(),
]
STRANGE = (
    None, True, 0, -1, 10**30, 1.5, 1e308, float("nan"), float("-inf"), "", "\0",
    "\ud800", "a\udfffb\0", "\u202e\ufeff", "😀" * 300, "9" * 30, "16505550123",
    "TIER_2K", "{", "[]", [], [[]], {}, {"": {}}, {"\0\ud800": ["\0"]}, "x" * 100_000,
    "system", "edit", "interactive", "history", "messages", "group",
)  # fmt: skip


def places(node):
    """Return (container, key) of everything in a body."""
    found = []
    waiting = [node]
    while waiting:
        container = waiting.pop()
        keys = container if isinstance(container, dict) else range(len(container))
        found += [(container, key) for key in keys]
        inner = container.values() if isinstance(container, dict) else container
        waiting += [item for item in inner if isinstance(item, dict | list)]
    return found


def nested(value, depth):
    for level in range(depth):
        value = [value] if level % 2 else {"message": value}
    return value


def mutate(chance, body):
    """Replace, delete, repeat, move, retype, wrap or rename one thing in a body."""
    found = places(body)
    if not found:
        return
    container, key = chance.choice(found)
    value = container[key]
    other_container, other_key = chance.choice(found)
    change = chance.randrange(7)
    if change == 0:
        del container[key]
    elif change == 1 and isinstance(container, list):
        container[key:key] = [value] * chance.randrange(1, 20)
    elif change == 2:
        container[key] = copy.deepcopy(other_container[other_key])
    elif change == 3:
        container[key] = [value] if chance.random() < 0.5 else {"id": value}
    elif change == 4:
        container[key] = nested(value, chance.choice((3, 30, 300)))
    elif change == 5 and isinstance(container, dict):
        container[chance.choice(("type", "id", "\0", "field", "text", "from"))] = value
    else:
        container[key] = copy.deepcopy(chance.choice(STRANGE))


def damage(chance, body):
    """Cut a body off, or change a byte."""
    place = chance.randrange(len(body))
    if chance.random() < 0.5:
        return body[:place]
    return body[:place] + bytes((chance.randrange(256),)) + body[place + 1 :]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_a_hundred_mutated_bodies(seed):
    chance = random.Random(seed)
    for _ in range(100):
        data = copy.deepcopy(webhook(*chance.choice(BODIES)))
        for _ in range(chance.randrange(1, 6)):
            mutate(chance, data)
        body = dump(data)
        check_body(damage(chance, body) if chance.random() < 0.2 else body)


@pytest.mark.parametrize(("field", "value"), BODIES)
def test_bodies_to_mutate_are_understood(field, value):
    events = PROVIDER.parse_webhook(dump(webhook(field, value)))
    assert "UnknownEvent" not in {type(event).__name__ for event in events}
