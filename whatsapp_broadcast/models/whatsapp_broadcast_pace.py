from odoo import fields, models


class WhatsappBroadcastPace(models.Model):
    """When the next send slot of a limit begins. Read and written by the engine only.

    ``kind`` and ``key``: number and its id, broadcast and its id, or ``merge`` and 0
    (how often the merge is woken).
    """

    _name = "whatsapp.broadcast.pace"
    _description = "WhatsApp Send Pace"
    _log_access = False

    kind = fields.Char(required=True)
    key = fields.Integer(required=True)
    next_slot_at = fields.Datetime(required=True)

    _kind_key_unique = models.Constraint("UNIQUE (kind, key)", "One pace per limit.")
