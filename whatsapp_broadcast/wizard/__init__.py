from . import (
    whatsapp_broadcast_consent_entry,
    whatsapp_broadcast_launch,
    whatsapp_broadcast_person,
    whatsapp_broadcast_register,
)
