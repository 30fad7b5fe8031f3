from odoo import fields, models


class WhatsappBroadcastCustomRow(models.Model):
    """One row of what was pasted or uploaded as the audience of a broadcast."""

    _name = "whatsapp.broadcast.custom.row"
    _description = "WhatsApp Broadcast Row"
    _order = "broadcast_id, id"
    _log_access = False

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, ondelete="cascade", index=True
    )
    row = fields.Integer(readonly=True, help="Its place in the file, from 1.")
    name = fields.Char()
    phone = fields.Char(help="As it was given.")
    phone_sanitized = fields.Char(
        readonly=True, index="btree_not_null", help="E.164, empty if it is not valid."
    )
    country_guessed = fields.Boolean(readonly=True)
    values = fields.Json(help='For variables, by column: {"city": "Lima"}.')
