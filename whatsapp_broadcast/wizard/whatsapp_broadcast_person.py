from odoo import api, fields, models


class WhatsappBroadcastPerson(models.TransientModel):
    """Shows what is kept of a person, before it is exported or erased."""

    _name = "whatsapp.broadcast.person"
    _description = "WhatsApp Data of a Person"

    lead_id = fields.Many2one("crm.lead", readonly=True, ondelete="cascade")
    partner_id = fields.Many2one("res.partner", readonly=True, ondelete="cascade")
    contact_id = fields.Many2one(
        "whatsapp.broadcast.contact", readonly=True, ondelete="set null"
    )
    names = fields.Char("Known as", compute="_compute_counts")
    contact_count = fields.Integer("Numbers That Know Them", compute="_compute_counts")
    consent_count = fields.Integer("Consents and Opt-outs", compute="_compute_counts")
    recipient_count = fields.Integer(
        "Messages of Broadcasts", compute="_compute_counts"
    )
    message_count = fields.Integer("Other Messages", compute="_compute_counts")

    @api.depends("lead_id", "partner_id", "contact_id")
    def _compute_counts(self):
        for person in self:
            found = person._subject()._whatsapp_find_all()
            person.names = ", ".join(found.names)
            person.contact_count = len(found.contacts)
            person.consent_count = len(found.consents)
            person.recipient_count = len(found.recipients)
            person.message_count = len(found.messages)

    def _subject(self):
        return self.lead_id or self.partner_id or self.contact_id

    def action_export(self):
        """Download what is kept."""
        self.ensure_one()
        return self._subject().action_export_person()

    def action_erase(self):
        """Erase what is kept."""
        self.ensure_one()
        self._subject().action_erase_person()
        return {"type": "ir.actions.client", "tag": "soft_reload"}
