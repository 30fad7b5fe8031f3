# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from .whatsapp_broadcast import PREPARED

#: An audience may grow by this share after it was approved.
GROWTH = 0.1
MANAGER = "whatsapp_broadcast.group_manager"
ACTIVITY = "whatsapp_broadcast.mail_activity_approval"
#: What is not part of what is approved.
FREE_WHILE_WAITING = ("description", "message_", "activity_")


class WhatsappBroadcast(models.Model):
    """When a manager is asked first: above the company's number of people, or cost.

    Asked is at the launch, for whom can be reached then. An audience that is more than
    GROWTH larger when it is frozen is asked for again, before anybody is written to.
    """

    _inherit = "whatsapp.broadcast"

    approval_people = fields.Integer(
        "People to Approve", readonly=True, copy=False, help="When it was asked for."
    )
    approval_cost = fields.Float("Cost to Approve", readonly=True, copy=False)
    approver_id = fields.Many2one(
        "res.users", "Approved by", readonly=True, copy=False, tracking=True
    )
    approved_people = fields.Integer(readonly=True, copy=False)
    may_approve = fields.Boolean(compute="_compute_approval")
    approval_text = fields.Char("Cost in Words", compute="_compute_approval")
    is_late = fields.Boolean(compute="_compute_approval")

    @api.depends("state", "scheduled_at", "forecast")
    @api.depends_context("uid")
    def _compute_approval(self):
        now = self._now()
        for broadcast in self:
            waits = broadcast.state == "to_approve"
            broadcast.may_approve = waits and not broadcast._why_not_approve()
            broadcast.approval_text = waits and broadcast._forecast_text(
                broadcast.forecast
            )
            broadcast.is_late = (
                waits and bool(broadcast.scheduled_at) and broadcast.scheduled_at <= now
            )

    # === ACTIONS === #

    def action_approve(self):
        """Let it start, now or at its time, with the rights of who launched it.

        :raise AccessError: if the present user may not
        :raise UserError: if it cannot be sent any more; says what to do
        """
        for broadcast in self:
            broadcast._lock_for_action(("to_approve",), self.env._("approved"))
            broadcast._check_may_approve()
            # Who launched it was asked about the webhook.
            launched = broadcast._as_launcher()
            launched._check_launchable(accept_no_webhook=True)
            if broadcast.audience_cursor == PREPARED:
                launched._check_prepared_values()
            broadcast._write_protected(
                {
                    "approver_id": self.env.uid,
                    "approved_people": broadcast.approval_people,
                }
            )
            broadcast._set_state(broadcast._state_to_resume())
            broadcast._answer_request(self.env._("Approved by %s.", self.env.user.name))
        self._wake_started()
        return True

    def action_refuse(self, reason):
        """Give it back as a draft, and tell who launched it why.

        :param str reason: for who launched it
        :raise AccessError: if the present user may not
        :raise UserError: if there is no reason
        """
        if not isinstance(reason, str) or not reason.strip():
            raise UserError(self.env._("Say why, so that it can be corrected."))
        for broadcast in self:
            broadcast._lock_for_action(("to_approve",), self.env._("refused"))
            broadcast._check_may_approve()
            broadcast._answer_request(
                self.env._(
                    "Refused by %(user)s: %(reason)s",
                    user=self.env.user.name,
                    reason=reason.strip(),
                )
            )
            broadcast._release()
        return True

    def action_open_refusal(self):
        """Ask for the reason."""
        self.ensure_one()
        self._check_may_approve()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Refuse"),
            "res_model": "whatsapp.broadcast.refusal",
            "view_mode": "form",
            "target": "new",
            "context": {"default_broadcast_id": self.id},
        }

    def _wake_started(self):
        ahead = self.filtered(lambda b: b.state == "scheduled")
        if ahead:
            self._wake("prepare", at=ahead.mapped("scheduled_at"))
        if self - ahead:
            self._wake("prepare")
            self._wake("send")

    # === WHO === #

    def _check_may_approve(self):
        self.check_access("write")
        if reason := self._why_not_approve():
            raise AccessError(reason)

    def _why_not_approve(self):
        """Return why the present user may not approve, or None."""
        if not self.env.user.has_group(MANAGER):
            return self.env._("Only a manager approves a broadcast.")
        if (
            self.company_id.whatsapp_approval_by_two
            and self.launcher_id == self.env.user
        ):
            return self.env._(
                "You launched it yourself: in %s another manager approves.",
                self.company_id.name,
            )
        return None

    def _approvers(self):
        """Return the managers who may see it."""
        managers = self.env.ref(MANAGER).sudo().all_user_ids
        return managers.filtered(
            lambda user: (
                user.active
                and not user.share
                and self.company_id in user.company_ids
                and not (
                    self.company_id.whatsapp_approval_by_two
                    and user == self.launcher_id
                )
            )
        )

    # === WHEN === #

    def _start(self, state):
        """Ask first where the company wants it."""
        if not self._asks(self.launcher_id):
            return super()._start(state)
        if self._is_reviewable():
            self._review()
        forecast = self._forecast()
        if not self._exceeds(forecast):
            return super()._start(state)
        return self._ask_approval(forecast)

    def _asks(self, user):
        """Tell whether it depends on people and cost if ``user`` may launch it."""
        company = self.company_id
        has_limit = company.whatsapp_approval_people or company.whatsapp_approval_cost
        return bool(has_limit) and (
            company.whatsapp_approval_by_two or not user.has_group(MANAGER)
        )

    def _exceeds(self, forecast):
        """Tell whether a forecast is above what the company lets through unasked."""
        company = self.company_id
        people, cost = company.whatsapp_approval_people, company.whatsapp_approval_cost
        # A cost in another currency, or without a price, is not known to be below.
        unknown = forecast["unpriced"] or (
            forecast["currency_id"] != company.currency_id.id
        )
        return bool(
            (people and forecast["people"] > people)
            or (cost and (unknown or forecast["cost"] > cost))
        )

    def _ask_approval(self, forecast):
        note = self._approval_note(forecast)
        self._write_protected(
            {
                "forecast": forecast,
                "approval_people": forecast["people"],
                "approval_cost": forecast["cost"],
                "approver_id": False,
                "approved_people": 0,
            }
        )
        self._set_state("to_approve")
        self.message_post(body=note)
        for approver in self._approvers():
            self.activity_schedule(ACTIVITY, note=note, user_id=approver.id)

    def _approval_note(self, forecast):
        values = {
            "user": self.launcher_id.name,
            "people": forecast["people"],
            "cost": self._forecast_text(forecast),
            "approved": self.approved_people,
        }
        if self.approved_people:
            return self.env._(
                "The audience grew since it was approved: from %(approved)s to "
                "%(people)s people, for about %(cost)s. Nobody was written to yet.",
                **values,
            )
        return self.env._(
            "%(user)s asks to write to %(people)s people for about %(cost)s.", **values
        )

    def _answer_request(self, text):
        self.message_post(body=text, partner_ids=self.launcher_id.partner_id.ids)

    def _set_state(self, state, reason=False, detail=False):
        if self.state == "to_approve":
            self.activity_unlink([ACTIVITY])
        return super()._set_state(state, reason, detail)

    # === AT THE FREEZE === #

    def _finish_prepare(self):
        """Ask again if the audience is larger than what was approved."""
        if self._asks(self.launcher_id):
            counters = self._read_counters()[self.id]
            people = counters["recipient_count"] - counters["skipped_count"]
            if people > self.approved_people * (1 + GROWTH):
                forecast = self._forecast()
                if self._exceeds(forecast):
                    return self._ask_approval(forecast)
        return super()._finish_prepare()

    def _plan_next_run(self):
        """What was approved holds for all runs of a series."""
        result = super()._plan_next_run()
        if self.next_run_id and self.approver_id:
            self.next_run_id._write_protected(
                {
                    "approver_id": self.approver_id.id,
                    "approved_people": self.approved_people,
                }
            )
        return result

    # === PROTECTION === #

    def write(self, vals):
        names = {name for name in vals if not name.startswith(FREE_WHILE_WAITING)}
        waiting = self.filtered(lambda b: b.state == "to_approve")
        if names and waiting:
            raise UserError(
                self.env._(
                    "%(name)s waits for approval and cannot be changed (%(fields)s). "
                    "Take it back to draft first.",
                    name=waiting[0].name,
                    fields=", ".join(sorted(names)),
                )
            )
        return super().write(vals)
