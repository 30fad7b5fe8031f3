# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from datetime import UTC
from itertools import count
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..engine import queries

#: ``recurrence`` → the step of a relativedelta.
STEPS = {"daily": "days", "weekly": "weeks", "monthly": "months"}


class WhatsappBroadcast(models.Model):
    """A broadcast that comes again: each run is a record, made when the last starts.

    Runs keep the launcher, and his rights, of the first. They come at the same time of
    day on his clock, summer or winter. Times that passed while the server stood still
    are made up for once.
    """

    _inherit = "whatsapp.broadcast"

    recurrence = fields.Selection(
        [
            ("none", "Never"),
            ("daily", "Days"),
            ("weekly", "Weeks"),
            ("monthly", "Months"),
        ],
        "Repeat",
        default="none",
        required=True,
        copy=False,
        tracking=True,
    )
    recurrence_interval = fields.Integer("Repeat Every", default=1, required=True)
    recurrence_until = fields.Date("Repeat Until", copy=False, tracking=True)
    recurrence_start = fields.Datetime(readonly=True, copy=False)
    only_new = fields.Boolean(
        "Only people not yet messaged",
        copy=False,
        help="Leave out whom an earlier run of this series wrote to.",
    )
    origin_id = fields.Many2one(
        "whatsapp.broadcast",
        "First of the Series",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    next_run_id = fields.Many2one(
        "whatsapp.broadcast",
        "Following Run",
        readonly=True,
        copy=False,
        ondelete="set null",
    )
    run_count = fields.Integer("Runs", compute="_compute_runs")
    upcoming_run_id = fields.Many2one(
        "whatsapp.broadcast", "Next Run", compute="_compute_runs"
    )

    _recurrence_interval_positive = models.Constraint(
        "CHECK (recurrence_interval >= 1)", "Repeat every 1 or more."
    )

    @api.depends("origin_id", "state", "next_run_id.state")
    def _compute_runs(self):
        for broadcast in self:
            runs = broadcast._series()
            repeats = broadcast.recurrence != "none"
            waiting = runs.filtered(lambda run: run.state == "scheduled")
            broadcast.run_count = len(runs)
            broadcast.upcoming_run_id = waiting[:1] if repeats else False

    # === ACTIONS === #

    def action_open_runs(self):
        """Open all runs of the series."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_action"
        )
        action["domain"] = [("id", "in", self._series().ids)]
        return action

    def action_stop_series(self):
        """Make no further run; those that began go on.

        :raise UserError: if the series is at its end
        """
        for broadcast in self:
            broadcast.check_access("write")
            series = broadcast._series()
            series.check_access("write")
            series._lock_unfinished()
            waiting = series.filtered(lambda run: run.state == "scheduled")
            begun = series.filtered(
                lambda run: (
                    run.state in ("preparing", "sending", "paused")
                    and run._may_plan_next_run()
                )
            )
            if not waiting + begun:
                raise UserError(self.env._("This series has no further run."))
            begun._write_protected({"recurrence": "none"})
            for run in waiting:
                run._set_state("cancelled", reason="person")
        return True

    def _lock_unfinished(self):
        """Wait, as other actions do, for the engine's and the starter's short locks."""
        for run in self.sorted("id"):
            if run.state not in ("done", "cancelled", "failed"):
                self.env.cr.execute(queries.LOCK_BROADCAST, {"id": run.id})
        self.invalidate_recordset(["state", "next_run_id"])

    # === RUNS === #

    def _series(self):
        """Return all runs of this one's series that the user may read, newest first."""
        self.ensure_one()
        origin = self.origin_id or self._origin
        return self.with_context(active_test=False).search(
            ["|", ("id", "=", origin.id), ("origin_id", "=", origin.id)]
        )

    def _earlier_runs(self):
        """Return the runs whose recipients are left out of this one."""
        if not self.only_new or not self.origin_id:
            return self.browse()
        return self.sudo()._series() - self

    def _may_plan_next_run(self):
        return self.recurrence != "none" and not self.next_run_id

    def _plan_next_run(self):
        """Make the next run, in the launcher's environment."""
        at = self._may_plan_next_run() and self._next_run_at()
        if not at:
            return
        run = self.copy(
            {
                "name": self._run_name(at),
                "recurrence": self.recurrence,
                "recurrence_until": self.recurrence_until,
                "only_new": self.only_new,
                "scheduled_at": at,
            }
        )
        run._write_protected(
            {
                "launcher_id": self.launcher_id.id,
                "launch_context": self.launch_context,
                "launched_category": self.launched_category,
                "recurrence_start": self.recurrence_start,
                "origin_id": (self.origin_id or self).id,
                "state": "scheduled",
            }
        )
        self._write_protected({"next_run_id": run.id})
        self._wake("prepare", at=at)

    def _next_run_at(self):
        """Return when the next run is due, or None after the last one."""
        zone = ZoneInfo(self._series_tz())
        begin = _local(self.recurrence_start, zone)
        step = {STEPS[self.recurrence]: self.recurrence_interval}
        after = max(self._now(), self.scheduled_at or self.recurrence_start)
        # Counted from the beginning: the 31st comes back after February.
        walls = (begin + relativedelta(**step) * number for number in count(1))
        wall = next(wall for wall in walls if _utc(wall, zone) > after)
        if self.recurrence_until and wall.date() > self.recurrence_until:
            return None
        return _utc(wall, zone)

    def _series_tz(self):
        return self.launch_context.get("tz") or self.company_tz

    def _run_name(self, at):
        origin = self.origin_id or self
        day = _local(at, ZoneInfo(self._series_tz())).date()
        return self.env._(
            "%(name)s, %(date)s",
            name=origin.name,
            date=format_date(self.env, day),
        )

    # === HOOKS === #

    def _freeze_launcher(self):
        result = super()._freeze_launcher()
        if self.recurrence != "none":
            now = self._now()
            start = max(now, self.scheduled_at or now)
            self._write_protected({"recurrence_start": start})
        return result

    def _prepare_step(self):
        if not self.audience_cursor:
            self._plan_next_run()
        return super()._prepare_step()

    def _fail(self, reason, detail):
        """Go on with the series, unless it is its launcher who may not."""
        result = super()._fail(reason, detail)
        if (
            self.state == "failed"
            and reason != "launcher"
            and self._may_plan_next_run()
        ):
            try:
                with self.env.cr.savepoint():
                    self._as_launcher()._plan_next_run()
            except UserError as error:
                self.message_post(
                    body=self.env._("The series ends, no further run: %s", error)
                )
        return result

    def _end_without_recipients(self):
        """That nobody is new is no failure of a later run."""
        if not self._earlier_runs():
            return super()._end_without_recipients()
        self._set_state("done")
        self.message_post(body=self.env._("Nobody new to write to."))
        return None


def _local(instant, zone):
    return instant.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _utc(wall, zone):
    return wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
