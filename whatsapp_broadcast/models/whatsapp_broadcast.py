from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ..engine import queries

STATES = [
    ("draft", "Draft"),
    ("to_approve", "To Approve"),
    ("scheduled", "Scheduled"),
    ("preparing", "Preparing"),
    ("sending", "Sending"),
    ("paused", "Paused"),
    ("done", "Done"),
    ("cancelled", "Cancelled"),
    ("failed", "Failed"),
]

#: Why a broadcast stands where it stands; ``state_detail`` holds the provider's words.
STATE_REASONS = [
    ("person", "By a person"),
    ("template", "The template cannot be sent"),
    ("category", "The provider changed the template's category"),
    ("content", "The template has other variables now"),
    ("number", "The number cannot send"),
    ("account", "The provider stopped the account"),
    ("credentials", "The provider refused the access token"),
    ("restored", "The database was restored or copied"),
    ("launcher", "Whoever launched it may no longer do so"),
    ("nobody", "Nobody could be written to"),
    ("message", "The message cannot be sent"),
    ("unreachable", "The provider cannot be reached"),
    ("quality", "The number's quality fell"),
    ("request", "Too many messages were refused as wrong"),
    ("undeliverable", "Too many people cannot be reached: check your list"),
]

#: Why a broadcast that is sending sends nothing for a while.
REST_REASONS = [
    ("window", "Outside its sending hours"),
    ("daily_limit", "The limit of people a day is reached"),
    ("held", "The provider looks at the template first"),
    ("unreachable", "The provider cannot be reached"),
]

#: At which hours a broadcast sends.
SEND_WINDOWS = [
    ("always", "At any hour"),
    ("company", "In the company's time zone"),
    ("recipient", "In each recipient's time zone"),
]

#: Which recipients of earlier broadcasts are written to.
EARLIER_RESULTS = [
    ("not_delivered", "Did not get it"),
    ("not_read", "Got it, but did not read it"),
    ("not_replied", "Read it, but did not reply"),
    ("replied", "Replied"),
    ("failed_retryable", "Failed for a reason that may pass"),
    ("not_reached", "Were surely not reached"),
]

#: ``audience_cursor`` of a broadcast whose recipients are complete.
PREPARED = "done"

#: No one writes these: the engine and the actions do.
PROTECTED_FIELDS = {
    "state",
    "state_reason",
    "state_detail",
    "launcher_id",
    "launch_context",
    "launched_category",
    "source_id",
    "tracked_links",
    "audience_bounds",
    "audience_cursor",
    "begins_at",
    "started_at",
    "completed_at",
    "media_id",
    "resting_until",
    "rest_reason",
    "held_since",
    "threshold_base",
    "pause_is_told",
    "upload_attempts",
    "company_tz",
    "recipient_timezones",
    "ab_decide_at",
    "ab_winner",
    "recurrence_start",
    "origin_id",
    "next_run_id",
    "template_seen",
    "forecast",
    "approval_people",
    "approval_cost",
    "approver_id",
    "approved_people",
}

#: What was reviewed and launched stays as it was.
FROZEN_FIELDS = {
    "company_id",
    "number_id",
    "message_type",
    "template_id",
    "template_params",
    "in_recipient_language",
    "variant_ids",
    "ab_share",
    "body",
    "track_links",
    "media_kind",
    "media_file",
    "media_filename",
    "media_link",
    "media_caption",
    "audience_type",
    "audience_model",
    "audience_domain",
    "lead_ids",
    "partner_ids",
    "list_ids",
    "exclude_list_ids",
    "exclude_days",
    "custom_recipients",
    "custom_row_ids",
    "custom_columns",
    "earlier_broadcast_ids",
    "earlier_result",
    "include_closed",
    "skip_country_guessed",
    "only_new",
    "scheduled_at",
    "recurrence",
    "recurrence_interval",
    "recurrence_until",
}

#: Of these, what says when, and not who gets what: a review stays true.
TIME_FIELDS = {
    "scheduled_at",
    "recurrence",
    "recurrence_interval",
    "recurrence_until",
}


#: What a broadcast that goes on by a person's word leaves behind.
RESTED = {"resting_until": False, "rest_reason": False, "held_since": False}


