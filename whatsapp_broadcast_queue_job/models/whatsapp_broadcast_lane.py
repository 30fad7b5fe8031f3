import math
import time
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api, models

from odoo.addons.queue_job.jobrunner.runner import PG_ADVISORY_LOCK_ID

#: Seconds that a job sends: few ends, each of which costs slots, and less time than
#: ``limit_time_cpu`` gives a request by default.
JOB_SECONDS = 30
#: Seconds in which a runner has to start a job that is due; else the crons send.
START_WITHIN = 60
#: Seconds until a job looks again whose lanes another driver has.
LOOK_AGAIN = 10

#: At most one job waits with each of these keys, however many run: any takes what
#: lanes are free. A job that waits for its time must not stand for one that is due.
KEY_NOW, KEY_LATER = "whatsapp_broadcast.send", "whatsapp_broadcast.send.later"

#: A runner holds this lock as long as it serves the database, from whatever host.
RUNNER_STATE = """
SELECT EXISTS (
    SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE d.datname = current_database()
        AND l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
        AND l.classid::bigint << 32 | l.objid::bigint = %(lock)s
), EXISTS (
    SELECT FROM queue_job
    WHERE identity_key = ANY(%(keys)s) AND state IN ('pending', 'enqueued')
        AND GREATEST(date_created, eta)
            < clock_timestamp() AT TIME ZONE 'UTC' - %(seconds)s * interval '1 second'
)
"""

#: Rows to send, or rows of an ended broadcast that the engine has to put away.
HAS_WORK = """
SELECT EXISTS (
    SELECT FROM whatsapp_broadcast b
    WHERE b.state = 'sending' OR b.state IN ('done', 'cancelled', 'failed') AND EXISTS (
        SELECT FROM whatsapp_broadcast_recipient r
        WHERE r.broadcast_id = b.id AND r.due_at IS NOT NULL
    )
) OR EXISTS (SELECT FROM whatsapp_broadcast_message m WHERE m.due_at IS NOT NULL)
"""


class WhatsappBroadcastLane(models.Model):
    """Lanes are driven by jobs; by crons whenever no runner starts the jobs.

    Which of them drives is a matter of speed only: the lane's lease keeps two drivers
    from sending the same row.
    """

    _inherit = "whatsapp.broadcast.lane"

    @api.model
    def _runner_state(self):
        """Return ``running``, or why crons must send: ``missing`` or ``late``."""
        self.env.cr.execute(
            RUNNER_STATE,
            {
                "lock": PG_ADVISORY_LOCK_ID,
                "keys": [KEY_NOW, KEY_LATER],
                "seconds": START_WITHIN,
            },
        )
        is_connected, is_late = self.env.cr.fetchone()
        if not is_connected:
            return "missing"
        return "late" if is_late else "running"

    @api.model
    def _wake_at(self, seconds):
        if self._runner_state() != "running":
            return super()._wake_at(seconds)
        self._enqueue(seconds)

    def _call_another(self):
        if self._runner_state() != "running":
            return super()._call_another()
        with self._apart() as lanes:
            lanes._enqueue(0)
        return True

    @api.model
    def _cron_send(self):
        """Drive the lanes, unless jobs do; then see that there is one."""
        if self._runner_state() != "running":
            return super()._cron_send()
        self._guard_copy()
        self.env.cr.execute(HAS_WORK)
        if self.env.cr.fetchone()[0]:
            self._enqueue(0)

    def _enqueue(self, seconds):
        later = math.ceil(seconds) if seconds > 0 else None
        # As the crons do, and not as the user who happens to press a button.
        lanes = self.with_env(self.env(user=SUPERUSER_ID, context={}))
        lanes.with_delay(
            eta=later,
            identity_key=KEY_LATER if later else KEY_NOW,
            description=self.env._("Send WhatsApp broadcasts"),
        )._job_send()

    @api.model
    def _job_send(self):
        """Send for some seconds, as ``_cron_send`` does; the successor goes on."""
        with self._apart() as lanes:
            lanes._guard_copy()
        start = time.monotonic()
        course = self._drive(self._may_go_on)
        had_time = self._may_go_on(time.monotonic() - start)
        if course.next_due is not None and course.next_due <= 0 and had_time:
            # Rows are due, but their lanes are another's: a successor would spin.
            course = course._replace(next_due=LOOK_AGAIN)
        with self._apart() as lanes:
            lanes._follow(course)

    def _may_go_on(self, elapsed):
        if self._is_job() and elapsed >= JOB_SECONDS:
            return False
        return super()._may_go_on(elapsed)

    def _others_wait(self):
        # Crons do not wait for a job, and other jobs have channels of their own.
        return not self._is_job() and super()._others_wait()

    def _is_job(self):
        return "job_uuid" in self.env.context

    @contextmanager
    def _apart(self):
        """Give lanes on a cursor of their own, which commits at the end.

        A job must not commit its cursor, whose snapshot is from before the drive.
        """
        with self.env.registry.cursor() as cr:
            yield self.with_env(self.env(cr=cr))
