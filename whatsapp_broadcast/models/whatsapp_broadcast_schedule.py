# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

from datetime import MAXYEAR

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from odoo.addons.base.models.res_partner import _tz_get

from ..engine import phone_zones, queries, windows
from .whatsapp_broadcast import SEND_WINDOWS

#: Weekdays, Monday first: the names that the web client's week_days widget asks for.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: What a person may still change while a broadcast is paused.
WINDOW_FIELDS = {
    "send_window",
    "send_window_start",
    "send_window_end",
    *WEEKDAYS,
}


class WhatsappBroadcast(models.Model):
    """At which hours a broadcast sends; outside of them it rests and goes on by itself.

    ``send_window`` says whose clock counts: ``company`` the company's, ``recipient``
    each recipient's own (the contact's time zone, else all zones that the phone number
    may be in, else the company's). The recipients' zones are frozen with them.
    """

    _inherit = "whatsapp.broadcast"

    send_window = fields.Selection(
        SEND_WINDOWS,
        compute="_compute_send_window",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
        tracking=True,
        help="Outside these hours the broadcast rests and goes on by itself.",
    )
    send_window_start = fields.Float("From", default=9.0)
    send_window_end = fields.Float("Until", default=20.0)
    mon = fields.Boolean(default=True)
    tue = fields.Boolean(default=True)
    wed = fields.Boolean(default=True)
    thu = fields.Boolean(default=True)
    fri = fields.Boolean(default=True)
    sat = fields.Boolean(default=True)
    sun = fields.Boolean(default=True)
    company_tz = fields.Char(
        "Company's Time Zone",
        compute="_compute_company_tz",
        compute_sudo=True,
        store=True,
        help="That of the company's contact, else of who launched the broadcast.",
    )
    recipient_timezones = fields.Json(
        readonly=True, copy=False, help="Each combination of the recipients' zones."
    )
    next_message_at = fields.Datetime(
        compute="_compute_next_message_at",
        help="When the broadcast sends, but nothing for the next minute.",
    )

    # === COMPUTES === #

    @api.depends("state", "is_resting")
    def _compute_next_message_at(self):
        sending = self.filtered(lambda b: b.state == "sending" and not b.is_resting)
        self.env["whatsapp.broadcast.recipient"].flush_model(["due_at"])
        self.env.cr.execute(queries.WAITING, {"ids": sending.ids, "seconds": 60})
        due = dict(self.env.cr.fetchall())
        for broadcast in self:
            at = due.get(broadcast.id)
            # who waits for the end of a test waits for no hour
            broadcast.next_message_at = at if at and at.year < MAXYEAR else False

    @api.depends("template_id", "message_type")
    def _compute_send_window(self):
        for broadcast in self:
            if broadcast.state != "draft":
                broadcast.send_window = broadcast.send_window or "always"
            elif (
                broadcast.message_type == "template"
                and broadcast.template_category == "marketing"
            ):
                broadcast.send_window = "recipient"
            else:
                broadcast.send_window = "always"

    @api.depends("company_id.partner_id.tz", "launcher_id.tz")
    def _compute_company_tz(self):
        for broadcast in self:
            broadcast.company_tz = (
                broadcast.company_id.partner_id.tz or broadcast.launcher_id.tz or "UTC"
            )

    # === CHECKS === #

    @api.constrains("send_window", "send_window_start", "send_window_end", *WEEKDAYS)
    def _check_send_window(self):
        for broadcast in self.filtered(lambda b: b.send_window != "always"):
            start, end = broadcast.send_window_start, broadcast.send_window_end
            if not 0 <= start < end <= 24:
                raise ValidationError(
                    self.env._(
                        "Sending from %(start)s until %(end)s never opens. Choose two "
                        "hours of one day, the later one last, 24:00 at most.",
                        start=_clock(start),
                        end=_clock(end),
                    )
                )
            if not broadcast._send_window_days():
                raise ValidationError(
                    self.env._("Choose at least one weekday to send on.")
                )

    @api.constrains("company_tz")
    def _check_rest(self):
        """What rests until an opening in another zone is to be looked at anew.

        Whoever changes the company's zone need not see its broadcasts.
        """
        self.sudo().filtered(lambda b: b.rest_reason == "window")._end_rest()

    # === PROTECTION === #

    def write(self, vals):
        changes = WINDOW_FIELDS & vals.keys()
        if changes:
            self._check_window_is_free(changes)
        result = super().write(vals)
        if changes:
            self._change_window()
        return result

    def _check_window_is_free(self, names):
        labels = dict(self._fields["state"]._description_selection(self.env))
        for broadcast in self:
            if broadcast.state not in ("draft", "scheduled", "paused"):
                raise UserError(
                    self.env._(
                        "%(name)s is in state %(state)s: pause it to change when it "
                        "sends (%(fields)s).",
                        name=broadcast.name,
                        state=labels[broadcast.state],
                        fields=", ".join(sorted(names)),
                    )
                )

    # === WINDOW === #

    def _send_window_days(self):
        return [number for number, name in enumerate(WEEKDAYS) if self[name]]

    def _window(self, timezones):
        """Return the :class:`engine.windows.Window` over those of its recipients."""
        return windows.Window(
            self.send_window,
            self.send_window_start,
            self.send_window_end,
            self._send_window_days(),
            self.company_tz,
            timezones,
        )

    def _window_values(self, chunk, is_due):
        """Return the parameters of ``FREEZE`` that keep the window.

        :param SQL chunk: query of the next records
        :param bool is_due: whether rows may be sent, unlike those of a review
        """
        zones, closed = {}, {}
        by_recipient = self.send_window == "recipient" and is_due
        if by_recipient:
            zones = self._phone_zones(chunk)
            known = {name for name, _label in _tz_get(self)} | {""}
            known.update(filter(None, zones.values()))
            closed = self._window(sorted(known)).closed(self._now())
        return {
            **self._zone_values(by_recipient, zones),
            "closed": list(closed),
            "openings": list(closed.values()),
        }

    def _phone_zones(self, records):
        """Return {prefix: time zones} of the column ``phone`` of a query."""
        self.env.cr.execute(
            SQL(queries.PHONE_PREFIXES, length=phone_zones.PREFIX, records=records)
        )
        return {
            prefix: phone_zones.timezones(phone)
            for prefix, phone in self.env.cr.fetchall()
            if phone
        }

    def _zone_values(self, by_recipient, zones):
        return {
            "by_recipient": by_recipient,
            "prefix_length": phone_zones.PREFIX,
            "prefixes": list(zones),
            "prefix_timezones": list(zones.values()),
        }

    def _add_recipient_timezones(self, found):
        """Remember which zones there are, so that the engine need not look for them."""
        known = set(self.recipient_timezones or ())
        if not found <= known:
            self._write_protected({"recipient_timezones": sorted(known | found)})

    def _change_window(self):
        """Let frozen rows follow the new window."""
        for broadcast in self.filtered(lambda b: b.state == "paused"):
            broadcast._change_rows_window(broadcast.send_window == "recipient")
        self.env["whatsapp.broadcast.recipient"].invalidate_model(
            ["timezones", "due_at"]
        )
        self.filtered(lambda b: b.rest_reason == "window")._end_rest()

    def _change_rows_window(self, by_recipient):
        waiting = SQL(queries.WAITING_PHONES, broadcast_id=self.id)
        zones = self._phone_zones(waiting) if by_recipient else {}
        self.env.cr.execute(
            queries.CHANGE_WINDOW,
            {"broadcast_id": self.id, **self._zone_values(by_recipient, zones)},
        )
        found = sorted(timezones for (timezones,) in self.env.cr.fetchall())
        self._write_protected({"recipient_timezones": found if by_recipient else False})

    def _end_rest(self):
        """Let the engine look at once whether it may send."""
        if self:
            self._write_protected({"resting_until": False, "rest_reason": False})
            self._wake("send")


def _clock(hours):
    minutes = round(60 * hours)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
