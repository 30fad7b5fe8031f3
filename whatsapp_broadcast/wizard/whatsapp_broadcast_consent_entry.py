from odoo import api, fields, models

from ..models.whatsapp_broadcast_consent import PURPOSES
from ..models.whatsapp_broadcast_permission import PERMISSIONS


class WhatsappBroadcastConsentEntry(models.TransientModel):
    """Asks what a person said about being written to."""

    _name = "whatsapp.broadcast.consent.entry"
    _description = "Record a WhatsApp Consent"

    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", readonly=True, ondelete="cascade")
    phone = fields.Char(compute="_compute_present")
    permission = fields.Selection(PERMISSIONS, compute="_compute_present")
    permission_note = fields.Char(compute="_compute_present")
    kind = fields.Selection(
        [
            ("opt_in", "Consents"),
            ("opt_out", "Wants no more messages"),
            ("withdrawal", "Withdraws the consent"),
            ("resume", "Takes the opt-out back"),
        ],
        "The Person",
        required=True,
        default="opt_out",
    )
    purpose = fields.Selection(PURPOSES, required=True, default="marketing")
    at = fields.Datetime("Said at", required=True, default=fields.Datetime.now)
    wording = fields.Text(help="What the person read and agreed to, or said.")
    evidence = fields.Char(help="Where it can be proven: a form's address, a file.")

    @api.depends("lead_id", "partner_id")
    def _compute_present(self):
        for entry in self:
            person = entry.lead_id or entry.partner_id
            entry.phone = person.phone_sanitized
            entry.permission = person.whatsapp_permission
            entry.permission_note = person.whatsapp_permission_note

    def action_record(self):
        """Record what was said, and close."""
        self.ensure_one()
        self.env["whatsapp.broadcast.consent"].record_consent(
            self.kind,
            purpose=self.purpose,
            lead_id=self.lead_id.id,
            partner_id=not self.lead_id and self.partner_id.id,
            channel="person",
            at=self.at,
            wording=self.wording or "",
            evidence=self.evidence or "",
        )
        return {"type": "ir.actions.act_window_close"}
