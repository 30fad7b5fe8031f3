{
    "name": "WhatsApp Broadcast: points to die at",
    "summary": "For make faults only: kills its own process where it is told to",
    "version": "19.0.1.0.0",
    "license": "LGPL-3",
    "depends": ["whatsapp_broadcast"],
    "installable": False,
    "post_load": "post_load",
}
