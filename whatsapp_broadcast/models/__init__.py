# Models inherit from it, whatever the order of their names.
from . import whatsapp_broadcast_conversation, whatsapp_broadcast_outgoing

# isort: split
from . import (
    crm_lead,
    ir_actions_server,
    ir_websocket,
    res_company,
    res_config_settings,
    res_partner,
    whatsapp_broadcast,
    whatsapp_broadcast_account,
    whatsapp_broadcast_account_look,
    whatsapp_broadcast_alias,
    whatsapp_broadcast_attempt,
    whatsapp_broadcast_attribution,
    whatsapp_broadcast_audience,
    whatsapp_broadcast_checks,
    whatsapp_broadcast_choice,
    whatsapp_broadcast_consent,
    whatsapp_broadcast_contact,
    whatsapp_broadcast_counter,
    whatsapp_broadcast_course,
    whatsapp_broadcast_custom_row,
    whatsapp_broadcast_event,
    whatsapp_broadcast_keyword,
    whatsapp_broadcast_lane,
    whatsapp_broadcast_list,
    whatsapp_broadcast_list_member,
    whatsapp_broadcast_message,
    whatsapp_broadcast_notice,
    whatsapp_broadcast_number,
    whatsapp_broadcast_pace,
    whatsapp_broadcast_permission,
    whatsapp_broadcast_prefix,
    whatsapp_broadcast_prepare,
    whatsapp_broadcast_reach,
    whatsapp_broadcast_recipient,
    whatsapp_broadcast_schedule,
    whatsapp_broadcast_send_test,
    whatsapp_broadcast_series,
    whatsapp_broadcast_stats,
    whatsapp_broadcast_subject,
    whatsapp_broadcast_template,
    whatsapp_broadcast_template_button,
    whatsapp_broadcast_template_variable,
    whatsapp_broadcast_values,
    whatsapp_broadcast_way_out,
)

# isort: split
# What adds to a model comes after it.
from . import whatsapp_broadcast_attend, whatsapp_broadcast_consent_entry
