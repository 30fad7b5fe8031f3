from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import queries
from .loose_many2one import LooseMany2one

#: Error classes after which the same message may go out to the same person later.
RETRYABLE_CLASSES = ("retry", "throttle", "pair", "later", "template", "number")


class WhatsappBroadcastRecipient(models.Model):
    _name = "whatsapp.broadcast.recipient"
    _description = "WhatsApp Broadcast Recipient"
    _inherit = ["whatsapp.broadcast.outgoing"]
    _order = "id"
    _log_access = False

    broadcast_id = LooseMany2one("whatsapp.broadcast", required=True, readonly=True)
    lead_id = fields.Many2one(
        "crm.lead",
        ondelete="set null",
        readonly=True,
        index="btree_not_null",
    )
    partner_id = fields.Many2one(
        "res.partner",
        ondelete="set null",
        readonly=True,
        index="btree_not_null",
    )
    name = fields.Char(readonly=True, help="Of a phone number that is no record's.")
    country_guessed = fields.Boolean(
        readonly=True, help="The number has no country but the company's."
    )
    timezones = fields.Char(
        "Time Zones",
        readonly=True,
        help="Where its hours of sending must be open; empty: the company's.",
    )
    consent_id = LooseMany2one(
        "whatsapp.broadcast.consent",
        readonly=True,
        help="The consent to marketing that the message relied on.",
    )
    variant = fields.Char(readonly=True)
    replied_at = fields.Datetime(readonly=True)
    clicked_at = fields.Datetime(readonly=True)
    attempt_ids = fields.One2many("whatsapp.broadcast.attempt", "recipient_id")

    _address_unique = models.Constraint(
        "UNIQUE (broadcast_id, address)",
        "Nobody gets the same broadcast twice.",
    )
    # What was sent to a person of late, by any broadcast. A token comes and changes
    # with claims, which the index on due_at keeps from being heap-only anyway.
    _sent_index = models.Index("(company_id, address) WHERE token IS NOT NULL")
    _claim_index = models.Index("(broadcast_id, due_at, id) WHERE due_at IS NOT NULL")
    _lease_index = models.Index("(lease_until) WHERE lease_until IS NOT NULL")
    _user_ref_index = models.Index("(account_id, user_ref) WHERE user_ref IS NOT NULL")
    _message_index = models.Index(
        "(provider_message_id) WHERE provider_message_id IS NOT NULL"
    )

    def init(self):
        self.env.cr.execute(queries.TUNE_RECIPIENT_TABLE)
        self.env.cr.execute(queries.CREATE_COUNTER_TRIGGER)

    @api.depends("lead_id", "partner_id", "name", "phone")
    def _compute_display_name(self):
        # The name stays when the lead goes to somebody else, as many2ones have it.
        for recipient in self:
            recipient_sudo = recipient.sudo()
            record = recipient_sudo.lead_id or recipient_sudo.partner_id
            recipient.display_name = (
                record.display_name or recipient.name or recipient.phone or ""
            )

    def _advice_on_doubt(self):
        return self.env._(
            "It may have arrived. Nothing is sent again by itself: treat it as sent, "
            "or send it again."
        )

    def action_open_events(self):
        """List the webhook deliveries that name it; for administrators."""
        return self._open_events()

    def _names_in_events(self):
        earlier = self.attempt_ids
        return [
            *super()._names_in_events(),
            *earlier.mapped("provider_message_id"),
            *earlier.mapped("token"),
        ]

    # === DECISIONS OF A PERSON === #

    def action_treat_as_sent(self):
        """Settle unknown rows as accepted; logged as a decision of this user."""
        self._check_decidable()
        self._keep_attempts("treated_as_sent")
        self._execute_on_ids(queries.TREAT_AS_SENT)
        return True

    def action_send_again(self):
        """Queue unknown rows again; the earlier try is kept and still listened to."""
        for broadcast in self.broadcast_id:
            broadcast._lock_for_action(
                ("sending", "paused", "done"), self.env._("sent again")
            )
        self._check_decidable()
        self._keep_attempts("unknown")
        self._execute_on_ids(queries.REQUEUE)
        self.broadcast_id._reopen()
        return True

    def _check_decidable(self):
        self.check_access("read")
        self.broadcast_id.check_access("write")
        if any(recipient.state != "unknown" for recipient in self):
            raise UserError(self.env._("Only rows in state Unknown need a decision."))
        self.lock_for_update()

    @api.model
    def _retry_failed(self, broadcast):
        """Queue a broadcast's failed rows again where their error allows it."""
        self.flush_model()
        self.env.cr.execute(
            queries.RETRYABLE,
            {"broadcast_id": broadcast.id, "classes": list(RETRYABLE_CLASSES)},
        )
        retryable = self.browse(id_ for (id_,) in self.env.cr.fetchall())
        retryable._keep_attempts("failed")
        retryable._execute_on_ids(queries.REQUEUE)
        return retryable

    def _keep_attempts(self, result):
        values = {"result": result, "user_id": self.env.uid}
        self._execute_on_ids(queries.KEEP_ATTEMPTS, **values)
        self.env["whatsapp.broadcast.attempt"].invalidate_model()

    def _execute_on_ids(self, query, **values):
        self.flush_recordset()
        self.env.cr.execute(query, {"ids": self.ids, **values})
        self.invalidate_recordset()
