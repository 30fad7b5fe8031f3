from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools.misc import clean_context

from .whatsapp_broadcast import SEND_WINDOWS

#: Model of the records → where a broadcast keeps its selection of them.
AUDIENCES = {
    "crm.lead": ("leads", "lead_ids"),
    "res.partner": ("contacts", "partner_ids"),
}


class IrActionsServer(models.Model):
    """Adds "Send WhatsApp" to what automation rules and buttons can do.

    It launches a broadcast with the rights of whoever triggers it, never more: what
    that user may not read is not written to.
    """

    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[("whatsapp_broadcast", "Send WhatsApp"), ("webhook",)],
        ondelete={"whatsapp_broadcast": "cascade"},
    )
    whatsapp_number_id = fields.Many2one(
        "whatsapp.broadcast.number", "Send from", ondelete="restrict"
    )
    whatsapp_template_id = fields.Many2one(
        "whatsapp.broadcast.template",
        "WhatsApp Template",
        ondelete="restrict",
        domain="[('account_id.number_ids', '=', whatsapp_number_id),"
        " ('state', '=', 'approved'), ('unsupported_reason', 'in', (False, ''))]",
    )
    whatsapp_send_window = fields.Selection(
        SEND_WINDOWS,
        "Hours",
        default="always",
        help="Outside of them the message waits.",
    )
    whatsapp_window_start = fields.Float("Send From", default=9.0)
    whatsapp_window_end = fields.Float("Send Until", default=20.0)

    @api.depends("state")
    def _compute_available_model_ids(self):
        ours = self.filtered(lambda action: action.state == "whatsapp_broadcast")
        ours.available_model_ids = self.env["ir.model"].search(
            [("model", "in", list(AUDIENCES))]
        )
        return super(IrActionsServer, self - ours)._compute_available_model_ids()

    # Constraints, not warnings: when the addon is uninstalled, Odoo would drop the
    # fields of scheduled actions that depend on ours.
    @api.constrains(
        "state",
        "model_id",
        "whatsapp_number_id",
        "whatsapp_template_id",
        "whatsapp_send_window",
        "whatsapp_window_start",
        "whatsapp_window_end",
    )
    def _check_whatsapp(self):
        for action in self.filtered(lambda a: a.state == "whatsapp_broadcast"):
            if problem := action._whatsapp_problem():
                raise ValidationError(problem)

    def _whatsapp_problem(self):
        """Return what keeps this action from sending, or None."""
        number, template = self.whatsapp_number_id, self.whatsapp_template_id
        if self.model_name not in AUDIENCES:
            return self.env._("WhatsApp goes to leads and contacts only.")
        if not number or not template:
            return self.env._("Choose the number that sends, and a template.")
        if number.account_id != template.account_id:
            return self.env._("The template belongs to another account's numbers.")
        start, end = self.whatsapp_window_start, self.whatsapp_window_end
        if self.whatsapp_send_window != "always" and not 0 <= start < end <= 24:
            return self.env._(
                "These hours never open: choose two of one day, the later one last."
            )
        return None

    def _run_action_whatsapp_broadcast_multi(self, eval_context=None):
        """Launch a broadcast to the records as the user who triggered the action.

        Records that one transaction brings one by one, as automation rules do, go into
        one broadcast.
        """
        records = eval_context.get("records") or eval_context.get("record")
        if not records or self._is_recompute():
            return False
        made = self.env.cr.precommit.data.setdefault("whatsapp_broadcast", {})
        key = (self.id, self.env.uid, *self.env.companies.ids)
        try:
            if key in made:
                made[key]._add_picked(records)
            else:
                made[key] = self._launch_whatsapp(records)
        except AccessError as error:
            raise UserError(
                self.env._(
                    "%(action)s: %(user)s may not send WhatsApp broadcasts. %(reason)s",
                    action=self.name,
                    user=self.env.user.name,
                    reason=error,
                )
            ) from None
        except UserError as error:
            raise UserError(
                self.env._(
                    "%(action)s: no WhatsApp was sent. %(reason)s",
                    action=self.name,
                    reason=error,
                )
            ) from None
        return False

    def _launch_whatsapp(self, records):
        kind, name = AUDIENCES[records._name]
        # Neither more rights than the user has, nor defaults meant for the records.
        env = self.env(su=False, context=clean_context(self.env.context))
        broadcast = env["whatsapp.broadcast"].create(
            {
                "name": self.name,
                "number_id": self.whatsapp_number_id.id,
                "template_id": self.whatsapp_template_id.id,
                "audience_type": kind,
                name: [Command.set(records.ids)],
                "send_window": self.whatsapp_send_window,
                "send_window_start": self.whatsapp_window_start,
                "send_window_end": self.whatsapp_window_end,
            }
        )
        broadcast.action_launch()
        return broadcast
