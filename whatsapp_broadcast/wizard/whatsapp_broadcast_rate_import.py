import base64

from odoo import fields, models
from odoo.exceptions import UserError

from ..models.whatsapp_broadcast_rate import CARD_URL


class WhatsappBroadcastRateImport(models.TransientModel):
    """Takes over a card of prices as the provider publishes it."""

    _name = "whatsapp.broadcast.rate.import"
    _description = "Import WhatsApp Rates"

    file = fields.Binary("CSV File", required=True, attachment=False)
    filename = fields.Char()
    valid_from = fields.Date(required=True, default=fields.Date.context_today)
    source = fields.Char(required=True, default=CARD_URL)

    def action_import(self):
        """Import the file and list its prices."""
        self.ensure_one()
        rates = self.env["whatsapp.broadcast.rate"]
        rates.check_access("create")
        try:
            text = base64.b64decode(self.file).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UserError(
                self.env._(
                    "The file is no CSV in UTF-8. Download the list rates as CSV from "
                    "the provider, or save your sheet as CSV (UTF-8)."
                )
            ) from None
        imported = rates._import_card(text, self.valid_from, self.source)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_rate_action"
        )
        action["domain"] = [("id", "in", imported.ids)]
        return action
