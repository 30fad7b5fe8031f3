from . import whatsapp_broadcast_report

# isort: split
# What adds to a model comes after it.
from . import whatsapp_broadcast_dashboard
