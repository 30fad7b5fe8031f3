from . import whatsapp_broadcast_launch
