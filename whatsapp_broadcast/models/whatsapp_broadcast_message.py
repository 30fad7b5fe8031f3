from odoo import api, fields, models

from ..engine import queries
from .loose_many2one import LooseMany2one


class WhatsappBroadcastMessage(models.Model):
    """One inbound message, or one single message out: a test, a reply.

    What goes out passes the engine before any broadcast's rows. It holds all that is
    sent, so that no later change of a broadcast or an audience touches it.
    """

    _name = "whatsapp.broadcast.message"
    _description = "WhatsApp Message"
    _inherit = ["whatsapp.broadcast.outgoing"]
    _order = "id desc"
    _log_access = True

    direction = fields.Selection(
        [("in", "In"), ("out", "Out")], required=True, readonly=True
    )
    # Unlike a recipient's, these rows are few, and outlive what they name.
    company_id = fields.Many2one("res.company", ondelete="cascade", readonly=True)
    account_id = fields.Many2one(
        "whatsapp.broadcast.account", required=True, ondelete="cascade", readonly=True
    )
    number_id = fields.Many2one(
        "whatsapp.broadcast.number", required=True, ondelete="cascade", readonly=True
    )
    template_id = fields.Many2one(
        "whatsapp.broadcast.template", ondelete="set null", readonly=True
    )
    user_id = fields.Many2one(
        "res.users",
        "Sent by",
        ondelete="set null",
        readonly=True,
        index="btree_not_null",
    )
    broadcast_id = fields.Many2one(
        "whatsapp.broadcast",
        "Test of",
        ondelete="set null",
        readonly=True,
        index="btree_not_null",
    )
    # Recipients that got a message are never deleted, and a key would slow down the
    # deletion of the others.
    recipient_id = LooseMany2one(
        "whatsapp.broadcast.recipient", "Reply to", readonly=True
    )
    lead_id = fields.Many2one(
        "crm.lead", ondelete="set null", readonly=True, index="btree_not_null"
    )
    partner_id = fields.Many2one(
        "res.partner", ondelete="set null", readonly=True, index="btree_not_null"
    )
    message_type = fields.Selection(
        [("template", "Template"), ("text", "Text"), ("media", "Media")],
        required=True,
        readonly=True,
    )
    media_kind = fields.Char(readonly=True)
    media_id = fields.Char("Media ID", readonly=True)
    media_link = fields.Char("Media URL", readonly=True)
    media_caption = fields.Text(readonly=True)
    media_filename = fields.Char(readonly=True)
    is_told = fields.Boolean(
        readonly=True, help="Whoever sent it knows that it did not go out."
    )

    _claim_index = models.Index("(number_id, due_at, id) WHERE due_at IS NOT NULL")
    _lease_index = models.Index("(lease_until) WHERE lease_until IS NOT NULL")
    _address_index = models.Index("(number_id, address)")
    _message_index = models.Index(
        "(provider_message_id) WHERE provider_message_id IS NOT NULL"
    )
    _failed_index = models.Index(
        "(id) WHERE failed_at IS NOT NULL AND is_told IS NOT TRUE"
    )

    @api.depends("phone", "user_ref")
    def _compute_display_name(self):
        for message in self:
            message.display_name = message.phone or message.user_ref or ""

    @api.model
    def _tell_failures(self):
        """Tell whoever sent it of each message that failed or was left out."""
        self.env.cr.execute(queries.FAILURES_TO_TELL)
        failures = self.browse(id_ for (id_,) in self.env.cr.fetchall())
        for message in failures:
            message.with_context(lang=message.user_id.lang)._tell_failure()
        failures.is_told = True

    def _tell_failure(self):
        reasons = dict(self._fields["skip_reason"]._description_selection(self.env))
        words = (reasons.get(self.skip_reason), self.error_message, self.advice)
        self.user_id._bus_send(
            "simple_notification",
            {
                "type": "danger",
                "sticky": True,
                "title": self.env._("Not sent to %s", self.phone),
                "message": "\n".join(filter(None, words)),
            },
        )
