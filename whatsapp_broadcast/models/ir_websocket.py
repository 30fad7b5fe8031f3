import re

from odoo import models

#: A conversation that a browser shows: whose, by model and id.
_CHANNEL = re.compile(r"whatsapp_broadcast/(crm\.lead|res\.partner)/(\d{1,9})\Z")


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        """Let people hear of conversations that they may read."""
        return super()._build_bus_channel_list(self._open_conversations(channels))

    def _open_conversations(self, channels):
        """Return the channels with records in place of names, if they may be read."""
        others, records = [], []
        for channel in channels:
            match = isinstance(channel, str) and _CHANNEL.match(channel)
            if match:
                model = self.env[match[1]].with_context(
                    allowed_company_ids=self.env.user.company_ids.ids
                )
                records.append(model.browse(int(match[2])))
            else:
                others.append(channel)
        return others + [
            (record, "whatsapp_broadcast")
            for record in records
            if record._whatsapp_may_converse()
        ]
