from odoo import api, fields, models

PURPOSES = [("marketing", "Marketing"), ("all", "All broadcasts")]

#: Who said it, and how.
CHANNELS = [
    ("keyword", "Word in a message"),
    ("button", "Button of a template"),
    ("preference", "WhatsApp's own setting"),
    ("person", "Entered by a person"),
    ("import", "Import"),
    ("form", "Form"),
    ("api", "Another system"),
]


class WhatsappBroadcastConsent(models.Model):
    """What a person said about being written to: a log that nothing changes.

    Opt-outs that are in force now are ``whatsapp.broadcast.optout``.
    """

    _name = "whatsapp.broadcast.consent"
    _description = "WhatsApp Consent"
    _order = "at desc, id desc"
    _log_access = False

    company_id = fields.Many2one(
        "res.company", ondelete="cascade", readonly=True, help="Empty: all companies."
    )
    address = fields.Char(
        required=True, readonly=True, help="E.164 phone, else the user id."
    )
    lead_id = fields.Many2one(
        "crm.lead", ondelete="set null", readonly=True, index="btree_not_null"
    )
    partner_id = fields.Many2one(
        "res.partner", ondelete="set null", readonly=True, index="btree_not_null"
    )
    kind = fields.Selection(
        [
            ("opt_in", "Opted in"),
            ("withdrawal", "Withdrew the consent"),
            ("opt_out", "Opted out"),
            ("resume", "Took the opt-out back"),
        ],
        required=True,
        readonly=True,
    )
    purpose = fields.Selection(PURPOSES, required=True, readonly=True)
    channel = fields.Selection(CHANNELS, required=True, readonly=True)
    at = fields.Datetime("Said at", required=True, readonly=True)
    recorded_at = fields.Datetime(readonly=True)
    user_id = fields.Many2one(
        "res.users", "Entered by", ondelete="set null", readonly=True
    )
    wording = fields.Text(readonly=True, help="What the person read, or said.")
    evidence = fields.Char(
        readonly=True, help="Where it can be proven: a form's address, a message's id."
    )

    blacklisted = fields.Char(
        readonly=True, help="The phone that it put on the phone blacklist."
    )

    #: A delivery that comes twice says nothing new.
    _said_unique = models.UniqueIndex(
        "(address, at, kind, channel, COALESCE(company_id, 0))",
        "This was recorded already.",
    )

    @api.depends("address", "kind")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for consent in self:
            consent.display_name = f"{consent.address}: {kinds[consent.kind]}"

    def _link_person(self, lead, partner):
        """Keep whose words they are."""
        self.sudo().write({"lead_id": lead.id, "partner_id": partner.id})

    def _follow_blacklist(self, phone):
        """Put a phone on Odoo's blacklist for STOP, where the company wants it.

        START takes off only what STOP put there.
        """
        blacklist = self.env["phone.blacklist"].sudo()
        for consent in self.sudo().filtered(lambda c: c.channel == "keyword" and phone):
            scope = consent.company_id.whatsapp_stop_scope
            if consent.kind == "opt_out" and scope == "blacklist":
                if not blacklist.search_count([("number", "=", phone)]):
                    blacklist._add([phone])
                    consent.blacklisted = phone
            elif consent.kind == "resume":
                consent._undo_blacklist()

    def _undo_blacklist(self):
        earlier = self.search(
            [
                ("address", "=", self.address),
                ("company_id", "=", self.company_id.id),
                ("blacklisted", "!=", False),
                ("at", "<", self.at),
            ]
        )
        if earlier:
            self.env["phone.blacklist"].sudo()._remove(earlier.mapped("blacklisted"))
            earlier.blacklisted = False
