from . import res_config_settings, whatsapp_broadcast_lane
