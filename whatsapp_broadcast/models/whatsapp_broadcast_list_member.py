from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.orm.utils import SUPERUSER_ID

#: What the model keeps by itself.
KEPT = {"phone_sanitized", "country_guessed", "state_at", "state_user_id"}


class WhatsappBroadcastListMember(models.Model):
    """A lead, a contact, or a bare phone number on a list."""

    _name = "whatsapp.broadcast.list.member"
    _description = "WhatsApp List Member"
    _order = "list_id, id"

    list_id = fields.Many2one(
        "whatsapp.broadcast.list", required=True, ondelete="cascade", index=True
    )
    lead_id = fields.Many2one("crm.lead", ondelete="cascade", index="btree_not_null")
    partner_id = fields.Many2one(
        "res.partner", "Contact", ondelete="cascade", index="btree_not_null"
    )
    name = fields.Char(help="Of a bare phone number.")
    phone = fields.Char(help="Of a bare phone number, as it was given.")
    phone_sanitized = fields.Char(
        compute="_compute_phone_sanitized",
        store=True,
        index="btree_not_null",
        help="E.164, of a bare phone number.",
    )
    number = fields.Char(compute="_compute_number")
    country_guessed = fields.Boolean(
        compute="_compute_phone_sanitized",
        store=True,
        help="The number named no country; that of the company was taken.",
    )
    state = fields.Selection(
        [("subscribed", "Subscribed"), ("unsubscribed", "Unsubscribed")],
        required=True,
        default="subscribed",
    )
    state_at = fields.Datetime("Since", readonly=True)
    state_user_id = fields.Many2one(
        "res.users", "By", readonly=True, ondelete="set null"
    )
    source = fields.Char(
        default=lambda self: self._default_source(),
        help="How the member came onto the list.",
    )
    is_readable = fields.Boolean(
        compute="_compute_is_readable",
        search="_search_is_readable",
        help="A bare phone number, or a lead or contact that the user may read.",
    )

    _one_of = models.Constraint(
        "CHECK (num_nonnulls(lead_id, partner_id, phone) = 1)",
        "A member is one of these: a lead, a contact or a phone number.",
    )
    _lead_unique = models.UniqueIndex(
        "(list_id, lead_id) WHERE lead_id IS NOT NULL", "The list has this lead."
    )
    _partner_unique = models.UniqueIndex(
        "(list_id, partner_id) WHERE partner_id IS NOT NULL",
        "The list has this contact.",
    )
    _phone_unique = models.UniqueIndex(
        "(list_id, phone_sanitized) WHERE phone_sanitized IS NOT NULL",
        "The list has this phone number.",
    )

    # === COMPUTES === #

    @api.model
    def _default_source(self):
        is_import = self.env.context.get("import_file")
        return self.env._("Import") if is_import else self.env._("By hand")

    @api.depends("phone")
    def _compute_phone_sanitized(self):
        for member in self:
            company = member.list_id.company_id or self.env.company
            given = (member.phone or "").strip()
            member.phone_sanitized = (
                member._phone_format(number=given, country=company.country_id)
                if given
                else False
            )
            member.country_guessed = bool(given) and not given.startswith(("+", "00"))

    @api.depends("lead_id", "partner_id", "phone_sanitized")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_number(self):
        leads = self.lead_id._filtered_access("read")
        partners = self.partner_id._filtered_access("read")
        for member in self:
            person = (member.lead_id & leads) or (member.partner_id & partners)
            member.number = person.phone_sanitized or member.phone_sanitized

    # Sudo: as Odoo shows a many2one, whoever may read the member may read its name.
    @api.depends("lead_id", "partner_id", "name", "phone")
    def _compute_display_name(self):
        for member in self:
            person = member.sudo().lead_id or member.sudo().partner_id
            member.display_name = person.display_name or member.name or member.phone

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_is_readable(self):
        readable = self.search([("id", "in", self.ids), ("is_readable", "=", True)])
        for member in self:
            member.is_readable = member in readable

    @api.model
    def _search_is_readable(self, operator, value):
        if operator != "in":
            return NotImplemented
        linked = self.env["whatsapp.broadcast.consent"]._search_is_readable(
            "in", [True]
        )
        domain = linked | Domain("phone", "!=", False)
        return domain if True in value else ~domain

    @api.constrains("phone")
    def _check_phone(self):
        for member in self.filtered("phone"):
            if not member.phone_sanitized:
                raise ValidationError(
                    self.env._(
                        "%s is no valid phone. Write it with its country, as in "
                        "+1 212 555 0100.",
                        member.phone,
                    )
                )

    @api.constrains("list_id")
    def _check_list(self):
        for list_ in self.list_id.filtered(lambda list_: list_.list_type == "filter"):
            raise ValidationError(
                self.env._(
                    "%s is a saved filter: it finds its people by itself. Choose a "
                    "list of members.",
                    list_.name,
                )
            )

    # === WHO MAY DO WHAT === #

    @api.model_create_multi
    def create(self, vals_list):
        stamp = self._state_stamp()
        for vals in vals_list:
            self._refuse_kept(vals)
        vals_list = [{**vals, **stamp} for vals in vals_list]
        return super(WhatsappBroadcastListMember, self._without_kept_defaults()).create(
            vals_list
        )

    def write(self, vals):
        self._refuse_kept(vals)
        if vals.get("state") == "subscribed":
            raise UserError(
                self.env._(
                    "Who left a list comes back by a person's word only. Open the "
                    "member and press Subscribe Again."
                )
            )
        if vals.keys() - {"state"} and not (
            self.env.su or self.env.user.has_group("whatsapp_broadcast.group_manager")
        ):
            raise AccessError(
                self.env._("Only a manager may change members, beyond unsubscribing.")
            )
        return super().write(
            {**vals, **(self._state_stamp() if "state" in vals else {})}
        )

    def _refuse_kept(self, vals):
        if names := KEPT & vals.keys():
            raise UserError(
                self.env._(
                    "%s cannot be written: it follows from the phone, or from who "
                    "subscribed when.",
                    ", ".join(sorted(names)),
                )
            )

    def _without_kept_defaults(self):
        context = {
            key: value
            for key, value in self.env.context.items()
            if key.removeprefix("default_") not in KEPT
        }
        return self.with_context(context)  # pylint: disable=context-overridden

    def _state_stamp(self):
        return {"state_at": fields.Datetime.now(), "state_user_id": self.env.uid}

    # === ACTIONS === #

    def action_unsubscribe(self):
        """Take people off the list; they stay on it as unsubscribed."""
        self.write({"state": "unsubscribed"})
        return True

    def action_subscribe(self):
        """Put people on the list again who had left it, by the user's word.

        :raise UserError: if no person asks for it, but a program
        """
        if self.env.uid == SUPERUSER_ID:
            raise UserError(self.env._("Only a person may subscribe somebody again."))
        return super().write({"state": "subscribed", **self._state_stamp()})
