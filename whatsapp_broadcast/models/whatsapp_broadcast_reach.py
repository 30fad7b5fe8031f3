from odoo import api, fields, models

from ..engine import queries


class WhatsappBroadcastReach(models.Model):
    """A person whom a business portfolio reached; see ``engine.queries.places``.

    ``portfolio`` is the id of the portfolio's first account: the provider's limit of
    people in 24 hours belongs to all accounts of a portfolio together. The row that
    reached the person is either ``recipient_id`` or ``message_id``.
    """

    _name = "whatsapp.broadcast.reach"
    _description = "Person Reached by WhatsApp"
    _log_access = False

    portfolio = fields.Integer(required=True)
    number_id = fields.Many2one(
        "whatsapp.broadcast.number", required=True, ondelete="cascade"
    )
    address = fields.Char(required=True)
    at = fields.Datetime(required=True)
    recipient_id = fields.Integer()
    message_id = fields.Integer()

    _address_unique = models.UniqueIndex("(portfolio, address)")
    _at_index = models.Index("(portfolio, at)")
    _number_index = models.Index("(number_id, at)")
    _recipient_index = models.Index("(recipient_id)")
    _message_index = models.Index("(message_id) WHERE message_id IS NOT NULL")

    @api.autovacuum
    def _gc_reach(self):
        """Forget in small steps whom no limit counts any more."""
        self.env.cr.execute(queries.PURGE_PLACES, {"limit": 10_000})
        done = self.env.cr.rowcount
        return done, done == 10_000
