from . import (
    whatsapp_broadcast_consent_entry,
    whatsapp_broadcast_launch,
    whatsapp_broadcast_person,
    whatsapp_broadcast_rate_import,
    whatsapp_broadcast_refusal,
    whatsapp_broadcast_register,
    whatsapp_broadcast_test,
)
