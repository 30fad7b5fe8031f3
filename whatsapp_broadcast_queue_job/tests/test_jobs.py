from contextlib import contextmanager
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.sql_db import db_connect
from odoo.tests import tagged

from odoo.addons.base.tests.test_ir_cron import CronMixinCase
from odoo.addons.queue_job.jobrunner.runner import PG_ADVISORY_LOCK_ID
from odoo.addons.queue_job.tests.common import trap_jobs
from odoo.addons.whatsapp_broadcast.engine.driver import Course
from odoo.addons.whatsapp_broadcast.tests.common import BroadcastCommon

from ..models import whatsapp_broadcast_lane as module


@tagged("post_install", "-at_install")
class TestJobs(BroadcastCommon, CronMixinCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lanes = cls.env["whatsapp.broadcast.lane"]
        cls.cron = cls.env.ref("whatsapp_broadcast.ir_cron_send")

    @contextmanager
    def runner(self):
        """Hold the lock that a runner holds, on a connection as real as a runner's."""
        with db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SELECT pg_advisory_lock(%s)", [PG_ADVISORY_LOCK_ID])
            try:
                yield
            finally:
                cr.execute("SELECT pg_advisory_unlock(%s)", [PG_ADVISORY_LOCK_ID])

    @contextmanager
    def drive(self, next_due=None, finished=()):
        """Let a drive end at once with ``next_due``; nothing is sent."""
        course = Course(0, list(finished), next_due)
        with patch.object(type(self.lanes), "_drive", return_value=course) as calls:
            yield calls

    def work(self, next_due, time_is_up=False):
        """Run a job whose drive ends with ``next_due``; return the jobs after it."""
        seconds = 0 if time_is_up else module.JOB_SECONDS
        job = self.lanes.with_context(job_uuid="a job")
        with self.runner(), trap_jobs() as trap, self.enter_registry_test_mode():
            with self.drive(next_due), patch.object(module, "JOB_SECONDS", seconds):
                job._job_send()
        return trap.enqueued_jobs

    def jobs(self):
        return self.env["queue.job"].search(
            [("model_name", "=", self.lanes._name), ("method_name", "=", "_job_send")]
        )

    def make_late(self, jobs, **columns):
        """Let ``jobs`` have waited for longer than a runner may take."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE queue_job SET date_created = now() AT TIME ZONE 'UTC'"
            " - interval '61 seconds' WHERE id = ANY(%s)",
            [jobs.ids],
        )

    # === WHO IS WOKEN === #

    def test_a_runner_gets_a_job_in_the_channel_of_its_own(self):
        with self.runner(), self.capture_triggers(self.cron.id) as triggers:
            self.env["whatsapp.broadcast"].with_user(self.user)._wake("send")
        job = self.jobs()
        self.assertEqual(len(job), 1)
        self.assertEqual(job.channel, "root.whatsapp_broadcast")
        self.assertEqual(job.state, "pending")
        self.assertFalse(job.eta)
        self.assertFalse(triggers.records)

    def test_without_a_runner_the_cron_is_woken(self):
        with self.capture_triggers(self.cron.id) as triggers:
            self.env["whatsapp.broadcast"].with_user(self.user)._wake("send")
        self.assertFalse(self.jobs())
        self.assertEqual(len(triggers.records), 1)

    def test_the_lock_of_a_runner_on_another_database_does_not_count(self):
        with db_connect("postgres").cursor() as cr:
            cr.execute("SELECT pg_advisory_lock(%s)", [PG_ADVISORY_LOCK_ID])
            self.assertEqual(self.lanes._runner_state(), "missing")
            cr.execute("SELECT pg_advisory_unlock(%s)", [PG_ADVISORY_LOCK_ID])

    def test_when_no_job_is_started_the_cron_is_woken(self):
        for state in ("pending", "enqueued"):
            with self.subTest(state=state), self.runner():
                self.jobs().unlink()
                self.lanes._enqueue(0)
                self.assertEqual(self.lanes._runner_state(), "running")
                self.jobs().write({"state": state})
                self.make_late(self.jobs())
                self.assertEqual(self.lanes._runner_state(), "late")
                with self.capture_triggers(self.cron.id) as triggers:
                    self.lanes._wake_at(0)
                self.assertEqual(len(triggers.records), 1)

    def test_a_job_that_is_started_or_waits_for_its_time_is_not_late(self):
        with self.runner():
            self.lanes._enqueue(0)
            self.lanes._enqueue(600)
            started = self.jobs().filtered(lambda job: not job.eta)
            started.write({"state": "started"})
            self.make_late(self.jobs())
            self.assertEqual(self.lanes._runner_state(), "running")

    def test_preparing_stays_with_its_cron(self):
        cron = self.env.ref("whatsapp_broadcast.ir_cron_prepare")
        with self.runner(), self.capture_triggers(cron.id) as triggers:
            self.env["whatsapp.broadcast"].with_user(self.user)._wake("prepare")
        self.assertFalse(self.jobs())
        self.assertEqual(len(triggers.records), 1)

    # === HOW MANY JOBS === #

    def test_one_job_waits_however_often_it_is_woken(self):
        with self.runner():
            for _time in range(3):
                self.lanes._wake_at(0)
        self.assertEqual(len(self.jobs()), 1)

    def test_a_started_job_does_not_stand_for_one_that_waits(self):
        with self.runner():
            self.lanes._wake_at(0)
            self.jobs().write({"state": "started"})
            self.lanes._wake_at(0)
        self.assertEqual(self.jobs().mapped("state"), ["pending", "started"])

    def test_a_job_for_later_does_not_hold_up_one_for_now(self):
        with self.runner():
            self.lanes._wake_at(600)
            self.lanes._wake_at(0.5)
            self.assertEqual(len(self.jobs()), 1)
            self.assertTrue(self.jobs().eta)
            self.lanes._wake_at(0)
        self.assertEqual(len(self.jobs()), 2)
        self.assertEqual(len(self.jobs().filtered("eta")), 1)

    def test_a_job_calls_another_when_lanes_are_left(self):
        with self.enter_registry_test_mode(), self.capture_triggers() as triggers:
            with self.runner():
                self.lanes._call_another()
                self.assertFalse(triggers.records)
                self.assertEqual(len(self.jobs()), 1)
            self.lanes._call_another()
        self.assertEqual(triggers.records.cron_id, self.cron)
        self.assertEqual(len(self.jobs()), 1)

    def test_a_job_runs_as_the_crons_do(self):
        context = {"allowed_company_ids": self.company.ids, "tz": "Asia/Tokyo"}
        broadcasts = self.env["whatsapp.broadcast"].with_user(self.user)
        with self.runner():
            broadcasts.with_context(**context)._wake("send")
        env = self.jobs().records.env
        self.assertEqual(env.uid, SUPERUSER_ID)
        for key in context:
            self.assertFalse(env.context.get(key), key)

    # === WHAT A JOB DOES === #

    def test_a_job_that_used_its_time_has_a_successor_at_once(self):
        [job] = self.work(next_due=-5.0, time_is_up=True)
        self.assertIsNone(job.eta)

    def test_a_job_whose_lanes_are_anothers_looks_again_later(self):
        [job] = self.work(next_due=-5.0)
        self.assertEqual(job.identity_key, module.KEY_LATER)

    def test_a_job_waits_for_rows_that_are_due_later(self):
        [job] = self.work(next_due=30.2)
        self.assertEqual(job.identity_key, module.KEY_LATER)

    def test_a_job_that_left_nothing_has_no_successor(self):
        self.assertEqual(self.work(next_due=None), [])

    def test_a_job_goes_on_while_crons_wait_but_not_for_ever(self):
        job = self.lanes.with_context(job_uuid="a job")
        self.env.ref("base.autovacuum_job")._trigger()
        self.env.flush_all()
        with self.enter_registry_test_mode():
            self.assertFalse(self.lanes._may_go_on(module.JOB_SECONDS - 1))
            self.assertTrue(job._may_go_on(module.JOB_SECONDS - 1))
            self.assertFalse(job._may_go_on(module.JOB_SECONDS))

    def test_a_job_tells_of_the_end(self):
        broadcast = self.make_prepared(state="done")
        with self.enter_registry_test_mode(), self.drive(finished=broadcast.ids):
            self.lanes._job_send()
        self.assertIn("Done.", broadcast.message_ids[0].body)

    def test_a_job_of_a_copied_database_pauses_first(self):
        broadcast = self.make_prepared()
        with self.enter_registry_test_mode():
            self.lanes._guard_copy()
            self.env["ir.config_parameter"].set_param("database.uuid", "another")
            self.env.flush_all()
            with self.drive():
                self.lanes._job_send()
        broadcast.invalidate_recordset()
        self.assertEqual(broadcast.state, "paused")

    # === THE SAFETY NET === #

    def run_cron(self):
        with self.enter_registry_test_mode(), self.drive() as calls:
            self.assertIs(self.cron.method_direct_trigger(), True)
        return calls.call_count

    def test_the_cron_leaves_the_lanes_to_jobs(self):
        self.make_prepared()
        self.jobs().unlink()
        with self.runner():
            self.assertEqual(self.run_cron(), 0)
        self.assertEqual(len(self.jobs()), 1)

    def test_the_cron_asks_for_no_job_when_there_is_nothing_to_do(self):
        with self.runner():
            self.assertEqual(self.run_cron(), 0)
        self.assertFalse(self.jobs())

    def test_the_cron_asks_for_a_job_to_put_away_what_was_cancelled(self):
        self.make_prepared(state="cancelled")
        self.jobs().unlink()
        with self.runner():
            self.assertEqual(self.run_cron(), 0)
        self.assertEqual(len(self.jobs()), 1)

    def test_the_cron_drives_without_a_runner_and_when_none_starts_jobs(self):
        self.assertEqual(self.run_cron(), 1)
        with self.runner():
            self.lanes._enqueue(0)
            self.make_late(self.jobs())
            self.assertEqual(self.run_cron(), 1)

    # === SETTINGS, RIGHTS === #

    def test_settings_tell_who_sends(self):
        settings = self.env["res.config.settings"]
        field = "whatsapp_broadcast_runner_state"
        self.assertEqual(settings.new({})[field], "missing")
        with self.runner():
            self.assertEqual(settings.new({})[field], "running")
            self.lanes._enqueue(0)
            self.make_late(self.jobs())
            self.assertEqual(settings.new({})[field], "late")
        arch = settings.get_view()["arch"]
        self.assertIn("No job runner serves this database", arch)

    def test_nothing_of_ours_can_be_called_from_outside(self):
        for name in vars(module.WhatsappBroadcastLane):
            if callable(getattr(module.WhatsappBroadcastLane, name)):
                self.assertTrue(name.startswith("_"), name)

    def test_no_job_is_left_behind(self):
        from ..hooks import uninstall_hook

        self.lanes._enqueue(0)
        other = self.env["queue.job"].search_count([]) - 1
        uninstall_hook(api.Environment(self.env.cr, SUPERUSER_ID, {}))
        self.assertFalse(self.jobs())
        self.assertEqual(self.env["queue.job"].search_count([]), other)
