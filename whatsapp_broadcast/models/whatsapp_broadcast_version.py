from odoo import fields, models


class WhatsappBroadcastVersion(models.Model):
    """A template of a broadcast beside its own: a translation, or a variant.

    Made when the audience is frozen, so that it stays what it was at the launch.
    """

    _name = "whatsapp.broadcast.version"
    _description = "WhatsApp Broadcast Version"
    _log_access = False

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    template_id = fields.Many2one(
        "whatsapp.broadcast.template",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    langs = fields.Json(
        readonly=True, help="Codes of Odoo's languages whose people get it."
    )
