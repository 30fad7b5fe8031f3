import signal
import threading
import time
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import config

from .. import engine
from ..engine import queries
from ..tools.crons import wake
from ..tools.transactions import engine_transaction
from .channel import Channel

#: Seconds that one call of a cron sends or merges while other crons wait. Odoo calls
#: again at once, after each of them had its turn.
CALL_SECONDS = 8
#: Seconds that a call sends if none waits: each end may cost half a second of slots.
LONGEST_CALL = 90
#: Seconds in which another worker takes a cron that is due, if told so: of themselves
#: they look once a minute, and one that merges is busy for CALL_SECONDS.
WAKE_SECONDS = 10
#: Several, as a cron runs once at a time in a whole cluster.
SEND_CRONS = ("ir_cron_send", "ir_cron_send_2", "ir_cron_send_3", "ir_cron_send_4")
#: Seconds between two progress messages, and between two looks of a sender for news
#: when there was nothing in the inbox: the merge has a cron of its own, but a busy
#: server may have no worker for it.
PROGRESS_EVERY, NEWS_EVERY = 2.0, 1.2
#: Seconds between two calls of the cron that attends to news.
ATTEND_EVERY = 5.0


class WhatsappBroadcastLane(models.Model):
    """The right to send from one number: a lease that one driver holds at a time."""

    _name = "whatsapp.broadcast.lane"
    _description = "WhatsApp Send Lane"
    _log_access = False

    number_id = fields.Many2one(
        "whatsapp.broadcast.number", required=True, ondelete="cascade"
    )
    position = fields.Integer(
        required=True, default=0, help="A fast number has several lanes: 0, 1 …"
    )
    owner = fields.Char(readonly=True)
    leased_at = fields.Datetime(readonly=True)
    lease_until = fields.Datetime(readonly=True)

    _position_unique = models.Constraint(
        "UNIQUE (number_id, position)", "One lane per number and position."
    )

    @api.model
    def _cron_send(self):
        """Send for some seconds, then let other crons run and be called again."""
        _restart_watchdog()
        self._guard_copy()
        # What this call began with would be kept readable while it sends: rows that
        # statuses change many times could not be cleaned up.
        self.env["ir.cron"]._commit_progress()
        course = self._drive(self._may_go_on)
        # What follows must read what the engine wrote: not this transaction's snapshot.
        self.env["ir.cron"]._commit_progress(course.sent, remaining=0)
        self._follow(course)
        self.env["ir.cron"]._commit_progress(remaining=0)
        _restart_watchdog()

    @api.model
    def _drive(self, go_on):
        """Run the engine; the one thing that cron and queue jobs do."""
        housekeeping = Housekeeping(self.env)
        course = engine.run(
            engine_transaction(self.env.registry),
            owner=self._owner(),
            open_channel=self._open_channel,
            go_on=go_on,
            between=housekeeping.run_between,
            call_another=self._call_another,
        )
        # Whoever waits for a single message was its only reason, perhaps.
        housekeeping.tell_failures()
        return course

    def _owner(self):
        """Name a driver. Of each cron there is one at a time in the whole cluster."""
        cron_id = self.env.context.get("cron_id")
        return f"cron {cron_id}:{uuid.uuid4()}" if cron_id else str(uuid.uuid4())

    def _may_go_on(self, elapsed):
        """Tell whether a call may go on after so many seconds."""
        if _is_stopping():
            return False
        if elapsed < CALL_SECONDS:
            return True
        return elapsed < _longest_call() and not self._others_wait()

    def _others_wait(self):
        """Tell whether other crons wait for this worker, and not for any to wake up."""
        with engine_transaction(self.env.registry)() as cr:
            cr.execute(queries.OTHER_CRONS_WAIT)
            seconds = cr.fetchone()[0]
        if seconds is None:
            return False
        self.env["ir.cron"]._notifydb()
        return seconds > WAKE_SECONDS

    def _call_another(self):
        """Wake a cron that does not run: there is more than one process can send.

        One is enough: it calls the next if there is still more.

        :return: whether there was one
        """
        with engine_transaction(self.env.registry)() as cr:
            crons = self.with_env(self.env(cr=cr))._send_crons()
            cr.execute(queries.IDLE_CRON, {"ids": crons.ids})
            idle = crons.browse(id_ for (id_,) in cr.fetchall())
            for cron in idle:
                wake(cron)
        return bool(idle)

    def _follow(self, course):
        """See to what a drive leaves behind; any driver's, whatever started it."""
        self.env["whatsapp.broadcast"].browse(course.finished)._say_done()
        if course.next_due is not None:
            self._wake_at(course.next_due)

    @api.model
    def _wake_at(self, seconds):
        """Have a driver run after ``seconds``: the one door to all that drive lanes."""
        # A cron calls itself: another's row may be locked by a host that is dead.
        cron = self.env["ir.cron"].browse(self.env.context.get("cron_id"))
        if cron not in self._send_crons():
            cron = self.env.ref("whatsapp_broadcast.ir_cron_send")
            if seconds <= engine.SOON:
                # That one may be busy with other numbers, and for long.
                self.env.cr.postcommit.add(self._call_another)
        wake(cron.sudo(), seconds if seconds > engine.SOON else 0)

    def _send_crons(self):
        return self.env["ir.cron"].browse(
            self.env.ref(f"whatsapp_broadcast.{name}").id for name in SEND_CRONS
        )

    def _open_channel(self, number_id):
        """Return the number's channel, or None after stopping an unusable account."""
        with engine_transaction(self.env.registry)() as cr:
            number = self.env(cr=cr)["whatsapp.broadcast.number"].browse(number_id)
            account_id, rate = number.account_id.id, number.messages_per_second
            try:
                provider = number.account_id._provider()
            except UserError as error:
                fault = str(error)
            else:
                return Channel(provider, number.external_id, rate)
        self._stop_account(account_id, fault)
        return None

    def _stop_account(self, account_id, detail):
        with engine_transaction(self.env.registry)() as cr:
            cr.execute(
                queries.STOP_ACCOUNT,
                {"account_id": account_id, "reason": "account", "detail": detail},
            )
            # No lane will claim them, and so none will find that they cannot go.
            values = {"error_class": "account", "error_message": detail}
            cr.execute(queries.FAIL_DUE_MESSAGES, {**values, "account_id": account_id})

    @api.model
    def _guard_copy(self):
        """Pause everything if this database is a copy; see ``engine.guard``."""
        with engine_transaction(self.env.registry)() as cr:
            paused = engine.guard(cr)
        self.env["whatsapp.broadcast"].browse(paused)._say_restored()


