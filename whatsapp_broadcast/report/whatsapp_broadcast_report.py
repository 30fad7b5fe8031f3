from odoo import fields, models
from odoo.tools import SQL

from ..engine import queries
from ..models.whatsapp_broadcast_outgoing import (
    ERROR_CLASSES,
    SKIP_REASONS,
    STATES,
)
from ..models.whatsapp_broadcast_template import CATEGORIES

HOURS = [(f"{hour:02d}", f"{hour:02d}:00") for hour in range(24)]
WEEKDAYS = [
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
]


class WhatsappBroadcastReport(models.Model):
    """Recipients of what was launched, to be counted in pivots and graphs.

    Rates are percentages of those written to: the provider took the message or refused
    it. Their average over any group is the group's rate.
    """

    _name = "whatsapp.broadcast.report"
    _description = "WhatsApp Broadcast Analysis"
    _auto = False
    _order = "id desc"
    _rec_name = "recipient_id"
    _depends = {
        "whatsapp.broadcast": ["started_at", "user_id", "campaign_id"],
        "whatsapp.broadcast.recipient": ["state", "broadcast_id", "error_class"],
    }

    recipient_id = fields.Many2one("whatsapp.broadcast.recipient", readonly=True)
    broadcast_id = fields.Many2one("whatsapp.broadcast", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    account_id = fields.Many2one("whatsapp.broadcast.account", readonly=True)
    number_id = fields.Many2one("whatsapp.broadcast.number", readonly=True)
    template_id = fields.Many2one("whatsapp.broadcast.template", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    country_id = fields.Many2one(
        "res.country", readonly=True, help="By the first digits of the phone number."
    )
    category = fields.Selection(CATEGORIES, readonly=True)
    state = fields.Selection(STATES, readonly=True)
    skip_reason = fields.Selection(SKIP_REASONS, "Why Left Out", readonly=True)
    error_class = fields.Selection(ERROR_CLASSES, "Why Failed", readonly=True)
    date = fields.Datetime("Sent on", readonly=True)
    hour = fields.Selection(HOURS, "Hour of the Day", readonly=True)
    weekday = fields.Selection(WEEKDAYS, readonly=True)

    recipient_count = fields.Integer("Recipients", readonly=True)
    written_count = fields.Integer("Written to", readonly=True)
    accepted_count = fields.Integer("Accepted", readonly=True)
    delivered_count = fields.Integer("Delivered", readonly=True)
    read_count = fields.Integer("Read", readonly=True)
    replied_count = fields.Integer("Replied", readonly=True)
    clicked_count = fields.Integer("Clicked", readonly=True)
    failed_count = fields.Integer("Failed", readonly=True)
    accepted_rate = fields.Float("Accepted (%)", aggregator="avg", readonly=True)
    delivered_rate = fields.Float("Delivered (%)", aggregator="avg", readonly=True)
    read_rate = fields.Float("Read (%)", aggregator="avg", readonly=True)
    replied_rate = fields.Float("Replied (%)", aggregator="avg", readonly=True)
    clicked_rate = fields.Float("Clicked (%)", aggregator="avg", readonly=True)
    failed_rate = fields.Float("Failed (%)", aggregator="avg", readonly=True)

    @property
    def _table_query(self):
        return SQL(queries.REPORT, tz=str(self.env.tz))

    def action_open_recipient(self):
        """Open the recipient that a row is about."""
        self.ensure_one()
        self.check_access("read")
        return self.recipient_id._get_records_action()
