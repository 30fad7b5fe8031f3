from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import secrets
from .whatsapp_broadcast_event import KEEP_DAYS, KEEP_DAYS_PARAMETER


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    whatsapp_broadcast_account_count = fields.Integer(
        compute="_compute_whatsapp_broadcast"
    )
    whatsapp_broadcast_keys_are_set = fields.Boolean(
        compute="_compute_whatsapp_broadcast"
    )
    whatsapp_broadcast_base_url = fields.Char(compute="_compute_whatsapp_broadcast")
    whatsapp_broadcast_event_days = fields.Integer(
        "Days to Keep Webhooks",
        config_parameter=KEEP_DAYS_PARAMETER,
        default=KEEP_DAYS,
    )
    whatsapp_stop_scope = fields.Selection(
        related="company_id.whatsapp_stop_scope", readonly=False
    )
    whatsapp_consent_rule = fields.Selection(
        related="company_id.whatsapp_consent_rule", readonly=False
    )
    whatsapp_stop_confirmation = fields.Char(
        related="company_id.whatsapp_stop_confirmation", readonly=False
    )
    whatsapp_notification = fields.Selection(
        related="company_id.whatsapp_notification", readonly=False
    )
    whatsapp_create_leads = fields.Boolean(
        related="company_id.whatsapp_create_leads", readonly=False
    )
    whatsapp_cap_count = fields.Integer(
        related="company_id.whatsapp_cap_count", readonly=False
    )
    whatsapp_cap_days = fields.Integer(
        related="company_id.whatsapp_cap_days", readonly=False
    )

    whatsapp_approval_people = fields.Integer(
        related="company_id.whatsapp_approval_people", readonly=False
    )
    whatsapp_approval_cost = fields.Monetary(
        related="company_id.whatsapp_approval_cost",
        currency_field="whatsapp_approval_currency_id",
        readonly=False,
    )
    whatsapp_approval_currency_id = fields.Many2one(
        related="company_id.currency_id", string="Currency of the Limit"
    )
    whatsapp_approval_by_two = fields.Boolean(
        related="company_id.whatsapp_approval_by_two", readonly=False
    )

    @api.constrains("whatsapp_broadcast_event_days")
    def _check_whatsapp_broadcast_event_days(self):
        for settings in self:
            if settings.whatsapp_broadcast_event_days < 1:
                raise ValidationError(
                    self.env._("Keep received webhooks for at least one day.")
                )

    def _compute_whatsapp_broadcast(self):
        self.whatsapp_broadcast_account_count = self.env[
            "whatsapp.broadcast.account"
        ].search_count([])
        self.whatsapp_broadcast_keys_are_set = secrets.keys_are_set()
        self.whatsapp_broadcast_base_url = self.get_base_url()
