import logging
import time

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from .. import engine
from ..engine import queries
from ..tools.crons import wake
from ..tools.transactions import engine_transaction
from .loose_many2one import LooseMany2one
from .whatsapp_broadcast_lane import CALL_SECONDS, Housekeeping

_logger = logging.getLogger(__name__)

#: When this process last tried to wake the merge, by database (monotonic seconds).
_last_wakes = {}
#: Seconds between two wakes of the merge, per database.
WAKE_EVERY = 1.0
#: Seconds that a woken merge goes on looking. A delivery wakes nobody while its process
#: (a second) or the database (another one) was woken just before.
LINGER = 2 * WAKE_EVERY + 0.5
#: Seconds between two looks into an empty inbox.
LOOK_EVERY = 0.25
#: Days that events are kept if the settings say nothing else, and how many times as
#: long those that changed nothing: somebody may still find out why.
KEEP_DAYS, KEEP_DAYS_PARAMETER = 30, "whatsapp_broadcast.event_days"
KEEP_LONGER = 3


class WhatsappBroadcastEvent(models.Model):
    """One webhook delivery, as received: the inbox that the merge drains."""

    _name = "whatsapp.broadcast.event"
    _description = "WhatsApp Webhook Event"
    _order = "id desc"
    _log_access = False

    # Neither key nor index: each would cost every delivery, and both serve only the
    # deletion of an account.
    account_id = LooseMany2one("whatsapp.broadcast.account", readonly=True)
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
    names = fields.Char(
        "Message or Phone",
        compute="_compute_names",
        search="_search_names",
        help="A message ID or a phone, however it is written.",
    )

    _inbox_index = models.Index("(received_at, id) WHERE processed_at IS NULL")
    _unrouted_index = models.Index("(account_id) WHERE state = 'unrouted'")

    def init(self):
        self.env.cr.execute(queries.INDEX_EVENT_KEYS)

    def _compute_names(self):
        self.names = False  # only to search by

    def _search_names(self, operator, value):
        if operator not in ("in", "ilike", "like", "=like", "=ilike"):
            return NotImplemented
        values = value if operator == "in" else [value]
        keys = [
            engine.key(name)
            for text in values
            if isinstance(text, str)
            for name in self._possible_names(text.strip())
        ]
        return [("id", "in", SQL(f"({queries.EVENTS_OF})", keys))]

    @api.model
    def _possible_names(self, text):
        """Return what a person may have meant: a message id, or a phone."""
        company = self.env.company.partner_id  # of a number without a country
        phone = company._phone_format(number=text) if text else False
        digits = "".join(filter(str.isdigit, text)).removeprefix("00")
        return {text, phone, digits and f"+{digits}"} - {False, ""}

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
        cr = self.env.cr
        values = {"account_id": account_id, "payload": payload}
        # A failed statement would be logged with the people in it.
        cr.execute(queries.ADD_EVENT, values, log_exceptions=False)
        cr.postcommit.add(self._wake_merge)

    def _wake_merge(self):
        """Wake the merge at most once a second per database, whoever receives.

        A cron trigger per delivery would cost ten times the delivery itself. If it
        fails, the delivery is stored all the same, and the cron looks by itself.
        """
        try:
            self._wake_merge_in_turn()
        except Exception:
            _logger.warning("The merge of webhooks was not woken", exc_info=True)

    def _wake_merge_in_turn(self):
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
        # While a snapshot from before is open, what is merged has to be read over and
        # over again, on the way to what is not.
        self.env["ir.cron"]._commit_progress()
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
            {
                "state": "new",
                "processed_at": False,
                "retry_at": False,
                "attempt_count": 0,
                "error_message": False,
            }
        )
        wake(self.env.ref("whatsapp_broadcast.ir_cron_merge").sudo())
        return True

    @api.autovacuum
    def _gc_events(self):
        """Delete old processed events in small steps."""
        days = self._keep_days()
        self.env.cr.execute(
            queries.PURGE_EVENTS,
            {"days": days, "longer_days": KEEP_LONGER * days, "limit": 10_000},
        )
        done = self.env.cr.rowcount
        return done, done == 10_000

    @api.model
    def _keep_days(self):
        parameters = self.env["ir.config_parameter"].sudo()
        text = parameters.get_param(KEEP_DAYS_PARAMETER) or ""
        return int(text) if text.isdecimal() and int(text) else KEEP_DAYS

    # === ADMINISTRATORS AND PEOPLE === #

    @api.model
    def _action_of(self, names):
        """Return the action that lists the events of messages.

        :param names: message ids and tokens; False among them is left out
        """
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "whatsapp_broadcast.whatsapp_broadcast_event_action"
        )
        return {**action, "domain": [("names", "in", [n for n in names if n])]}

    @api.model
    def _erase(self, addresses):
        """Forget what was received about people; that something came in is kept.

        A delivery may be about several people: it is blanked for all of them. One that
        the merge has not looked at yet is not found.

        :param addresses: E.164 phones and user ids
        :return: how many deliveries were blanked
        """
        keys = [engine.key(address) for address in addresses]
        self.env.cr.execute(queries.ERASE_EVENTS, {"keys": keys}, log_exceptions=False)
        self.invalidate_model(["payload"])
        return self.env.cr.rowcount

    @api.model
    def _forget_accounts(self, ids):
        """Delete the events of accounts that are being deleted."""
        self.env.cr.execute(queries.FORGET_ACCOUNTS, {"account_ids": ids})
        self.invalidate_model()
