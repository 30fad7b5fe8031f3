from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools import SQL, format_date

from ..engine import queries

PERMISSIONS = [
    ("none", "Nothing was said"),
    ("opted_in", "Consents to marketing"),
    ("opted_out_marketing", "Opted out of marketing"),
    ("opted_out", "Opted out"),
]

#: Column of an import → what it records: (kind, purpose).
IMPORTED = {
    "opt_in": ("opt_in", "marketing"),
    "opt_out_marketing": ("opt_out", "marketing"),
    "opt_out": ("opt_out", "all"),
}
_COLUMNS = ("", "_at", "_wording", "_evidence")
#: Of all columns that an import has: they are read together.
_INVERSE = "_inverse_whatsapp_consent"


class WhatsappBroadcastPermission(models.AbstractModel):
    """What the owner of a record's phone said about being written to.

    Every lead and contact that shares the phone shows it: it belongs to the person.
    """

    _name = "whatsapp.broadcast.permission"
    _description = "WhatsApp Permission"

    whatsapp_permission = fields.Selection(
        PERMISSIONS,
        "WhatsApp",
        compute="_compute_whatsapp_permission",
        search="_search_whatsapp_permission",
        groups="whatsapp_broadcast.group_user",
    )
    whatsapp_permission_note = fields.Char(
        "Said on WhatsApp",
        compute="_compute_whatsapp_permission",
        groups="whatsapp_broadcast.group_user",
    )
    whatsapp_consent = fields.Selection(
        [
            ("opt_in", "Consent to marketing"),
            ("opt_out_marketing", "Opt-out of marketing"),
            ("opt_out", "Opt-out of all"),
        ],
        "WhatsApp Consent",
        store=False,
        inverse=_INVERSE,
        groups="whatsapp_broadcast.group_user",
        help="For imports: opt_in, opt_out_marketing or opt_out, recorded for the "
        "phone of the same row. Empty: nothing is recorded. An opt-out is never taken "
        "back by an import, and goes before any consent.",
    )
    whatsapp_consent_at = fields.Datetime(
        "WhatsApp Consent: Said at",
        store=False,
        inverse=_INVERSE,
        groups="whatsapp_broadcast.group_user",
        help="For imports; empty: now.",
    )
    whatsapp_consent_wording = fields.Char(
        "WhatsApp Consent: Wording",
        store=False,
        inverse=_INVERSE,
        groups="whatsapp_broadcast.group_user",
        help="For imports: what the person read and agreed to.",
    )
    whatsapp_consent_evidence = fields.Char(
        "WhatsApp Consent: Evidence",
        store=False,
        inverse=_INVERSE,
        groups="whatsapp_broadcast.group_user",
        help="For imports: where it can be proven, such as a form's address.",
    )

    # === WHAT IS IN FORCE === #

    @api.depends("phone_sanitized")
    @api.depends_context("company", "lang", "tz")
    def _compute_whatsapp_permission(self):
        found = self._whatsapp_choices()
        for position, record in enumerate(self):
            choice = found.get(position)
            record.whatsapp_permission = choice[0] if choice else "none"
            record.whatsapp_permission_note = choice and self._whatsapp_note(
                *choice[1:]
            )

    def _whatsapp_choices(self):
        """Return {position: (permission, kind, purpose, channel, since, user id)}."""
        self.env["whatsapp.broadcast.choice"].flush_model()
        self.env["phone.blacklist"].flush_model()
        self.env.cr.execute(
            queries.PERMISSIONS,
            {
                "positions": list(range(len(self))),
                "phones": [record.phone_sanitized or None for record in self],
                "company_ids": [
                    (record.company_id or self.env.company).id for record in self
                ],
            },
        )
        names = {
            ("opt_in", "marketing"): "opted_in",
            ("opt_in", "all"): "opted_in",
            ("opt_out", "marketing"): "opted_out_marketing",
            ("opt_out", "all"): "opted_out",
        }
        return {
            position: (names[kind, purpose], kind, purpose, *said)
            for position, kind, purpose, *said in self.env.cr.fetchall()
        }

    @api.model
    def _whatsapp_note(self, kind, purpose, channel, since, user_id):
        """Say what was said, when, how and by whom."""
        if channel == "blacklist":
            return self.env._("The phone is on the phone blacklist.")
        since = fields.Datetime.context_timestamp(self, since)
        channels = self.env["whatsapp.broadcast.choice"]._fields["channel"]
        values = {
            "what": self._whatsapp_words()[kind, purpose],
            "date": format_date(self.env, since),
            "how": dict(channels._description_selection(self.env))[channel],
        }
        user = self.env["res.users"].sudo().browse(user_id)
        if not user:
            return self.env._("%(what)s since %(date)s: %(how)s.", **values)
        return self.env._(
            "%(what)s since %(date)s: %(how)s (%(user)s).", user=user.name, **values
        )

    @api.model
    def _whatsapp_words(self):
        return {
            ("opt_in", "marketing"): self.env._("Consents to marketing"),
            ("opt_in", "all"): self.env._("Consents to all broadcasts"),
            ("opt_out", "marketing"): self.env._("Opted out of marketing"),
            ("opt_out", "all"): self.env._("Opted out of all broadcasts"),
        }

    @api.model
    def _search_whatsapp_permission(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            self._whatsapp_domain(company, set(value)) for company in self.env.companies
        )

    @api.model
    def _whatsapp_domain(self, company, permissions):
        """Return the domain of a company's records that have one of ``permissions``."""
        everything = _phone_in(queries.BLACKLISTED_PHONES) | _phone_in(
            queries.PHONES_THAT_CHOSE,
            kind="opt_out",
            purposes=["all"],
            company_id=company.id,
        )
        marketing, consent = (
            _phone_in(
                queries.PHONES_THAT_CHOSE,
                kind=kind,
                purposes=["marketing", "all"],
                company_id=company.id,
            )
            for kind in ("opt_out", "opt_in")
        )
        domains = {
            "opted_out": everything,
            "opted_out_marketing": marketing & ~everything,
            "opted_in": consent & ~marketing & ~everything,
            "none": ~consent & ~marketing & ~everything,
        }
        own = [company.id, False] if company == self.env.company else [company.id]
        wanted = Domain.OR(domains[name] for name in permissions if name in domains)
        return Domain("company_id", "in", own) & wanted

    # === IMPORT === #

    def _inverse_whatsapp_consent(self):
        """Record what a row says, which is nowhere else; see the help of the fields."""
        consents = self.env["whatsapp.broadcast.consent"]
        wishes = [r._whatsapp_wish() for r in self if r._whatsapp_says_something()]
        if wishes:
            consents._check_user()
            consents._record_later(wishes)
        self.invalidate_recordset([f"whatsapp_consent{n}" for n in _COLUMNS], False)

    def _whatsapp_says_something(self):
        told = (
            self.whatsapp_consent_at
            or self.whatsapp_consent_wording
            or self.whatsapp_consent_evidence
        )
        if told and not self.whatsapp_consent:
            raise ValidationError(
                self.env._(
                    "Say in column WhatsApp Consent what was said: %s.",
                    ", ".join(IMPORTED),
                )
            )
        return bool(self.whatsapp_consent)

    def _whatsapp_wish(self):
        consents = self.env["whatsapp.broadcast.consent"]
        kind, purpose = IMPORTED[self.whatsapp_consent]
        is_import = "import_file" in self.env.context
        values = {
            "kind": kind,
            "purpose": purpose,
            "channel": "import" if is_import else "person",
            "at": consents._check_time(self.whatsapp_consent_at),
            "wording": (self.whatsapp_consent_wording or "").strip(),
            "evidence": (self.whatsapp_consent_evidence or "").strip(),
        }
        consents._check_proof(values)
        return consents._wish(**values, **consents._person_of(self))

    # === ACTIONS === #

    def action_whatsapp_consent(self):
        """Open the question what this person said."""
        self.ensure_one()
        self.check_access("read")
        self.env["whatsapp.broadcast.consent"]._check_user()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("What Did They Say?"),
            "res_model": "whatsapp.broadcast.consent.entry",
            "view_mode": "form",
            "target": "new",
            "context": {f"default_{self._whatsapp_link()}": self.id},
        }

    def action_whatsapp_consents(self):
        """Open the log of what this person said."""
        self.ensure_one()
        self.check_access("read")
        consents = self.env["whatsapp.broadcast.consent"]
        consents._check_user()
        domain = Domain(self._whatsapp_link(), "=", self.id)
        if self.phone_sanitized:
            address = consents._person_of(self)["address"]
            names = consents._all_names({address})[address]
            domain |= Domain("address", "in", names)
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_consent_action"
        )
        return {**action, "domain": list(domain), "context": {}}

    @api.model
    def _whatsapp_link(self):
        """Return the field that names a record of this model elsewhere."""
        return "lead_id" if self._name == "crm.lead" else "partner_id"


class CrmLead(models.Model):
    _name = "crm.lead"
    _inherit = ["crm.lead", "whatsapp.broadcast.permission"]


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "whatsapp.broadcast.permission"]


def _phone_in(query, **values):
    """Return the domain of records whose phone a query knows."""
    return Domain.custom(
        to_sql=lambda model, alias, _query: SQL(
            "COALESCE(%s IN (%s), FALSE)",
            SQL.identifier(alias, "phone_sanitized"),
            SQL(query, **values),
        )
    )
