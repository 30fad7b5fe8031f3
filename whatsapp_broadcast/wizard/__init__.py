from . import whatsapp_broadcast_launch
from . import whatsapp_broadcast_register
