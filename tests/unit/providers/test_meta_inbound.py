"""Meta's webhooks: messages of people, and of the business on its own phone."""

import base64
import hashlib
from datetime import datetime

import pytest
from providers import (
    ErrorClass,
    IdentityEvent,
    InboundEvent,
    InboundMedia,
    UnknownEvent,
)

NOON = datetime(2025, 6, 15, 12, 0)
NOON_SECONDS = "1749988800"
PHONE = "+16505550123"
OWN = "15550100"  # the number of the fixture ``webhook``


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


def test_errors_beside_a_message_are_not_the_numbers(parse):
    value = inbound(text={"body": "Hi"}) | {"errors": [{"code": 131000}]}
    assert isinstance(parse(value), InboundEvent)


# === FILES === #

DIGEST = hashlib.sha256(b"a file").digest()
FILE = {"id": "4711", "mime_type": "image/jpeg", "sha256": base64.b64encode(DIGEST)}
FILE["sha256"] = FILE["sha256"].decode()


@pytest.mark.parametrize("kind", ["image", "video", "audio", "document", "sticker"])
def test_file(parse, kind):
    content = FILE | {"filename": "a.pdf", "url": "https://elsewhere.example/x"}
    event = parse(inbound(kind, **{kind: content}))
    assert event.message_type == kind
    assert event.media == InboundMedia("4711", "image/jpeg", DIGEST.hex(), "a.pdf")
    assert event.details is None


