{
    "name": "WhatsApp Broadcast: Queue Jobs",
    "version": "19.0.1.0.0",
    "summary": "Send WhatsApp broadcasts as jobs of OCA's queue_job",
    "category": "Marketing/WhatsApp",
    "author": "WhatsApp Broadcast contributors",
    "license": "LGPL-3",
    "depends": ["whatsapp_broadcast", "queue_job"],
    "data": [
        "data/queue_job_channel_data.xml",
        "data/queue_job_function_data.xml",
        "views/res_config_settings_views.xml",
    ],
    "uninstall_hook": "uninstall_hook",
}