class WhatsappBroadcast(models.Model):
    _name = "whatsapp.broadcast"
    _description = "WhatsApp Broadcast"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"

    # === FIELDS: WHO === #

    name = fields.Char(required=True, copy=False, tracking=True)
    description = fields.Text()
    active = fields.Boolean(default=True)
    user_id = fields.Many2one(
        "res.users",
        "Responsible",
        default=lambda self: self.env.user,
        required=True,
        index=True,
        tracking=True,
    )
    company_id = fields.Many2one(
        "res.company",
        default=lambda self: self.env.company,
        required=True,
        index=True,
    )
    launcher_id = fields.Many2one(
        "res.users",
        "Launched by",
        readonly=True,
        copy=False,
        ondelete="restrict",
        help="The audience is read with this user's rights.",
    )
    launch_context = fields.Json(readonly=True, copy=False)
    launched_category = fields.Char(
        readonly=True, copy=False, help="The template's category when it was launched."
    )

    # === FIELDS: MESSAGE === #

    number_id = fields.Many2one(
        "whatsapp.broadcast.number",
        "Send from",
        required=True,
        ondelete="restrict",
        index=True,
        default=lambda self: self._default_number(),
        tracking=True,
    )
    account_id = fields.Many2one(related="number_id.account_id", store=True, index=True)
    message_type = fields.Selection(
        [
            ("template", "Template"),
            ("text", "Text"),
            ("media", "Media"),
        ],
        required=True,
        default="template",
        help="Text and media reach only people who wrote to this number in the last "
        "24 hours.",
    )
    template_id = fields.Many2one(
        "whatsapp.broadcast.template",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('account_id', '=', account_id), ('state', '=', 'approved'),"
        " ('unsupported_reason', 'in', (False, ''))]",
        tracking=True,
    )
    template_category = fields.Selection(related="template_id.category")
    template_header_type = fields.Selection(related="template_id.header_type")
    template_params = fields.Json(
        "Variables",
        help="Values for this broadcast only, by variable: "
        '{"body.1": {"field": "contact_name", "fallback": "friend"}, '
        '"body.2": {"text": "May 5"}}',
    )
    body = fields.Text()
    media_kind = fields.Selection(
        [
            ("image", "Image"),
            ("video", "Video"),
            ("document", "Document"),
            ("audio", "Audio"),
        ],
    )
    media_file = fields.Binary(attachment=True)
    media_filename = fields.Char()
    media_link = fields.Char("Media URL", help="A public https address.")
    media_id = fields.Char("Media ID", readonly=True, copy=False)
    media_caption = fields.Text()
    upload_attempts = fields.Integer(readonly=True, copy=False)

    # === FIELDS: AUDIENCE === #

    audience_type = fields.Selection(
        [
            ("leads", "Leads"),
            ("contacts", "Contacts"),
            ("list", "Lists"),
            ("filter", "Filter"),
            ("custom", "Pasted or uploaded"),
            ("broadcast", "Earlier broadcasts"),
        ],
        required=True,
        default="leads",
    )
    audience_model = fields.Selection(
        [("crm.lead", "Leads"), ("res.partner", "Contacts")],
        compute="_compute_audience_model",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
    )
    audience_domain = fields.Char(
        "Filter", help="Also holds a selection of more than 20,000 records."
    )
    lead_ids = fields.Many2many("crm.lead", string="Leads", copy=True)
    partner_ids = fields.Many2many("res.partner", string="Contacts", copy=True)
    list_ids = fields.Many2many(
        "whatsapp.broadcast.list", "whatsapp_broadcast_list_rel", string="Lists"
    )
    exclude_list_ids = fields.Many2many(
        "whatsapp.broadcast.list",
        "whatsapp_broadcast_exclude_list_rel",
        string="But not",
        help="Whoever is on one of these lists is left out.",
    )
    exclude_days = fields.Integer(
        "Not messaged for",
        help="Days: whoever got any broadcast of this company since is left out. 0: "
        "nobody.",
    )
    custom_row_ids = fields.One2many(
        "whatsapp.broadcast.custom.row", "broadcast_id", "Rows", copy=True
    )
    custom_columns = fields.Json(help="Columns that variables may take values from.")
    earlier_broadcast_ids = fields.Many2many(
        "whatsapp.broadcast",
        "whatsapp_broadcast_earlier_rel",
        "broadcast_id",
        "earlier_id",
        string="Of these broadcasts",
    )
    earlier_result = fields.Selection(
        EARLIER_RESULTS, "Those who", default="not_delivered"
    )
    include_closed = fields.Boolean("Include won, lost and archived")
    skip_closed_leads = fields.Boolean(
        "Leave out leads closed meanwhile",
        default=True,
        help="A lead that is won, lost or archived after the launch gets no message.",
    )
    skip_country_guessed = fields.Boolean(
        "Leave out numbers without a country",
        help="Whose number names no country: that of the company is only guessed.",
    )
    audience_bounds = fields.Json(
        readonly=True, copy=False, help="The last id of each model at the launch."
    )
    audience_cursor = fields.Char(readonly=True, copy=False)
    recipient_ids = fields.One2many("whatsapp.broadcast.recipient", "broadcast_id")

    # === FIELDS: COURSE === #

    state = fields.Selection(
        STATES,
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
        group_expand=True,
    )
    state_reason = fields.Selection(STATE_REASONS, readonly=True, copy=False)
    state_detail = fields.Char(readonly=True, copy=False)
    scheduled_at = fields.Datetime(copy=False, tracking=True)
    messages_per_minute = fields.Integer(
        help="0: only the number's own limit.",
    )
    batch_size = fields.Integer(
        help="How many messages are taken in hand at once at most; 0: automatic.",
    )
    started_at = fields.Datetime(readonly=True, copy=False)
    completed_at = fields.Datetime(readonly=True, copy=False)
    resting_until = fields.Datetime(readonly=True, copy=False)
    rest_reason = fields.Selection(REST_REASONS, readonly=True, copy=False)
    held_since = fields.Datetime(readonly=True, copy=False)
    threshold_base = fields.Json(
        readonly=True, copy=False, help="Failures that a person has seen and passed."
    )
    pause_is_told = fields.Boolean(readonly=True, copy=False)
    is_resting = fields.Boolean(compute="_compute_is_resting")
    hears_nothing = fields.Boolean(compute="_compute_hears_nothing")

    _messages_per_minute_positive = models.Constraint(
        "CHECK (messages_per_minute >= 0)", "Messages per minute cannot be negative."
    )
    _batch_size_positive = models.Constraint(
        "CHECK (batch_size >= 0)", "The batch size cannot be negative."
    )

    # === DEFAULTS AND COMPUTES === #

    @api.model
    def _default_number(self):
        """The number this user sent from last, else the first that can send."""
        last = self.search([("user_id", "=", self.env.uid)], limit=1).number_id
        if last.active and last.state == "connected":
            return last
        numbers = self.env["whatsapp.broadcast.number"]
        return numbers.search([("state", "=", "connected")], limit=1)

    @api.depends("audience_type", "list_ids")
    def _compute_audience_model(self):
        """Say of which records variables are fields, where there are several kinds."""
        for broadcast in self:
            if broadcast.audience_type == "contacts":
                broadcast.audience_model = "res.partner"
            elif broadcast.audience_type == "leads" or not broadcast.audience_model:
                broadcast.audience_model = "crm.lead"
            elif broadcast.audience_type == "list":
                broadcast.audience_model = broadcast.list_ids._main_model()

    @api.depends("account_id.state")
    def _compute_hears_nothing(self):
        for broadcast in self:
            broadcast.hears_nothing = (
                bool(broadcast.account_id)
                and broadcast.account_id.sudo().state != "connected"
            )

    @api.depends("state", "resting_until")
    def _compute_is_resting(self):
        now = self._now()
        for broadcast in self:
            broadcast.is_resting = (
                broadcast.state in ("preparing", "sending")
                and bool(broadcast.resting_until)
                and broadcast.resting_until > now
            )

    @api.onchange("template_id")
    def _onchange_template_id(self):
        self.template_params = False

    # === PROTECTION === #

    @api.model_create_multi
    def create(self, vals_list):
        refused = PROTECTED_FIELDS | self._counter_fields()
        for vals in vals_list:
            self._refuse_fields(refused & vals.keys())
            if not (vals.get("name") or "").strip():
                vals["name"] = self._generate_name()
        return super(WhatsappBroadcast, self._without_defaults(refused)).create(
            vals_list
        )

    def write(self, vals):
        self._refuse_fields((PROTECTED_FIELDS | self._counter_fields()) & vals.keys())
        if any(broadcast.state != "draft" for broadcast in self):
            self._refuse_fields(FROZEN_FIELDS & vals.keys())
        if "active" in vals and not vals["active"]:
            self._check_archivable()
        result = super().write(vals)
        if (FROZEN_FIELDS - TIME_FIELDS) & vals.keys():
            self._clear_recipients()  # what was reviewed is no longer true
        return result

    def _write_protected(self, vals):
        """Write what no user may write: the only door for actions and the engine."""
        return super().write(vals)

    def _check_archivable(self):
        if any(
            b.state in ("to_approve", "scheduled", "preparing", "sending") for b in self
        ):
            raise UserError(
                self.env._(
                    "What is still to be sent cannot be archived. Cancel it first."
                )
            )

    def _refuse_fields(self, names):
        if names:
            raise UserError(
                self.env._(
                    "%s cannot be written. Use the broadcast's actions, or duplicate "
                    "it to change what was launched.",
                    ", ".join(sorted(names)),
                )
            )

    def _without_defaults(self, names):
        """Drop ``default_…`` keys that would write a protected field."""
        context = {
            key: value
            for key, value in self.env.context.items()
            if key.removeprefix("default_") not in names
        }
        return self.with_context(context)  # pylint: disable=context-overridden

    def _generate_name(self):
        now = format_datetime(self.env, fields.Datetime.now(), dt_format="short")
        return self.env._("Broadcast of %s", now)

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for broadcast, vals in zip(self, vals_list, strict=True):
            vals.setdefault("name", self.env._("%s (copy)", broadcast.name))
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_unless_sent(self):
        if any(b.state not in ("draft", "to_approve", "scheduled") for b in self):
            raise UserError(
                self.env._("A broadcast that was launched is kept. Archive it instead.")
            )

    def unlink(self):
        result = super().unlink()
        self.env.cr.execute(queries.CLEAR_RECIPIENTS, {"broadcast_ids": self.ids})
        return result
