from odoo import api, fields, models

from ..engine import queries
from .whatsapp_broadcast_template import CATEGORIES


class WhatsappBroadcastDaily(models.Model):
    """What went out on one day, and what became of it.

    Late statuses change the row of the day on which the message was sent, for 31 days.
    Then it stays as it is, whatever becomes of the broadcasts and their recipients.
    Nobody writes here but the cron.
    """

    _name = "whatsapp.broadcast.daily"
    _description = "WhatsApp Daily Total"
    _order = "date desc, id desc"
    _log_access = False
    _rec_name = "date"

    date = fields.Date(
        required=True, readonly=True, help="On the clock of the company."
    )
    company_id = fields.Many2one(
        "res.company", ondelete="restrict", readonly=True, help="Empty: all companies."
    )
    account_id = fields.Many2one(
        "whatsapp.broadcast.account", ondelete="restrict", readonly=True
    )
    number_id = fields.Many2one(
        "whatsapp.broadcast.number", ondelete="restrict", readonly=True
    )
    category = fields.Selection(CATEGORIES, readonly=True)
    written_count = fields.Integer(
        "Written to",
        readonly=True,
        help="WhatsApp took the message, or refused it.",
    )
    accepted_count = fields.Integer("Accepted", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    read_count = fields.Integer("Read", readonly=True)
    replied_count = fields.Integer("Replied", readonly=True)
    clicked_count = fields.Integer("Clicked", readonly=True)
    failed_count = fields.Integer("Failed", readonly=True)
    opt_out_count = fields.Integer(
        "Opt-outs",
        readonly=True,
        help="People who opted out that day, whatever they had received.",
    )
    delivered_rate = fields.Float("Delivered (%)", compute="_compute_rates")
    read_rate = fields.Float("Read (%)", compute="_compute_rates")
    replied_rate = fields.Float("Replied (%)", compute="_compute_rates")

    _key_unique = models.UniqueIndex(
        "(date, COALESCE(company_id, 0), COALESCE(account_id, 0),"
        " COALESCE(number_id, 0), COALESCE(category, ''))"
    )

    @api.depends("written_count", "delivered_count", "read_count", "replied_count")
    def _compute_rates(self):
        for day in self:
            for name in ("delivered", "read", "replied"):
                count = day[f"{name}_count"]
                share = 100.0 * count / day.written_count if day.written_count else 0.0
                day[f"{name}_rate"] = share

    @api.model
    def _cron_refresh(self):
        """Count the last days anew."""
        self.env.flush_all()
        self.env.cr.execute(queries.REFRESH_DAILY)
        self.env["link.tracker"]._cron_count_whatsapp_clicks()
        self.invalidate_model()