def _longest_call():
    """Return the seconds that a call may take, well before Odoo kills its worker."""
    limit = config["limit_time_real_cron"]
    limit = config["limit_time_real"] if limit < 0 else limit
    return min(LONGEST_CALL, 0.75 * limit) if limit else LONGEST_CALL


def _restart_watchdog():
    """Have Odoo count the time of one job against the limit of one.

    It counts that of all that a worker found due at once, and kills in the midst of the
    one that the limit is reached in.
    """
    server = _server()
    if pipe := getattr(server, "watchdog_pipe", None):
        server.multi.pipe_ping(pipe)
    thread = threading.current_thread()
    if getattr(thread, "start_time", None):  # of a server without workers
        thread.start_time = time.time()


def _server():
    """Return the worker, or the server without workers, that this process is."""
    return getattr(signal.getsignal(signal.SIGINT), "__self__", None)


def _is_stopping():
    """Tell whether this server was asked to stop.

    Odoo tells its workers by a signal, and only the owner of its handler remembers it.
    """
    server = _server()
    asked = getattr(server, "quit_signals_received", 0)
    return bool(asked) or not getattr(server, "alive", True)


class Housekeeping:
    """What a driver does between claims: the inbox, and word of the progress."""

    def __init__(self, env):
        self.env = env
        self.transaction = engine_transaction(env.registry)
        self.parsers = {}
        self.last = {}
        self.is_busy = False
        self.last_change = None

    def run(self, shortly=False):
        """Merge a batch of webhook events; tell what is new, of progress at times."""
        has_events, has_pauses, has_failures, needs_attention = self.look()
        if has_pauses:
            self.tell_pauses()
        if has_failures:
            self.tell_failures()
        if needs_attention and self._is_time("attend", ATTEND_EVERY):
            self.wake_attend()
        if not has_events:
            return 0
        return engine.merge(self.transaction, self._parse, shortly)

    def run_between(self):
        """As :meth:`run`, for who comes often; an inbox found empty is left alone."""
        if self.is_busy or self._is_time("news", NEWS_EVERY):
            self.is_busy = bool(self.run(shortly=True))

    def look(self, at_last=False):
        """Send word of the progress, when it is time or ``at_last``.

        :return: whether there are events, pauses and failures of single messages that
            nobody was told of, and something for the cron that attends to news
        """
        with self.transaction() as cr:
            cr.execute(queries.NEWS, {"last_id": self.last_change})
            *found, last_change, changes = cr.fetchone()
            if self.last_change is None:  # what was before is no news
                self.last_change = last_change
            if changes and (at_last or self._is_time("progress", PROGRESS_EVERY)):
                self.last_change = last_change
                self.env(cr=cr)["whatsapp.broadcast"]._send_progress(changes)
        return found

    def _is_time(self, what, seconds):
        """Tell, once in so many seconds, that it is."""
        now = time.monotonic()
        if now - self.last.get(what, -seconds) < seconds:
            return False
        self.last[what] = now
        return True

    def tell_pauses(self):
        """Tell the responsible of every broadcast that the engine stopped."""
        with self.transaction() as cr:
            cr.execute(queries.PAUSES_TO_TELL)
            ids = [id_ for (id_,) in cr.fetchall()]
            self.env(cr=cr)["whatsapp.broadcast"].browse(ids)._say_paused()

    def wake_attend(self):
        """Have those told who keep templates, numbers and accounts."""
        with self.transaction() as cr:
            wake(self.env(cr=cr).ref("whatsapp_broadcast.ir_cron_attend"))

    def tell_failures(self):
        """Tell who sent them of single messages that failed."""
        with self.transaction() as cr:
            self.env(cr=cr)["whatsapp.broadcast.message"]._tell_failures()

    def _parse(self, account_id, payload):
        if account_id not in self.parsers:
            with self.transaction() as cr:
                accounts = self.env(cr=cr)["whatsapp.broadcast.account"]
                self.parsers[account_id] = accounts.browse(account_id)._parser()
        return self.parsers[account_id].parse_webhook(payload)
