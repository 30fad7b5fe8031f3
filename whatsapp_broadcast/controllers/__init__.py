from . import links, webhook
