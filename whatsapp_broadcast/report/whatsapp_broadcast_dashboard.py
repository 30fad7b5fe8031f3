# One concern, one file.
# pylint: disable=consider-merging-classes-inherited

from datetime import datetime, timedelta

import pytz

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

#: What is counted of each group; rates are made of these.
COUNTS = (
    "written_count",
    "accepted_count",
    "delivered_count",
    "read_count",
    "replied_count",
    "failed_count",
)
#: Days that may be looked at, and broadcasts that are listed.
MAX_DAYS, TOP = 366, 10


class WhatsappBroadcastReport(models.Model):
    """What the dashboard shows, in one pass over the recipients."""

    _inherit = "whatsapp.broadcast.report"

    @api.model
    @api.readonly
    def get_dashboard(
        self, days=30, company_id=False, number_id=False, campaign_id=False
    ):
        """Return what became of the messages of the last days, today included.

        Days, hours and weekdays are those of the user's time zone.

        :param int days: 1 to 366
        :return: ``totals`` (counts, and ``opt_out_count`` of the whole company, None
            for a campaign), ``days`` (each day's counts), ``hours`` (counts by weekday
            "1" = Monday and hour "00"), ``failures``, ``broadcasts`` (the ten that
            wrote to most people), ``domain`` of all of it, ``choices`` for the filters
        :rtype: dict
        :raise UserError: if ``days`` is out of range
        """
        self.check_access("read")
        if not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
            raise UserError(self.env._("Choose between 1 and %s days.", MAX_DAYS))
        self = self.with_context(tz=str(self.env.tz))
        first = self._today() - timedelta(days=days - 1)
        subject = self._subject(company_id, number_id, campaign_id)
        domain = Domain("date", ">=", self._utc(first)) & subject
        totals, by_day, by_hour, by_error, by_broadcast = self._read_grouping_sets(
            domain,
            [[], ["date:day"], ["weekday", "hour"], ["error_class"], ["broadcast_id"]],
            [f"{name}:sum" for name in COUNTS],
        )
        return {
            "totals": {
                **_counts(totals[0] if totals else ()),
                "opt_out_count": self._count_opt_outs(first, subject),
            },
            "days": self._each_day(first, days, by_day),
            "hours": [
                {"weekday": weekday, "hour": hour, **_counts(counts)}
                for weekday, hour, *counts in by_hour
            ],
            "failures": self._failures(by_error),
            "broadcasts": self._top_broadcasts(by_broadcast),
            "domain": list(domain),
            "choices": self._choices(),
        }

    # === WHAT IS LOOKED AT === #

    def _today(self):
        return datetime.now(self.env.tz).date()

    def _utc(self, day):
        """Return the beginning of a day of the user, in naive UTC."""
        begin = self.env.tz.localize(datetime.combine(day, datetime.min.time()))
        return begin.astimezone(pytz.utc).replace(tzinfo=None)

    def _subject(self, company_id, number_id, campaign_id):
        chosen = {
            "company_id": company_id,
            "number_id": number_id,
            "campaign_id": campaign_id,
        }
        return Domain.AND(
            Domain(name, "=", value) for name, value in chosen.items() if value
        )

    def _choices(self):
        """Return {filter: [(id, name)]} of what the user may choose from."""
        broadcasts = self.env["whatsapp.broadcast"].with_context(active_test=False)
        groups = {
            name: broadcasts._read_group([("started_at", "!=", False)], [name])
            for name in ("number_id", "campaign_id")
        }
        return {
            "company_id": [(c.id, c.name) for c in self.env.companies],
            **{
                name: [(r.id, r.display_name) for (r,) in found if r]
                for name, found in groups.items()
            },
        }

    # === WHAT IS SHOWN === #

    def _count_opt_outs(self, first, subject):
        if any(leaf.field_expr == "campaign_id" for leaf in subject.iter_conditions()):
            return None
        [(count,)] = self.env["whatsapp.broadcast.daily"]._read_group(
            Domain("date", ">=", first) & subject, [], ["opt_out_count:sum"]
        )
        return count or 0

    def _each_day(self, first, days, groups):
        found = {at.date(): counts for at, *counts in groups}
        every = (first + timedelta(days=number) for number in range(days))
        return [
            {"date": day.isoformat(), **_counts(found.get(day, ()))} for day in every
        ]

    def _failures(self, groups):
        labels = dict(self._fields["error_class"]._description_selection(self.env))
        advice = self.env["whatsapp.broadcast.recipient"]._advice_by_class()
        found = [
            {
                "error_class": error_class,
                "label": labels.get(error_class) or self.env._("Other"),
                "advice": advice.get(error_class) or "",
                **_counts(counts),
            }
            for error_class, *counts in groups
        ]
        failed = [group for group in found if group["failed_count"]]
        return sorted(failed, key=lambda group: -group["failed_count"])

    def _top_broadcasts(self, groups):
        found = [(broadcast, _counts(counts)) for broadcast, *counts in groups]
        found.sort(key=lambda group: (-group[1]["written_count"], -group[0].id))
        return [
            {"id": broadcast.id, "name": broadcast.display_name, **counts}
            for broadcast, counts in found[:TOP]
        ]


def _counts(values):
    """Return {name of a count: number}; zeros for no values at all."""
    numbers = [value or 0 for value in values] or [0] * len(COUNTS)
    return dict(zip(COUNTS, numbers, strict=True))
