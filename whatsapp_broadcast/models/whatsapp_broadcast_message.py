from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

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

    # === INBOX === #

    is_readable = fields.Boolean(
        compute="_compute_is_readable",
        search="_search_is_readable",
        help="The user may read its lead or, without one, its partner.",
    )
    is_latest = fields.Boolean(
        compute="_compute_is_latest",
        search="_search_is_latest",
        help="Nothing came in from this person since.",
    )
    is_answered = fields.Boolean(
        compute="_compute_is_answered",
        search="_search_is_answered",
        help="Somebody wrote to this person since.",
    )

    @api.depends("lead_id", "partner_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_readable(self):
        # Rules are checked as superuser.
        messages = self.sudo(False)
        leads = messages._readable("crm.lead")
        partners = messages._readable("res.partner")
        for message in self:
            message_sudo = message.sudo()
            owner = message_sudo.lead_id or message_sudo.partner_id
            message.is_readable = owner.id in (
                leads if message_sudo.lead_id else partners
            )

    def _readable(self, model):
        name = "lead_id" if model == "crm.lead" else "partner_id"
        records = self.env[model].browse(self.sudo()[name].ids)
        return set(records._filtered_access("read").ids)

    def _search_is_readable(self, operator, value):
        if operator != "in":
            return NotImplemented
        leads, partners = (
            self.sudo(False).env[model].with_context(active_test=False)
            for model in ("crm.lead", "res.partner")
        )
        domain = Domain.FALSE
        if leads.has_access("read"):
            domain |= Domain("lead_id", "in", leads._search([]))
        if partners.has_access("read"):
            domain |= Domain("lead_id", "=", False) & Domain(
                "partner_id", "in", partners._search([])
            )
        return domain if True in value else ~domain

    @api.depends("contact_id")
    def _compute_is_latest(self):
        latest = self.search([("id", "in", self.ids), ("is_latest", "=", True)])
        for message in self:
            message.is_latest = message in latest

    def _search_is_latest(self, operator, value):
        return self._search_ids(operator, value, queries.LATEST_MESSAGES)

    @api.depends("contact_id")
    def _compute_is_answered(self):
        answered = self.search([("id", "in", self.ids), ("is_answered", "=", True)])
        for message in self:
            message.is_answered = message in answered

    def _search_is_answered(self, operator, value):
        return self._search_ids(operator, value, queries.ANSWERED_MESSAGES)

    @api.model
    def _search_ids(self, operator, value, query):
        if operator != "in":
            return NotImplemented
        self.flush_model()
        return [("id", "in" if True in value else "not in", SQL(f"({query})"))]

    def action_open_conversation(self):
        """Open the conversation that the message belongs to, else the message."""
        self.ensure_one()
        self.check_access("read")
        record = self.lead_id or self.partner_id
        if record and record.has_access("read"):
            return record.action_whatsapp_conversation()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
        }

    def action_create_lead(self):
        """Make a lead of who wrote, which gets all that this person wrote; open it.

        :raise UserError: if the message went out
        """
        self.ensure_one()
        self.check_access("read")
        if self.direction != "in":
            raise UserError(self.env._("Choose a message that came in."))
        self.lock_for_update()
        lead = self.lead_id or self._create_lead()
        return {
            "type": "ir.actions.act_window",
            "res_model": "crm.lead",
            "res_id": lead.id,
            "views": [(False, "form")],
        }

    def _create_lead(self):
        self.env["crm.lead"].check_access("create")
        lead = self.sudo()._make_lead(self.env.user)
        contact_sudo = self.sudo().contact_id
        contact_sudo.lead_id = lead
        self.flush_model()
        values = {
            "id": self.id,
            "contact_id": contact_sudo.id or None,
            "lead_id": lead.id,
            "partner_id": lead.partner_id.id or None,
        }
        self.env.cr.execute(queries.GIVE_TO_LEAD, values)
        self.invalidate_model()
        self.env["whatsapp.broadcast.recipient"].invalidate_model()
        return lead

    def _notify_conversation(self):
        """Tell the browsers that show the conversation to read it again."""
        for message in self.sudo():
            lead, partner = message.lead_id, message.partner_id
            for record in filter(None, (lead, partner or lead.partner_id)):
                self.env["bus.bus"]._sendone(
                    (record, "whatsapp_broadcast"),
                    "whatsapp_broadcast/message",
                    {"lead_id": lead.id, "partner_id": partner.id},
                )

    # === OUT === #

    @api.depends("profile_name", "phone", "user_ref")
    def _compute_display_name(self):
        for message in self:
            message.display_name = (
                message.profile_name or message.phone or message.user_ref or ""
            )

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
