from ast import literal_eval

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain


class WhatsappBroadcastList(models.Model):
    """An audience that is used again: its members, or a saved filter."""

    _name = "whatsapp.broadcast.list"
    _description = "WhatsApp List"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    description = fields.Text()
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", default=lambda self: self.env.company, index=True
    )
    user_id = fields.Many2one(
        "res.users", "Responsible", default=lambda self: self.env.user, tracking=True
    )
    list_type = fields.Selection(
        [("members", "Members"), ("filter", "Saved filter")],
        "Kind",
        required=True,
        default="members",
        help="A saved filter is read anew for each broadcast, with the rights of "
        "whoever launches it.",
    )
    model = fields.Selection(
        [("crm.lead", "Leads"), ("res.partner", "Contacts")],
        "Filter on",
        required=True,
        default="crm.lead",
    )
    domain = fields.Char("Filter")
    member_ids = fields.One2many("whatsapp.broadcast.list.member", "list_id")
    # The counts are what the user may read; a filter's is the filter widget's.
    subscriber_count = fields.Integer("Subscribers", compute="_compute_counts")
    unsubscribed_count = fields.Integer("Unsubscribed", compute="_compute_counts")
    broadcast_count = fields.Integer("Broadcasts", compute="_compute_broadcast_count")

    # === COMPUTES === #

    @api.depends("member_ids.state")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_counts(self):
        members = self.env["whatsapp.broadcast.list.member"]
        counts = {
            (list_.id, state): count
            for list_, state, count in members._read_group(
                [("list_id", "in", self.ids)], ["list_id", "state"], ["__count"]
            )
        }
        for list_ in self:
            list_.subscriber_count = counts.get((list_.id, "subscribed"), 0)
            list_.unsubscribed_count = counts.get((list_.id, "unsubscribed"), 0)

    @api.depends_context("uid", "allowed_company_ids")
    def _compute_broadcast_count(self):
        counts = dict(
            self.env["whatsapp.broadcast"]._read_group(
                [("list_ids", "in", self.ids)], ["list_ids"], ["__count"]
            )
        )
        for list_ in self:
            list_.broadcast_count = counts.get(list_, 0)

    @api.depends("name")
    @api.depends_context("whatsapp_show_subscribers")
    def _compute_display_name(self):
        is_counted = self.env.context.get("whatsapp_show_subscribers")
        for list_ in self:
            list_.display_name = list_.name
            if is_counted and list_.list_type == "members":
                list_.display_name = f"{list_.name} ({list_.subscriber_count})"

    @api.constrains("list_type", "model", "domain")
    def _check_domain(self):
        for list_ in self.filtered(lambda list_: list_.list_type == "filter"):
            list_._parse_domain()

    def _parse_domain(self):
        """Return the saved filter as a domain on ``model``.

        :raise ValidationError: if it cannot be read
        """
        try:
            domain = Domain(literal_eval(self.domain or "[]"))
            domain.validate(self.env[self.model])
        except (ValueError, SyntaxError, TypeError, RecursionError) as error:
            raise ValidationError(
                self.env._(
                    "The filter of list %(name)s cannot be read. Choose its conditions "
                    "anew. %(error)s",
                    name=self.name,
                    error=str(error)[:200],
                )
            ) from None
        return domain

    # === ACTIONS === #

    def action_open_members(self):
        """Open the members, or the records that a saved filter finds now."""
        self.ensure_one()
        self.check_access("read")
        if self.list_type == "filter":
            return {
                "type": "ir.actions.act_window",
                "name": self.name,
                "res_model": self.model,
                "views": [(False, "list"), (False, "form")],
                "domain": list(self._parse_domain()),
                "help": Markup("<p class='o_view_nocontent_empty_folder'>%s</p>")
                % self.env._("The filter of this list finds nobody that you may read."),
            }
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_list_member_action"
        )
        action["domain"] = [("list_id", "=", self.id)]
        action["context"] = {
            "default_list_id": self.id,
            **(self.env.context.get("member_context") or {}),
        }
        return action

    def action_open_broadcasts(self):
        """Open the broadcasts that went, or will go, to this list."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_action"
        )
        action["domain"] = [("list_ids", "in", self.ids)]
        return action

    def action_new_broadcast(self):
        """Open a new broadcast to this list; it is saved when the user saves it."""
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New Broadcast"),
            "res_model": "whatsapp.broadcast",
            "views": [(False, "form")],
            "context": {
                "default_audience_type": "list",
                "default_list_ids": [fields.Command.set(self.ids)],
            },
        }

    # === AUDIENCE === #

    def _main_model(self):
        """Return ``res.partner`` if no list has a lead, else ``crm.lead``."""
        saved = self.filtered(lambda one: one.list_type == "filter")
        if "crm.lead" in saved.mapped("model"):
            return "crm.lead"
        members = self.env["whatsapp.broadcast.list.member"]
        domain = [("list_id", "in", self.ids)]
        has_leads = members.search_count([*domain, ("lead_id", "!=", False)], limit=1)
        others = [*domain, ("partner_id", "!=", False)]
        has_partners = saved or members.search_count(others, limit=1)
        return "res.partner" if has_partners and not has_leads else "crm.lead"
