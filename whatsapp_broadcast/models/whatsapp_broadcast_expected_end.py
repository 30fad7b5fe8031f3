# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import models

from .. import engine
from ..engine import queries

#: Zones whose hours of sending are looked at: the estimate is asked for again and
#: again, and an audience may be in hundreds of them.
ZONES = 10


class WhatsappBroadcast(models.Model):
    """About when a broadcast that is being sent will have written to everybody."""

    _inherit = "whatsapp.broadcast"

    def get_expected_end(self):
        """Return about how fast it can send, and about when it ends at that pace.

        Counts the number's pace, shared with what else it sends, the broadcast's own,
        its hours of sending and the limit of people a day; not new tries, nor how
        many of the people need no place in that limit.

        :return: ``messages_per_minute`` and ``ends_at`` (naive UTC, False if it is not
            being sent, or more than 90 days away)
        :rtype: dict
        """
        self.ensure_one()
        self.check_access("read")
        rate = self._expected_rate()
        ends_at = self._expected_end(rate) if self.state == "sending" else None
        return {"messages_per_minute": round(60 * rate, 1), "ends_at": ends_at or False}

    def _expected_rate(self):
        """Return messages a second, the number's shared by all that it sends."""
        number_sudo = self.number_id.sudo()
        others = self.sudo().search_count(
            [
                ("number_id", "=", number_sudo.id),
                ("state", "=", "sending"),
                ("id", "!=", self.id),
            ]
        )
        share = engine.pace(number_sudo.messages_per_second, number_sudo.reserve)
        return min(
            share / (others + 1),
            engine.pace(
                number_sudo.messages_per_second,
                number_sudo.reserve,
                self.messages_per_minute,
            ),
        )

    def _expected_end(self, rate):
        self.env.flush_all()
        waits = self._waits_for_winner()
        if waits and self.ab_is_manual:
            return None  # a person decides when it goes on
        now = self._now()
        start = max(now, self.resting_until or now, waits and self.ab_decide_at or now)
        end = engine.finish(
            self.queued_count + self.sending_count,
            start,
            rate,
            self._window((self.recipient_timezones or [])[:ZONES] or None),
            engine.allowances(self.env.cr, self.number_id.id),
        )
        if waits:
            return end
        self.env.cr.execute(queries.LAST_DUE, {"broadcast_id": self.id})
        [last_due] = self.env.cr.fetchone()
        return end and max(end, last_due or end).replace(microsecond=0)
