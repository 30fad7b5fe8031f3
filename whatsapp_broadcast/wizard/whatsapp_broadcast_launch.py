from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime, formatLang

from ..engine import queries

#: Names shown for each reason; the list behind the button has them all.
NAMES_SHOWN = 5
#: Countries whose cost is shown one by one.
COUNTRIES_SHOWN = 8


class WhatsappBroadcastLaunch(models.TransientModel):
    """The page before a launch: who, what, when, how much, and one question."""

    _name = "whatsapp.broadcast.launch"
    _description = "Launch a WhatsApp Broadcast"

    broadcast_id = fields.Many2one(
        "whatsapp.broadcast", required=True, readonly=True, ondelete="cascade"
    )
    number_id = fields.Many2one(related="broadcast_id.number_id")
    template_id = fields.Many2one(related="broadcast_id.template_id")
    template_changes = fields.Char(related="broadcast_id.template_changes")
    template_shown = fields.Json(
        readonly=True, help="The template as it was when this page was opened."
    )
    is_reviewed = fields.Boolean(compute="_compute_reachable_count")
    reachable_count = fields.Integer(compute="_compute_reachable_count")
    skipped_count = fields.Integer(compute="_compute_reachable_count")
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
    starts_at = fields.Datetime(compute="_compute_estimate")
    ends_at = fields.Datetime(
        compute="_compute_estimate", help="Empty: months from now."
    )
    forecast = fields.Json(compute="_compute_forecast", store=True)
    left_out = fields.Json(compute="_compute_forecast", store=True)
    cost = fields.Char(compute="_compute_costs")
    cost_summary = fields.Html(compute="_compute_costs")
    unpriced_count = fields.Integer(compute="_compute_costs")
    needs_approval = fields.Boolean(compute="_compute_needs_approval")
    question = fields.Char(compute="_compute_question")
    quality = fields.Selection(related="broadcast_id.number_id.quality")
    # What the preview of the message shows.
    message_type = fields.Selection(related="broadcast_id.message_type")
    template_version = fields.Char(related="broadcast_id.template_version")
    template_params = fields.Json(related="broadcast_id.template_params")
    in_recipient_language = fields.Boolean(related="broadcast_id.in_recipient_language")
    body = fields.Text(related="broadcast_id.body")
    track_links = fields.Boolean(related="broadcast_id.track_links")
    link_base = fields.Char(related="broadcast_id.link_base")
    is_link_base_local = fields.Boolean(related="broadcast_id.is_link_base_local")
    media_kind = fields.Selection(related="broadcast_id.media_kind")
    media_file = fields.Binary(related="broadcast_id.media_file")
    media_filename = fields.Char(related="broadcast_id.media_filename")
    media_link = fields.Char(related="broadcast_id.media_link")
    media_caption = fields.Text(related="broadcast_id.media_caption")
    skipped_summary = fields.Html(compute="_compute_skipped_summary")
    must_confirm = fields.Boolean(compute="_compute_must_confirm")
    accept_no_webhook = fields.Boolean("Send although replies and STOP cannot arrive")

    @api.model_create_multi
    def create(self, vals_list):
        wizards = super().create(vals_list)
        # The related fields are read as the superuser.
        wizards.broadcast_id.check_access("write")
        for wizard in wizards:
            wizard.template_shown = wizard._template_values()
        return wizards

    def _template_values(self):
        broadcast = self.broadcast_id
        is_template = broadcast.message_type == "template"
        templates = broadcast._wordings().values() if is_template else ()
        return [template._seen_values() for template, _params in templates]

    @api.depends("broadcast_id", "forecast")
    def _compute_reachable_count(self):
        for wizard in self:
            broadcast = wizard.broadcast_id
            wizard.is_reviewed = bool(broadcast.recipient_count)
            if wizard.is_reviewed:
                wizard.reachable_count = broadcast.reachable_count
                wizard.skipped_count = broadcast.skipped_count
            else:  # too many to wait for: as far as a sample tells
                wizard.reachable_count = wizard.forecast["people"]
                wizard.skipped_count = sum(
                    reason["count"] for reason in wizard.left_out or ()
                )

    @api.depends("broadcast_id")
    def _compute_day_count(self):
        for wizard in self:
            wizard.day_count = wizard.broadcast_id._days_for(wizard.reachable_count)

    @api.depends("reachable_count")
    def _compute_estimate(self):
        for wizard in self:
            estimate = wizard.broadcast_id._estimate(wizard.reachable_count)
            wizard.starts_at, wizard.ends_at = estimate

    @api.depends("broadcast_id")
    def _compute_forecast(self):
        for wizard in self:
            broadcast = wizard.broadcast_id
            if broadcast.recipient_count:
                wizard.forecast = broadcast._forecast()
                wizard.left_out = []
            else:
                figures = broadcast._figures()
                wizard.forecast = broadcast._forecast(dict(figures.reachable))
                wizard.left_out = broadcast._labelled(figures.left_out)

    @api.depends("forecast")
    def _compute_costs(self):
        for wizard in self:
            forecast = wizard.forecast
            wizard.cost = wizard._cost_text(forecast["cost"])
            wizard.unpriced_count = sum(forecast["unpriced"].values())
            wizard.cost_summary = self.env["ir.qweb"]._render(
                "whatsapp_broadcast.cost_summary", wizard._cost_values()
            )

    def _cost_values(self):
        """Return what the template of the costs shows; the largest countries first."""
        rows = self.forecast["rows"]
        codes = [row["code"] for row in rows if row["code"]]
        countries = self.env["res.country"].search([("code", "in", codes)])
        names = {country.code: country.name for country in countries}
        lines = [
            {
                "country": names.get(row["code"]) or self.env._("Unknown country"),
                "in_window": row["in_window"],
                "people": f"{row['people']:,}",
                "price": self._price_text(row),
                "cost": self._cost_text(row["cost"]),
            }
            for row in rows
        ]
        rest = rows[COUNTRIES_SHOWN:]
        return {
            "lines": lines[:COUNTRIES_SHOWN],
            "rest_count": len(rest),
            "rest_people": f"{sum(row['people'] for row in rest):,}",
            "rest_cost": self._cost_text(sum(row["cost"] or 0 for row in rest)),
            "share": round(100 * self.forecast["share"]),
            "unpriced": ", ".join(
                names.get(code) or self.env._("Unknown country")
                for code in self.forecast["unpriced"]
            ),
        }

    def _price_text(self, row):
        """Return the price as on the card: in its currency, with all its digits."""
        if row["is_free"]:
            return self.env._("free")
        if row["price"] is None:
            return self.env._("unknown")
        currency = self.env["res.currency"].browse(row["currency_id"])
        return f"{formatLang(self.env, row['price'], digits=4)} {currency.name}"

    def _cost_text(self, cost):
        if cost is None:
            return self.env._("unknown")
        currency = self.env["res.currency"].browse(self.forecast["currency_id"])
        return formatLang(self.env, cost, currency_obj=currency)

    @api.depends("forecast")
    def _compute_needs_approval(self):
        for wizard in self:
            broadcast = wizard.broadcast_id
            wizard.needs_approval = broadcast._asks(
                self.env.user
            ) and broadcast._exceeds(wizard.forecast)

    @api.depends("reachable_count", "cost", "starts_at", "ends_at", "needs_approval")
    def _compute_question(self):
        for wizard in self:
            values = {
                "people": f"{wizard.reachable_count:,}",
                "cost": _isolate(wizard.broadcast_id._forecast_text(wizard.forecast)),
                "when": wizard._when_text(),
            }
            if wizard.needs_approval:
                text = self.env._(
                    "Ask a manager to approve %(people)s people, for about %(cost)s, "
                    "%(when)s?",
                    **values,
                )
            else:
                text = self.env._(
                    "Write to %(people)s people, for about %(cost)s, %(when)s?",
                    **values,
                )
            wizard.question = text

    def _when_text(self):
        start = _isolate(format_datetime(self.env, self.starts_at, dt_format="short"))
        if not self.ends_at:
            return self.env._("from %s on, for more than three months", start)
        end = _isolate(format_datetime(self.env, self.ends_at, dt_format="short"))
        if self.starts_at <= fields.Datetime.now() and not self.scheduled_at:
            return self.env._("from now until about %s", end)
        return self.env._("from %(start)s until about %(end)s", start=start, end=end)

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
        """Return [{label, count, people}] of those who are left out."""
        if not self.is_reviewed:
            return [{**reason, "people": []} for reason in self.left_out or ()]
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
                "people": [
                    _link(row)
                    for row in recipients.search(
                        [*domain, ("skip_reason", "=", reason)], limit=NAMES_SHOWN
                    )
                    if row.display_name
                ],
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

    def action_open_left_out(self):
        """List who is left out, by reason."""
        self.ensure_one()
        shown = {"search_default_skipped": 1, "search_default_group_skip_reason": 1}
        broadcast = self.broadcast_id.with_context(recipient_context=shown)
        return broadcast.action_open_recipients()

    def action_accept_template(self):
        """Take the template as it is now, and show the page anew."""
        self.ensure_one()
        self.broadcast_id.action_accept_template()
        return self.broadcast_id.action_open_launch()

    def _check_template_shown(self):
        """Refuse what nobody saw: the template changed while the page was open."""
        if self._template_values() != (self.template_shown or []):
            raise UserError(
                self.env._(
                    "The template changed while this page was open, so nothing was "
                    "sent. Your broadcast is as you left it: close this page, look at "
                    "the preview, and press Launch again."
                )
            )

    def action_launch(self):
        """Launch the broadcast, now or at its time, and show it."""
        self.ensure_one()
        self._check_template_shown()
        if not self.reachable_count:
            raise UserError(
                self.env._("Nobody is left to write to. Change the audience first.")
            )
        if self.scheduled_at:
            self.broadcast_id.action_schedule(self.accept_no_webhook)
        else:
            self.broadcast_id.action_launch(self.accept_no_webhook)
        self.broadcast_id._write_protected({"forecast": self.forecast})
        return {"type": "ir.actions.act_window_close"}


def _isolate(text):
    """Keep the direction of a text from that of the sentence around it."""
    return f"\u2068{text}\u2069"


def _link(recipient):
    """Return the name of a recipient, and where the record is that it comes from."""
    record = recipient.lead_id or recipient.partner_id
    url = f"/odoo/{record._name}/{record.id}" if record else ""
    return {"name": recipient.display_name, "url": url}
