from odoo import fields, models


class WhatsappBroadcastPace(models.Model):
    """When the next send slot of a limit begins. Read and written by the engine only.

    ``kind`` and ``key``: number, broadcast, portfolio (its first account) or warm_up (a
    number) and its id; or ``merge`` and 0 (how often the merge is woken), ``heartbeat``
    and 0 (when this database was last seen alive).
    """

    _name = "whatsapp.broadcast.pace"
    _description = "WhatsApp Send Pace"
    _log_access = False

    kind = fields.Char(required=True)
    key = fields.Integer(required=True)
    next_slot_at = fields.Datetime(required=True)
    factor = fields.Float(
        help="Share of its rate that a number used when it last was too fast."
    )
    slowed_at = fields.Datetime(help="When it last was too fast.")
    used = fields.Integer(default=0, help="Places of people that are in use.")
    counted_at = fields.Datetime(help="When the places were last counted anew.")

    _kind_key_unique = models.Constraint("UNIQUE (kind, key)", "One pace per limit.")
