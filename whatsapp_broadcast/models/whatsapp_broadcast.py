from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_datetime

from ..engine import queries
from ..tools.crons import wake

STATES = [
    ("draft", "Draft"),
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
    "audience_bound",
    "audience_cursor",
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
    "recurrence_start",
    "origin_id",
    "next_run_id",
}

#: What was reviewed and launched stays as it was.
FROZEN_FIELDS = {
    "company_id",
    "number_id",
    "message_type",
    "template_id",
    "template_params",
    "body",
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
    "include_closed",
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
    media_caption = fields.Text(size=1024)
    upload_attempts = fields.Integer(readonly=True, copy=False)

    # === FIELDS: AUDIENCE === #

    audience_type = fields.Selection(
        [
            ("leads", "Leads"),
            ("contacts", "Contacts"),
            ("filter", "Filter"),
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
    include_closed = fields.Boolean("Include won, lost and archived")
    skip_closed_leads = fields.Boolean(
        "Leave out leads closed meanwhile",
        default=True,
        help="A lead that is won, lost or archived after the launch gets no message.",
    )
    audience_bound = fields.Integer(readonly=True, copy=False)
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

    @api.depends("audience_type")
    def _compute_audience_model(self):
        for broadcast in self:
            if broadcast.audience_type == "contacts":
                broadcast.audience_model = "res.partner"
            elif broadcast.audience_type == "leads" or not broadcast.audience_model:
                broadcast.audience_model = "crm.lead"

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

    # === ACTIONS === #

    def action_launch(self, accept_no_webhook=False):
        """Freeze the audience as the present user sees it, and send.

        Returns at once; the audience is prepared in the background.

        :param bool accept_no_webhook: send marketing although replies and STOP cannot
            be heard; without it such a broadcast is refused
        :raise UserError: if it is not a draft, or cannot be sent; says what to do
        """
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("launched"))
            broadcast._check_launchable(accept_no_webhook)
            broadcast._freeze_launcher()
            broadcast._set_state("preparing")
        self._wake("prepare")
        return True

    def action_schedule(self, accept_no_webhook=False):
        """Launch by itself at ``scheduled_at``, with the present user's rights.

        :raise UserError: as :meth:`action_launch`, and if the time is not ahead
        """
        for broadcast in self:
            broadcast._lock_for_action(("draft",), self.env._("scheduled"))
            if not broadcast.scheduled_at or broadcast.scheduled_at <= self._now():
                raise UserError(self.env._("Choose a time that is still ahead."))
            broadcast._check_launchable(accept_no_webhook)
            broadcast._freeze_launcher()
            broadcast._set_state("scheduled")
        self._wake("prepare", at=self.mapped("scheduled_at"))
        return True

    def action_pause(self):
        """Stop before the next claim; rows in flight still get their answer."""
        for broadcast in self:
            broadcast._lock_for_action(("preparing", "sending"), self.env._("paused"))
            broadcast._set_state("paused", reason="person")
        return True

    def action_resume(self):
        """Go on where it was paused.

        :raise UserError: if what stopped it still stands; says what to do
        """
        for broadcast in self:
            broadcast._lock_for_action(("paused",), self.env._("resumed"))
            broadcast._check_sender()
            broadcast._check_message()
            # Who resumes has seen a changed category and goes on with it.
            category = broadcast.template_category
            broadcast._write_protected({"launched_category": category, **RESTED})
            broadcast._forget_failures()
            broadcast._set_state(broadcast._state_to_resume())
        self._wake("prepare")
        self._wake("send")
        return True

    def action_cancel(self):
        """End it; what was not claimed yet is cancelled, the rest is kept."""
        for broadcast in self:
            broadcast._lock_for_action(
                ("scheduled", "preparing", "sending", "paused"),
                self.env._("cancelled"),
            )
            broadcast._set_state("cancelled", reason="person")
        self._wake("send")
        return True

    def action_back_to_draft(self):
        """Undo a schedule."""
        for broadcast in self:
            broadcast._lock_for_action(("scheduled",), self.env._("unscheduled"))
            broadcast._write_protected({"launcher_id": False, "launch_context": False})
            broadcast._set_state("draft")
        return True

    def action_retry_failed(self):
        """Send again to those whose failure allows it.

        :raise UserError: if there is none
        """
        retried = self.env["whatsapp.broadcast.recipient"]
        for broadcast in self:
            broadcast._lock_for_action(
                ("sending", "paused", "done"), self.env._("retried")
            )
            retried += retried._retry_failed(broadcast)
        if not retried:
            raise UserError(
                self.env._(
                    "No failed message may be sent again: each failed for a reason "
                    "that lies with the recipient or the message."
                )
            )
        retried.broadcast_id._reopen()
        return True

    def action_open_launch(self):
        """Open the last question before launch."""
        self.ensure_one()
        self._check_launchable(accept_no_webhook=True)
        if self._is_reviewable():
            self.action_review()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Launch"),
            "res_model": "whatsapp.broadcast.launch",
            "view_mode": "form",
            "target": "new",
            "context": {"default_broadcast_id": self.id},
        }

    # === STATE === #

    def _lock_for_action(self, states, done):
        """Check the right to write and the state, and keep others from changing it."""
        self.ensure_one()
        self.check_access("write")
        # Waits, unlike lock_for_update: the engine holds a share of this lock for
        # some milliseconds of each claim, and that is no reason to refuse a person.
        self.env.cr.execute(queries.LOCK_BROADCAST, {"id": self.id})
        self.invalidate_recordset(["state"])
        if self.state not in states:
            labels = dict(self._fields["state"]._description_selection(self.env))
            raise UserError(
                self.env._(
                    "%(name)s is in state %(state)s and cannot be %(done)s.",
                    name=self.name,
                    state=labels[self.state],
                    done=done,
                )
            )

    def _freeze_launcher(self):
        """Remember in whose eyes the audience is what it is."""
        if not self.env.user.active:
            raise UserError(
                self.env._(
                    "%s is not a person whose rights could decide who is written to. "
                    "Launch as an active user.",
                    self.env.user.name,
                )
            )
        self._write_protected(
            {
                "launcher_id": self.env.uid,
                "launched_category": self.template_category,
                "launch_context": {
                    "allowed_company_ids": self.env.companies.ids,
                    "lang": self.env.lang,
                    "tz": self.env.user.tz,
                },
            }
        )

    def _as_launcher(self):
        """Return the broadcast in the environment it was launched in.

        :raise AccessError: if the launcher was archived or lost the right
        """
        self.ensure_one()
        launcher = self.launcher_id
        if not launcher.active:
            raise AccessError(self.env._("%s was archived.", launcher.name))
        # In that context alone: the cron's own shows archived records.
        context = self.launch_context
        broadcast = self.with_user(launcher)
        broadcast = broadcast.with_context(context)  # pylint: disable=context-overridden
        companies = launcher.company_ids.ids
        if not set(context["allowed_company_ids"]) <= set(companies):
            raise AccessError(self.env._("%s lost a company.", launcher.name))
        broadcast.check_access("write")
        return broadcast

    def _forget_failures(self):
        """Let only failures from here on count against the thresholds."""
        self.flush_recordset()
        self.env.cr.execute(queries.FORGET_FAILURES, {"ids": self.ids})
        self.invalidate_recordset(["threshold_base"])

    def _now(self):
        """The time by the database's clock: hosts need not agree."""
        return self.env.cr.now().replace(microsecond=0)

    def _set_state(self, state, reason=False, detail=False):
        values = {
            "state": state,
            "state_reason": reason,
            "state_detail": detail,
            # The engine's pauses are told by the driver; this one has its person.
            "pause_is_told": state == "paused",
        }
        if state == "preparing":
            values["started_at"] = self.started_at or self._now()
            values["upload_attempts"] = 0
        if state in ("done", "cancelled", "failed"):
            values["completed_at"] = self._now()
        self._write_protected(values)
        if state in ("cancelled", "failed"):
            self._cancel_reviewed()

    def _cancel_reviewed(self):
        """End rows that a review made and that no launch took over."""
        self.flush_recordset()
        self.env.cr.execute(queries.CANCEL_REVIEWED, {"ids": self.ids})
        self.env["whatsapp.broadcast.recipient"].invalidate_model(["state"])

    def _state_to_resume(self):
        if self.audience_cursor == PREPARED:
            return "sending"
        ahead = self.scheduled_at and self.scheduled_at > self._now()
        return "scheduled" if ahead and not self.audience_cursor else "preparing"

    def _say_restored(self):
        """Leave word on what the guard against copies paused."""
        self.invalidate_recordset(["state", "state_reason"])
        for broadcast in self:
            broadcast.message_post(
                body=self.env._(
                    "Paused: this database was restored, copied or stood still. Check "
                    "at the provider what was sent since, then resume."
                )
            )

    def _say_paused(self):
        """Leave word, and something to do, on what the engine paused."""
        reasons = dict(self._fields["state_reason"]._description_selection(self.env))
        for broadcast in self:
            reason = reasons.get(broadcast.state_reason, "")
            note = f"{reason}. {broadcast.state_detail or ''}"
            broadcast.message_post(body=self.env._("Paused: %s", note))
            broadcast.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._("Paused: %s", reason),
                note=note,
                user_id=broadcast.user_id.id,
            )
        self._write_protected({"pause_is_told": True})

    def _say_done(self):
        """Tell of the end, which the engine wrote past the ORM."""
        self.invalidate_recordset()
        for broadcast in self:
            broadcast.message_post(body=self.env._("Done."))
        self._send_progress()

    def _reopen(self):
        """Go on sending after rows were queued again."""
        for broadcast in self.filtered(lambda b: b.state == "done"):
            broadcast._check_sender()
            broadcast._check_message()
            broadcast._write_protected({"completed_at": False})
            broadcast._set_state("sending")
        self._wake("send")

    @api.model
    def _wake(self, cron, at=None):
        """Have audiences prepared, after commit or at given datetimes, or rows sent.

        :param str cron: ``prepare`` or ``send``
        """
        if cron == "send":
            self.env["whatsapp.broadcast.lane"].sudo()._wake_at(0)
        elif at:
            self.env.ref("whatsapp_broadcast.ir_cron_prepare").sudo()._trigger(at)
        else:
            wake(self.env.ref("whatsapp_broadcast.ir_cron_prepare").sudo())

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
        if any(b.state in ("scheduled", "preparing", "sending") for b in self):
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
        if any(b.state not in ("draft", "scheduled") for b in self):
            raise UserError(
                self.env._("A broadcast that was launched is kept. Archive it instead.")
            )

    def unlink(self):
        result = super().unlink()
        self.env.cr.execute(queries.CLEAR_RECIPIENTS, {"broadcast_ids": self.ids})
        return result
