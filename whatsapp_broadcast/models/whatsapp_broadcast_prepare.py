# One concern, one file: the broadcast in one file would be too long to read.
# pylint: disable=consider-merging-classes-inherited

import logging
from contextlib import contextmanager

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..engine import queries
from .management import Unreachable
from .whatsapp_broadcast import PREPARED, RESTED
from .whatsapp_broadcast_audience import CHUNK

_logger = logging.getLogger(__name__)

#: Minutes between the tries to upload a file to a provider that cannot be reached.
UPLOAD_DELAYS = (1, 2, 4, 8)


class WhatsappBroadcast(models.Model):
    """How the cron brings what was launched, or is due, to the first message."""

    _inherit = "whatsapp.broadcast"

    # === CRON === #

    @api.model
    def _cron_prepare(self):
        """Start what is due and freeze audiences, chunk by chunk, for ten seconds."""
        self.env["whatsapp.broadcast.lane"]._guard_copy()
        self._start_scheduled()
        self = self.with_context(active_test=False)  # noqa: PLW0642
        for broadcast in self.search([("state", "=", "preparing")], order="id"):
            if not broadcast._prepare():
                self._wake("prepare")
                break
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _start_scheduled(self):
        due = self.with_context(active_test=False).search(
            [("state", "=", "scheduled"), ("scheduled_at", "<=", self._now())]
        )
        for broadcast in due.try_lock_for_update(allow_referencing=True):
            broadcast._set_state("preparing")
        self.env["ir.cron"]._commit_progress(len(due))

    def _prepare(self):
        """Freeze the audience; return False if time ran out before its end."""
        if self._lacks_media() and not self._upload_media():
            return True
        while self._still_preparing():
            with self._ending_on_errors():
                self._as_launcher()._prepare_step()
            if self.env["ir.cron"]._commit_progress(1) <= 0:
                return False
        return True

    @contextmanager
    def _ending_on_errors(self):
        try:
            yield
        except (psycopg2.OperationalError, psycopg2.IntegrityError):
            raise  # passes by itself: the next call of the cron tries again
        except Unreachable as error:
            self._postpone(str(error))
        except AccessError as error:
            self._fail("launcher", str(error))
        except UserError as error:
            self._fail("message", str(error))
        except Exception as error:  # one broken broadcast must not hold up others
            _logger.exception("Broadcast %s could not be prepared", self.id)
            self._fail("message", repr(error))

    def _fail(self, reason, detail):
        self.env.cr.rollback()
        if self._still_preparing():
            self._set_state("failed", reason=reason, detail=detail[:500])

    def _still_preparing(self):
        """Lock the broadcast; False if somebody changed or is changing it."""
        locked = self.try_lock_for_update(allow_referencing=True)
        return bool(locked) and locked.state == "preparing"

    def _prepare_step(self):
        if self.audience_cursor:
            cursor = self._prepare_chunk(self.audience_cursor, is_due=True)
        else:
            self._check_message()
            self._clear_recipients()
            cursor = self._begin_audience(is_due=True)
        self._write_protected({"audience_cursor": cursor})
        if cursor == PREPARED:
            self._finish_prepare()

    def _finish_prepare(self):
        counters = self._read_counters()[self.id]
        if counters["recipient_count"] == counters["skipped_count"]:
            self._end_without_recipients()
        else:
            if counters["recipient_count"] > CHUNK:
                self.env.cr.execute(queries.ANALYZE_RECIPIENTS)
            self._track_links()
            self._set_state("sending")
            self._wake("send")

    def _end_without_recipients(self):
        self._set_state("failed", reason="nobody")

    # === MEDIA === #

    def _lacks_media(self):
        return not self.media_id and bool(self.with_context(bin_size=True).media_file)

    def _upload_media(self):
        """Upload the file, every message then names its id; return whether it is there.

        Nothing is locked meanwhile: it may take half a minute, and a person may want to
        pause or cancel.
        """
        if self.is_resting:
            return False
        self.env["ir.cron"]._commit_progress()
        with self._ending_on_errors():
            media_id = self._as_launcher()._send_media()
            self.env["ir.cron"]._commit_progress()  # to see what happened meanwhile
            if self._still_preparing():
                forgotten = {"state_reason": False, "state_detail": False, **RESTED}
                self._write_protected({"media_id": media_id, **forgotten})
        self.env["ir.cron"]._commit_progress()
        return bool(self.media_id)

    def _send_media(self):
        self._check_message()
        content, mimetype = self._read_media()
        with self.account_id._remote() as (provider, call):
            return provider.upload_media(
                call,
                self.number_id.sudo().external_id,
                content,
                mimetype,
                self.media_filename or "file",
            )

    def _postpone(self, detail):
        """Upload later; pause when :data:`UPLOAD_DELAYS` are used up."""
        self.env.cr.rollback()
        if not self._still_preparing():
            return
        if self.upload_attempts == len(UPLOAD_DELAYS):
            self._set_state("paused", reason="unreachable", detail=detail[:500])
            self._say_paused()
            return
        delay = UPLOAD_DELAYS[self.upload_attempts]
        retry_at = fields.Datetime.add(self._now(), minutes=delay)
        self._write_protected(
            {
                "upload_attempts": self.upload_attempts + 1,
                "resting_until": retry_at,
                "rest_reason": "unreachable",
                "state_reason": "unreachable",
                "state_detail": detail[:500],
            }
        )
        self._wake("prepare", at=retry_at)