@pytest.mark.parametrize(
    ("told", "digest"),
    [
        (DIGEST.hex(), DIGEST.hex()),
        (DIGEST.hex().upper(), DIGEST.hex()),
        ("4654+8g=", ""),  # too short for one
        ("ä", ""),
        ("***", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_digest(parse, told, digest):
    event = parse(inbound("image", image=FILE | {"sha256": told}))
    assert event.media.sha256 == digest


def test_what_a_file_is_beside_its_content(parse):
    event = parse(inbound("audio", audio=FILE | {"voice": True}))
    assert event.details == {"audio": {"voice": True}}
    event = parse(inbound("sticker", sticker=FILE | {"animated": False}))
    assert event.details == {"sticker": {"animated": False}}


def test_a_file_that_meta_could_not_take(parse):
    errors = [{"code": 131052, "title": "Media download error"}]
    event = parse(inbound("video", video={"mime_type": "video/mp4"}, errors=errors))
    assert event.media is None
    assert event.error.code == "131052"
    assert event.message_type == "video"


# === NOTES AND DETAILS === #


def test_location(parse):
    place = {"latitude": 52.52, "longitude": -13.4049540000001, "name": "Home"}
    place |= {"address": "1 Main Street", "url": "https://map.example"}
    event = parse(inbound("location", location=place))
    assert event.text == "Home\n1 Main Street\n52.52, -13.4049540000001"
    assert event.details == {"location": place}


def test_contacts(parse):
    cards = [
        {
            "name": {"formatted_name": "Ann Lee"},
            "phones": [{"phone": "+1 (650) 555-0199"}, {"wa_id": "16505550188"}],
        },
        {"name": {"formatted_name": "Bob"}},
        {"phones": "none"},
    ]
    value = inbound("contacts")
    value["messages"][0]["contacts"] = cards
    event = parse(value)
    assert event.text == "Ann Lee: +1 (650) 555-0199, +16505550188\nBob"
    assert event.details == {"contacts": cards}


def test_order(parse):
    items = [
        ("SKU1", 2, 10.5, "USD"),
        ("SKU2", "3", "0.1", "USD"),
        ("SKU3", 1, 7, "EUR"),
        ("SKU4", None, 1e300, "EUR"),
    ]
    keys = ("product_retailer_id", "quantity", "item_price", "currency")
    order = {"catalog_id": "9", "text": "Please"}
    order["product_items"] = [dict(zip(keys, item, strict=True)) for item in items]
    event = parse(inbound("order", order=order))
    assert event.text.split("\n") == [
        "Please",
        "2 × SKU1: 10.5 USD",
        "3 × SKU2: 0.1 USD",
        "1 × SKU3: 7 EUR",
        "SKU4",
        "= 21.3 USD",
        "= 7 EUR",
    ]
    assert event.details == {"order": order}


def test_answers_to_a_flow(parse):
    told = '{"flow_token":"t","rating":5,"slots":["am","pm"],"to":{"day":"Mon"}}'
    reply = {"name": "flow", "body": "Sent", "response_json": told}
    interactive = {"type": "nfm_reply", "nfm_reply": reply}
    event = parse(inbound("interactive", interactive=interactive))
    assert event.text == "rating: 5\nslots: am, pm\nto: day Mon"
    response = event.details["interactive"]["nfm_reply"]["response"]
    assert response["to"] == {"day": "Mon"}


@pytest.mark.parametrize("told", ["{", "[1]", None, '{"a":' * 5000, '{"flow_token":1}'])
def test_answers_that_cannot_be_read(parse, told):
    reply = {"body": "Sent", "response_json": told}
    assert (
        parse(inbound("interactive", interactive={"nfm_reply": reply})).text == "Sent"
    )


def test_what_a_choice_from_a_list_says_more(parse):
    choice = {"type": "list_reply", "list_reply": REPLY | {"description": "Two days"}}
    assert parse(inbound("interactive", interactive=choice)).details == {
        "interactive": choice
    }
    button = {"type": "button_reply", "button_reply": REPLY}
    assert parse(inbound("interactive", interactive=button)).details is None


def test_where_a_message_comes_from(parse):
    referral = {"source_type": "ad", "headline": "Sale", "ctwa_clid": "c"}
    product = {"catalog_id": "9", "product_retailer_id": "SKU1"}
    context = {"id": "wamid.A", "from": OWN, "forwarded": True}
    context["referred_product"] = product
    value = inbound(text={"body": "Hi"}, referral=referral, context=context)
    assert parse(value).details == {
        "referral": referral,
        "context": {"forwarded": True, "referred_product": product},
    }


@pytest.mark.parametrize("kind", ["unsupported", "unknown"])
def test_unsupported(parse, kind):
    errors = [{"code": 131051, "title": "Unsupported", "details": "No polls"}]
    event = parse(inbound(kind, errors=errors, unsupported={"type": "poll"}))
    assert event.message_type == "unsupported"
    assert event.error.message == "Unsupported – No polls"
    assert event.opens_window


def test_the_error_beside_the_only_message_is_its_own(parse, parse_all):
    value = inbound("interactive") | {"errors": [{"code": 131000, "title": "No"}]}
    event = parse(value)
    assert (event.error.code, event.error.error_class) == ("131000", ErrorClass.RETRY)
    value["messages"] *= 2
    assert [event.error for event in parse_all(value)] == [None, None]


def test_a_type_that_we_do_not_know(parse):
    event = parse(inbound("hologram", hologram={"height": 3}))
    assert (event.message_type, event.text) == ("other", "")
    assert event.details == {"hologram": {"height": 3}}


def test_a_chat_that_was_only_opened(parse):
    event = parse(inbound("request_welcome"))
    assert (event.message_type, event.opens_window) == ("other", False)
    assert event.details == {"request_welcome": {"type": "request_welcome"}}


def test_a_message_without_a_type_is_what_it_holds(parse):
    event = parse(inbound(None, location={"name": "Home"}))
    assert (event.message_type, event.text) == ("location", "Home")


def test_details_can_be_stored(parse):
    deep = {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": 1}}}}}}}}}
    content = {"a\0": "\ud800", "b": float("nan"), "c": float("inf"), "d": [deep]}
    details = parse(inbound("hologram", hologram=content)).details["hologram"]
    assert (details["a"], details["b"], details["c"]) == ("?", None, None)
    assert str(details["d"]).count("a") == 5


# === WHAT CHANGES A MESSAGE === #


def test_edit(parse):
    message = {"type": "image", "image": FILE | {"caption": "New"}}
    edit = {"original_message_id": "wamid.A", "message": message}
    event = parse(inbound("edit", edit=edit))
    assert (event.message_type, event.text) == ("edit", "New")
    assert (event.context_id, event.media.media_id) == ("wamid.A", "4711")
    assert event.opens_window is False


def test_revoke(parse):
    event = parse(inbound("revoke", revoke={"original_message_id": "wamid.A"}))
    assert (event.message_type, event.context_id) == ("revoke", "wamid.A")
    assert event.opens_window is False


def test_reaction_is_about_its_own_message(parse):
    reaction = {"message_id": "wamid.A", "emoji": "👍"}
    event = parse(inbound("reaction", reaction=reaction, context={"id": "wamid.X"}))
    assert event.context_id == "wamid.A"


# === PEOPLE === #


def test_parent_ids(parse):
    contacts = [{"user_id": "US.1", "parent_user_id": "US.ENT.9"}]
    event = parse(inbound(contacts=contacts, from_user_id="US.1"))
    assert (event.user_ref, event.parent_ref) == ("US.1", "US.ENT.9")
    event = parse(inbound(from_user_id="US.1", from_parent_user_id="US.ENT.8"))
    assert event.parent_ref == "US.ENT.8"


def test_several_messages_do_not_share_the_only_contact(parse_all):
    value = inbound(contacts=[{"wa_id": "16505550123"}])
    value["messages"].append({"id": "wamid.C", "type": "text"})
    known, unknown = parse_all(value)
    assert (known.phone, type(unknown)) == (PHONE, UnknownEvent)


def system(kind, sender, **fields):
    content = {"type": kind, "body": "Ann changed", **fields}
    return {
        "messages": [{"id": "wamid.S", "type": "system", "system": content} | sender]
    }


@pytest.mark.parametrize("key", ["wa_id", "new_wa_id"])
def test_changed_phone(parse_all, key):
    sender = {"from": "16505550123", "from_user_id": "US.1"}
    fields = {key: "16505550199", "user_id": "US.2"}
    changed, record = parse_all(system("user_changed_number", sender, **fields))
    assert changed == IdentityEvent(
        "800200",
        "700300",
        phone=PHONE,
        user_ref="US.1",
        new_phone="+16505550199",
        new_user_ref="US.2",
    )
    assert (record.message_type, record.text) == ("system", "Ann changed")
    assert (record.phone, record.opens_window) == (PHONE, False)
    assert record.details["system"]["type"] == "user_changed_number"


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ({}, {"previous_user_id": "US.1"}),
        ({"from_user_id": "US.1"}, {}),
        ({}, {"body": "User DR.Ann changed from US.1 to US.2"}),
        ({"from_user_id": "US.2"}, {"previous_user_id": "US.1"}),
        ({"from_user_id": "US.2"}, {"body": "Changed from US.1 to US.2"}),
    ],
)
def test_changed_user_id(parse_all, sender, fields):
    fields = {"user_id": "US.2", "parent_user_id": "US.ENT.2"} | fields
    changed, record = parse_all(system("user_changed_user_id", sender, **fields))
    assert (changed.user_ref, changed.new_user_ref) == ("US.1", "US.2")
    assert changed.new_parent_ref == "US.ENT.2"
    assert record.user_ref == "US.1"


def test_changed_identity_is_on_record_only(parse):
    sender = {"from": "16505550123"}
    event = parse(system("customer_identity_changed", sender, wa_id="16505550123"))
    assert (event.message_type, event.phone) == ("system", PHONE)
    assert event.opens_window is False


def test_system_message_belongs_to_no_contact_beside_it(parse):
    value = system("user_changed_user_id", {}) | {"contacts": [{"wa_id": PHONE}]}
    assert isinstance(parse(value), UnknownEvent)


def test_replaced_user_id(parse):
    item = {
        "wa_id": "16505550123",
        "user_id": {"previous": "US.1", "current": "US.2"},
        "parent_user_id": {"previous": "US.ENT.1", "current": "US.ENT.2"},
        "timestamp": NOON_SECONDS,
    }
    event = parse({"user_id_update": [item]}, "user_id_update")
    assert event == IdentityEvent(
        "800200",
        "700300",
        NOON,
        phone=PHONE,
        user_ref="US.1",
        parent_ref="US.ENT.1",
        new_user_ref="US.2",
        new_parent_ref="US.ENT.2",
    )
    assert parse(item, "user_id_update") == event


@pytest.mark.parametrize(
    "item",
    [{}, {"user_id": "US.2"}, {"user_id": {"current": "US.2"}}, {"wa_id": PHONE}],
)
def test_replaced_user_id_of_nobody(parse, item):
    event = parse({"user_id_update": [item]}, "user_id_update")
    assert isinstance(event, UnknownEvent)


# === THE BUSINESS ITSELF === #


def echo(**fields):
    item = {"id": "wamid.E", "type": "text", "text": {"body": "We call you"}}
    item |= {"from": OWN, "to": "16505550123", "timestamp": NOON_SECONDS}
    return {"message_echoes": [item | fields]}


def test_echo(parse):
    contacts = [{"wa_id": "16505550123", "profile": {"name": "Ann"}, "user_id": "US.1"}]
    event = parse(echo() | {"contacts": contacts}, "smb_message_echoes")
    assert event == InboundEvent(
        "800200",
        "700300",
        NOON,
        message_id="wamid.E",
        phone=PHONE,
        user_ref="US.1",
        message_type="text",
        text="We call you",
        opens_window=False,
        is_echo=True,
    )


def test_echo_by_user_id(parse):
    fields = {"to": None, "to_user_id": "US.1", "to_parent_user_id": "US.ENT.1"}
    event = parse(echo(**fields), "smb_message_echoes")
    assert (event.phone, event.user_ref, event.parent_ref) == ("", "US.1", "US.ENT.1")


def test_echo_of_a_message_taken_back(parse):
    fields = {"type": "revoke", "revoke": {"original_message_id": "wamid.A"}}
    event = parse(echo(**fields), "smb_message_echoes")
    assert (event.message_type, event.context_id) == ("revoke", "wamid.A")
    assert event.is_echo


def test_echo_that_names_the_person_as_sender(parse):
    fields = {"from": "16505550123", "to": OWN}
    assert parse(echo(**fields), "smb_message_echoes").phone == PHONE


def test_history(parse_all):
    def message(sender, body):
        return {
            "id": f"wamid.{body}",
            "from": sender,
            "type": "text",
            "text": {"body": body},
            "timestamp": NOON_SECONDS,
            "history_context": {"status": "READ"},
        }

    messages = [message(OWN, "ours"), message("16505550123", "theirs")]
    thread = {"id": "16505550123", "messages": messages}
    value = {"history": [{"metadata": {"phase": 0}, "threads": [thread]}]}
    ours, theirs = parse_all(value, "history")
    assert (ours.is_echo, theirs.is_echo) == (True, False)
    for event in (ours, theirs):
        assert (event.phone, event.opens_window) == (PHONE, False)
        assert event.details == {"history": {"status": "read"}}


@pytest.mark.parametrize(
    ("thread", "user_ref"), [("US.1", "US.1"), ("120363041234567890", None)]
)
def test_history_with_whom(parse, thread, user_ref):
    messages = [{"id": "wamid.H", "type": "text", "from_user_id": "US.1"}]
    value = {"history": [{"threads": [{"id": thread, "messages": messages}]}]}
    event = parse(value, "history")
    assert getattr(event, "user_ref", None) == user_ref


@pytest.mark.parametrize(
    ("sender", "is_echo"),
    [({"from": "16505550123"}, False), ({"from": OWN, "to": "16505550123"}, True)],
)
def test_a_file_of_the_history(parse, sender, is_echo):
    event = parse(inbound("image", image=FILE, **sender), "history")
    assert (event.phone, event.is_echo) == (PHONE, is_echo)
    assert event.media.media_id == "4711"
    assert event.opens_window is False
    assert "history" in event.details
