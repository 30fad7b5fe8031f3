# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from odoo import models
from odoo.tools import SQL

from .. import engine
from ..engine import queries


class WhatsappBroadcast(models.Model):
    """About when a broadcast begins and ends."""

    _inherit = "whatsapp.broadcast"

    def _estimate(self, people):
        """Return about when the first and the last of ``people`` are written to.

        :return: (datetime, datetime or None if that is months ahead), naive UTC
        """
        self.ensure_one()
        self.env.flush_all()
        number_sudo = self.number_id.sudo()
        window = self._window(self._zones_ahead())
        start = max(self.scheduled_at or self._now(), self._now())
        start = window.opening(start) or start
        end = engine.finish(
            people,
            start,
            engine.pace(
                number_sudo.messages_per_second,
                number_sudo.reserve,
                self.messages_per_minute,
            ),
            window if window.kind != "always" else None,
            engine.allowances(self.env.cr, number_sudo.id),
        )
        return start, end

    def _zones_ahead(self):
        """Return the time zones of those who wait; before the freeze, their phones'."""
        if self.send_window != "recipient" or self.recipient_timezones:
            return self.recipient_timezones
        reviewed = SQL(queries.REVIEWED_PHONES, broadcast_id=self.id)
        return sorted({*self._phone_zones(reviewed).values()}) or [""]
