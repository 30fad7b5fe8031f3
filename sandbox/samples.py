"""What Meta's dashboard sends for a field when its "Test" button is pressed."""

from .events import (
    AccountUpdate,
    EchoUpdate,
    InboundUpdate,
    PreferenceUpdate,
    message_id,
)

TEMPLATE = {
    "message_template_id": 12345678,
    "message_template_name": "my_message_template",
    "message_template_language": "en-US",
}
PHONE = "16315551181"
VALUES = {
    "message_template_status_update": {
        "event": "APPROVED",
        **TEMPLATE,
        "reason": None,
    },
    "message_template_quality_update": {
        "previous_quality_score": "GREEN",
        "new_quality_score": "YELLOW",
        **TEMPLATE,
    },
    "message_template_components_update": {
        **TEMPLATE,
        "message_template_element": "message body",
    },
    "template_category_update": {
        **TEMPLATE,
        "previous_category": "MARKETING",
        "new_category": "UTILITY",
    },
    "phone_number_quality_update": {
        "event": "ONBOARDING",
        "max_daily_conversations_per_business": "TIER_250",
    },
    "phone_number_name_update": {
        "decision": "APPROVED",
        "requested_verified_name": "Sample",
        "rejection_reason": None,
    },
    "account_update": {"event": "VERIFIED_ACCOUNT"},
    "account_alerts": {
        "entity_type": "BUSINESS",
        "alert_severity": "INFORMATIONAL",
        "alert_status": "NONE",
        "alert_type": "OBA_APPROVED",
        "alert_description": "Sample alert",
    },
    "account_review_update": {"decision": "APPROVED"},
    "business_capability_update": {
        "max_daily_conversations_per_business": 2000,
        "max_phone_numbers_per_business": 20,
    },
    "user_id_update": {
        "user_id_update": [
            {
                "wa_id": PHONE,
                "user_id": {"previous": "US.111111111", "current": "US.222222222"},
            }
        ]
    },
}


def sample(state, waba, number, field):
    """An update of this field; unlike a real one it belongs to nothing we know."""
    person = state.people.by_phone(PHONE)
    content = {"type": "text", "text": {"body": "this is a text message"}}
    if field == "messages":
        wamid = message_id(PHONE, inbound=True)
        return InboundUpdate(wamid, number, person, False, content)
    if field == "smb_message_echoes":
        return EchoUpdate(message_id(PHONE), number, person, False, content)
    if field == "user_preferences":
        return PreferenceUpdate(number, person, False, "stop")
    return AccountUpdate(waba.id, field, value(number, field))


def value(number, field):
    """The value of a field that is not about messages; names the number if it can."""
    found = dict(VALUES.get(field, {}))
    if field.startswith("phone_number_"):
        found["display_phone_number"] = number.digits
    return found
