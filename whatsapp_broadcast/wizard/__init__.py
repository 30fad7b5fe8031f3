from . import (
    base_partner_merge,
    whatsapp_broadcast_consent_entry,
    whatsapp_broadcast_launch,
    whatsapp_broadcast_list_add,
    whatsapp_broadcast_paste,
    whatsapp_broadcast_person,
    whatsapp_broadcast_rate_import,
    whatsapp_broadcast_refusal,
    whatsapp_broadcast_register,
    whatsapp_broadcast_test,
)
