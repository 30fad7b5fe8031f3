from odoo import api, fields, models
from odoo.fields import Domain

from ..engine.addresses import canonical

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

    What is in force of it now is ``whatsapp.broadcast.choice``.
    """

    _name = "whatsapp.broadcast.consent"
    _description = "WhatsApp Consent"
    _order = "at desc, id desc"
    _log_access = False

    company_id = fields.Many2one(
        "res.company", ondelete="cascade", readonly=True, help="Empty: all companies."
    )
    address = fields.Char(
        required=True, readonly=True, help="A phone by its key, or a user id."
    )
    phone = fields.Char(compute="_compute_phone", search="_search_phone")
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
    is_readable = fields.Boolean(
        compute="_compute_is_readable",
        search="_search_is_readable",
        help="The user may read its lead or its partner.",
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

    @api.depends("address")
    def _compute_phone(self):
        for consent in self:
            is_phone = (consent.address or "").startswith("+")
            consent.phone = is_phone and consent.address

    @api.model
    def _search_phone(self, operator, value):
        return domain_of_phone(self, operator, value)

    # === WHO MAY READ IT === #

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_readable(self):
        readable = self.search([("id", "in", self.ids), ("is_readable", "=", True)])
        for consent in self:
            consent.is_readable = consent in readable

    @api.model
    def _search_is_readable(self, operator, value):
        if operator != "in":
            return NotImplemented
        domain = Domain.FALSE
        for name in ("lead_id", "partner_id"):
            # Rules are evaluated as superuser, and ask what the user may read.
            records = self.sudo(False).env[self._fields[name].comodel_name]
            if records.has_access("read"):
                ids = records.with_context(active_test=False)._search([])
                domain |= Domain(name, "in", ids)
        return domain if True in value else ~domain

    # === WHAT FOLLOWS FROM IT === #

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


def domain_of_phone(model, operator, value):
    """Return a domain on ``address`` by a phone, however it is written, or a part."""
    if operator in ("in", "not in"):
        found = Domain.OR(_domain_of(model, text) for text in value if text)
        return found if operator == "in" else ~found
    if operator not in ("ilike", "like", "=ilike", "=like"):
        return NotImplemented
    return _domain_of(model, value) if value else Domain.TRUE


def _domain_of(model, text):
    formatted = model._phone_format(number=text.strip())
    if formatted:
        return Domain("address", "=", canonical(formatted))
    digits = "".join(filter(str.isdigit, text))
    is_part = len(digits) >= 3 and not any(map(str.isalpha, text))
    return Domain("address", "ilike", digits if is_part else text.strip())
