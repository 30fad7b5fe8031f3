from odoo import api, fields, models

from ..engine import queries
from .loose_many2one import LooseMany2one

#: Templates and media go out; what comes in has Meta's types.
MESSAGE_TYPES = [
    ("template", "Template"),
    ("media", "Media"),
    ("text", "Text"),
    ("image", "Image"),
    ("video", "Video"),
    ("audio", "Audio"),
    ("document", "Document"),
    ("sticker", "Sticker"),
    ("location", "Location"),
    ("contacts", "Contacts"),
    ("button", "Button"),
    ("interactive", "Choice"),
    ("order", "Order"),
    ("reaction", "Reaction"),
    ("edit", "Edit"),
    ("revoke", "Taken back"),
    ("system", "Notice"),
    ("unsupported", "Not supported"),
    ("other", "Other"),
]


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
        help="Which it tests, or answers.",
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
    contact_id = fields.Many2one(
        "whatsapp.broadcast.contact",
        ondelete="set null",
        readonly=True,
        index="btree_not_null",
    )
    state = fields.Selection(
        selection_add=[("received", "Received")], ondelete={"received": "cascade"}
    )
    message_type = fields.Selection(MESSAGE_TYPES, required=True, readonly=True)
    received_at = fields.Datetime(readonly=True)
    profile_name = fields.Char(readonly=True, help="As the person calls himself.")
    payload = fields.Char(readonly=True, help="What a button carries.")
    details = fields.Json(readonly=True)
    context_message_id = fields.Char(
        "In Reply to", readonly=True, help="The provider's id of that message."
    )
    media_kind = fields.Char(readonly=True)
    media_id = fields.Char("Media ID", readonly=True)
    media_link = fields.Char("Media URL", readonly=True)
    media_caption = fields.Text(readonly=True)
    media_filename = fields.Char(readonly=True)
    media_mimetype = fields.Char("Media Type", readonly=True)
    media_sha256 = fields.Char("Media SHA-256", readonly=True)
    media_state = fields.Selection(
        [
            ("pending", "To be fetched"),
            ("stored", "Stored"),
            ("gone", "Not available"),
        ],
        readonly=True,
    )
    media_attempt_count = fields.Integer(readonly=True)
    attachment_id = fields.Many2one(
        "ir.attachment", ondelete="set null", readonly=True, index="btree_not_null"
    )
    seen_at = fields.Datetime(
        readonly=True, help="When somebody here read it; the person sees that."
    )
    seen_is_told = fields.Boolean(readonly=True)
    is_confirmation = fields.Boolean(
        readonly=True, help="Tells the person that the opt-out is in force."
    )
    is_told = fields.Boolean(
        readonly=True,
        help="Whoever sent it knows that it did not go out; somebody knows that it "
        "came in.",
    )
    needs_attention = fields.Boolean(
        readonly=True, help="Something is to be done after it came in."
    )
    attend_at = fields.Datetime(readonly=True, help="Not before.")

    _claim_index = models.Index("(number_id, due_at, id) WHERE due_at IS NOT NULL")
    _lease_index = models.Index("(lease_until) WHERE lease_until IS NOT NULL")
    _address_index = models.Index("(number_id, address)")
    _message_index = models.Index(
        "(provider_message_id) WHERE provider_message_id IS NOT NULL"
    )
    # The provider repeats a delivery as it was. What comes under the same id as another
    # type is something else: the file of a message that a history only announced.
    _received_unique = models.UniqueIndex(
        "(number_id, provider_message_id, message_type, received_at)"
        " WHERE received_at IS NOT NULL",
        "This message came in already.",
    )
    _attention_index = models.Index("(id) WHERE needs_attention")
    _receipt_index = models.Index(
        "(id) WHERE seen_at IS NOT NULL AND seen_is_told IS NOT TRUE"
    )
    _context_index = models.Index(
        "(context_message_id) WHERE context_message_id IS NOT NULL"
    )
    _failed_index = models.Index(
        "(id) WHERE failed_at IS NOT NULL AND is_told IS NOT TRUE"
    )

    @api.depends("phone", "user_ref")
    def _compute_display_name(self):
        for message in self:
            message.display_name = message.phone or message.user_ref or ""

    def action_open_events(self):
        """List the webhook deliveries that name it; for administrators."""
        return self._open_events()

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
