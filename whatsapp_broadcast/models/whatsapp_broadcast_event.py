import time

from odoo import SUPERUSER_ID, api, fields, models

from ..engine import queries
from ..tools.crons import wake
from ..tools.transactions import engine_transaction
from .whatsapp_broadcast_lane import CALL_SECONDS, Housekeeping

#: When this process last tried to wake the merge, by database (monotonic seconds).
_last_wakes = {}
#: Seconds between two wakes of the merge, per database.
WAKE_EVERY = 1.0
#: Seconds that a woken merge goes on looking. A delivery wakes nobody while its process
#: (a second) or the database (another one) was woken just before.
LINGER = 2 * WAKE_EVERY + 0.5
#: Seconds between two looks into an empty inbox.
LOOK_EVERY = 0.25
#: Days that processed events are kept.
KEEP_DAYS = 30


class WhatsappBroadcastEvent(models.Model):
    """One webhook delivery, as received: the inbox that the merge drains."""

    _name = "whatsapp.broadcast.event"
    _description = "WhatsApp Webhook Event"
    _order = "id desc"
    _log_access = False

    account_id = fields.Many2one(
        "whatsapp.broadcast.account", readonly=True, ondelete="cascade", index=True
    )
    received_at = fields.Datetime(readonly=True)
    event_type = fields.Char(readonly=True)
    # Bytes as they came: jsonb refuses \\u0000 and lone surrogates.
    payload = fields.Binary(attachment=False, readonly=True)
    payload_text = fields.Text(compute="_compute_payload_text")
    state = fields.Selection(
        [
            ("new", "New"),
            ("processed", "Processed"),
            ("unmatched", "For an unknown message"),
            ("unrouted", "For an unknown number"),
            ("set_aside", "Set aside"),
        ],
        default="new",
        required=True,
        readonly=True,
    )
    processed_at = fields.Datetime(readonly=True)
    retry_at = fields.Datetime(readonly=True)
    attempt_count = fields.Integer("Attempts", readonly=True)
    error_message = fields.Char(readonly=True)

    _inbox_index = models.Index("(id) WHERE processed_at IS NULL")
    _unrouted_index = models.Index("(account_id) WHERE state = 'unrouted'")

    @api.depends("event_type", "received_at")
    def _compute_display_name(self):
        for event in self:
            received = fields.Datetime.to_string(event.received_at) or ""
            event.display_name = f"{event.event_type or ''} {received}".strip()

    def _compute_payload_text(self):
        for event in self:
            content = event.with_context(bin_size=False).payload or b""
            event.payload_text = bytes(content).decode("utf-8", "replace")

    # === THE DOOR'S SIDE === #

    @api.model
    def _receive(self, account_id, payload):
        """Store one delivery: a single INSERT, and nothing else in its transaction."""
        values = {"account_id": account_id, "payload": payload}
        # A failed statement would be logged with the people in it.
        self.env.cr.execute(queries.ADD_EVENT, values, log_exceptions=False)
        self.env.cr.postcommit.add(self._wake_merge)

    def _wake_merge(self):
        """Wake the merge at most once a second per database, whoever receives.

        A cron trigger per delivery would cost ten times the delivery itself.
        """
        registry = self.env.registry
        now = time.monotonic()
        if now - _last_wakes.get(registry.db_name, -WAKE_EVERY) < WAKE_EVERY:
            return
        _last_wakes[registry.db_name] = now
        with engine_transaction(registry)() as cr:
            pace = {"kind": "merge", "key": 0}
            cr.execute(queries.ADD_PACE, pace)
            cr.execute(queries.TAKE_PACE, {**pace, "seconds": WAKE_EVERY})
            if cr.fetchone():
                env = api.Environment(cr, SUPERUSER_ID, {})
                wake(env.ref("whatsapp_broadcast.ir_cron_merge"))

    # === THE MERGE'S SIDE === #

    @api.model
    def _cron_merge(self):
        """Drain the inbox for some seconds; look again until no wake was swallowed."""
        start = time.monotonic()
        housekeeping = Housekeeping(self.env)
        merged, elapsed = 0, 0.0
        while elapsed < CALL_SECONDS:
            taken = housekeeping.run()
            merged += taken
            elapsed = time.monotonic() - start
            if not taken and elapsed > LINGER:
                break
            if not taken:
                time.sleep(LOOK_EVERY)
        else:
            wake(self.env.ref("whatsapp_broadcast.ir_cron_merge"))
        housekeeping.look(at_last=True)
        self.env["ir.cron"]._commit_progress(merged, remaining=0)

    def action_retry(self):
        """Merge events that were set aside once more."""
        self.check_access("read")
        self.env["whatsapp.broadcast.account"].check_access("write")
        self.sudo().write(
            {"processed_at": False, "retry_at": False, "attempt_count": 0}
        )
        wake(self.env.ref("whatsapp_broadcast.ir_cron_merge").sudo())
        return True

    @api.autovacuum
    def _gc_events(self):
        """Delete old processed events in small steps."""
        before = fields.Datetime.subtract(fields.Datetime.now(), days=KEEP_DAYS)
        self.env.cr.execute(queries.PURGE_EVENTS, {"before": before, "limit": 10_000})
        done = self.env.cr.rowcount
        return done, done == 10_000
