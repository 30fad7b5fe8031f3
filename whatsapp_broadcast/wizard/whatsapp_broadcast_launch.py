from odoo import api, fields, models
from odoo.exceptions import UserError

from ..engine import queries

#: Names shown for each reason; the list behind the button has them all.
NAMES_SHOWN = 5


class WhatsappBroadcastLaunch(models.TransientModel):
    """The last question before launch, with the numbers in it."""

    _name = "whatsapp.broadcast.launch"
    _description = "Launch a WhatsApp Broadcast"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, readonly=True, ondelete="cascade"
    )
    number_id = fields.Many2one(related="broadcast_id.number_id")
    template_id = fields.Many2one(related="broadcast_id.template_id")
    is_reviewed = fields.Boolean(compute="_compute_reachable_count")
    reachable_count = fields.Integer(compute="_compute_reachable_count")
    skipped_count = fields.Integer(related="broadcast_id.skipped_count")
    country_guessed_count = fields.Integer(related="broadcast_id.country_guessed_count")
    without_consent_count = fields.Integer(related="broadcast_id.without_consent_count")
    must_count_consents = fields.Boolean(compute="_compute_must_count_consents")
    lacks_way_out = fields.Boolean(related="broadcast_id.lacks_way_out")
    scheduled_at = fields.Datetime(related="broadcast_id.scheduled_at")
    day_count = fields.Integer(
        compute="_compute_day_count",
        help="Days that the limit of people a day spreads it over.",
    )
    recurrence = fields.Selection(related="broadcast_id.recurrence")
    send_window = fields.Selection(related="broadcast_id.send_window")
    send_window_start = fields.Float(related="broadcast_id.send_window_start")
    send_window_end = fields.Float(related="broadcast_id.send_window_end")
    skipped_summary = fields.Html(compute="_compute_skipped_summary")
    must_confirm = fields.Boolean(compute="_compute_must_confirm")
    accept_no_webhook = fields.Boolean("Send although replies and STOP cannot arrive")

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        # The related fields are read as the superuser.
        wizards.broadcast_id.check_access("write")
        return wizards

    @api.depends("broadcast_id")
    def _compute_reachable_count(self):
        for wizard in self:
            broadcast = wizard.broadcast_id
            wizard.is_reviewed = bool(broadcast.recipient_count)
            # An audience too large to wait for is counted, not reviewed.
            wizard.reachable_count = (
                broadcast.reachable_count
                if wizard.is_reviewed
                else broadcast._audience_size()
            )

    @api.depends("broadcast_id")
    def _compute_day_count(self):
        for wizard in self:
            wizard.day_count = wizard.broadcast_id._days_for(wizard.reachable_count)

    @api.depends("broadcast_id")
    def _compute_must_confirm(self):
        for wizard in self:
            broadcast = wizard.broadcast_id
            wizard.must_confirm = (
                broadcast.hears_nothing and broadcast.template_category == "marketing"
            )

    @api.depends("broadcast_id")
    def _compute_must_count_consents(self):
        for wizard in self:
            broadcast = wizard.broadcast_id
            rule = broadcast.company_id.whatsapp_consent_rule
            wizard.must_count_consents = (
                broadcast.template_category == "marketing" and rule == "warn"
            )

    @api.depends("broadcast_id")
    def _compute_skipped_summary(self):
        for wizard in self:
            wizard.skipped_summary = self.env["ir.qweb"]._render(
                "whatsapp_broadcast.skipped_summary",
                {"reasons": wizard._skipped_by_reason()},
            )

    def _skipped_by_reason(self):
        """Return [{label, count, names}] of those who are left out."""
        recipients = self.env["whatsapp.broadcast.recipient"]
        domain = [
            ("broadcast_id", "=", self.broadcast_id.id),
            ("state", "=", "skipped"),
        ]
        labels = dict(
            recipients._fields["skip_reason"]._description_selection(self.env)
        )
        if missing := self._missing_variables():
            labels["variable_missing"] += f": {', '.join(missing)}"
        return [
            {
                "label": labels[reason],
                "count": count,
                "names": recipients.search(
                    [*domain, ("skip_reason", "=", reason)], limit=NAMES_SHOWN
                ).mapped("display_name"),
            }
            for reason, count in recipients._read_group(
                domain, ["skip_reason"], ["__count"], order="__count DESC"
            )
        ]

    def _missing_variables(self):
        """Return the names of variables that have no value for somebody."""
        self.env.cr.execute(
            queries.MISSING_VARIABLES, {"broadcast_id": self.broadcast_id.id}
        )
        return [name for (name,) in self.env.cr.fetchall()]

    def action_launch(self):
        """Launch the broadcast, now or at its time, and show it."""
        self.ensure_one()
        if not self.reachable_count:
            raise UserError(
                self.env._("Nobody is left to write to. Change the audience first.")
            )
        if self.scheduled_at:
            self.broadcast_id.action_schedule(self.accept_no_webhook)
        else:
            self.broadcast_id.action_launch(self.accept_no_webhook)
        return {"type": "ir.actions.act_window_close"}
