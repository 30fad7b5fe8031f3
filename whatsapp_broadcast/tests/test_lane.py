import signal
import time
from datetime import timedelta
from unittest.mock import Mock, patch

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from ..models import whatsapp_broadcast_lane as lane
from ..tools.crons import wake


@tagged("post_install", "-at_install")
class TestLane(TransactionCase):
    """How long a call of a cron sends, and when the next one comes."""

    def may_go_on(self, elapsed, waiting=None, **limits):
        """Ask after so many seconds, when another cron waits since some."""
        lanes = self.env["whatsapp.broadcast.lane"]
        with (
            patch.dict(config.options, limits),
            patch.object(type(self.env["ir.cron"]), "_notifydb") as self.notify,
            patch.object(lane, "engine_transaction") as transaction,
        ):
            cursor = transaction.return_value.return_value.__enter__.return_value
            cursor.fetchone.return_value = (waiting,)
            return lanes._may_go_on(elapsed)

    def test_a_call_ends_well_before_odoo_kills_it(self):
        for limits, seconds in (
            ({"limit_time_real_cron": -1, "limit_time_real": 120}, 90),
            ({"limit_time_real_cron": -1, "limit_time_real": 60}, 45),
            ({"limit_time_real_cron": 40}, 30),
            ({"limit_time_real_cron": 0}, 90),
        ):
            with self.subTest(limits):
                self.assertTrue(self.may_go_on(seconds - 1, **limits))
                self.assertFalse(self.may_go_on(seconds, **limits))

    def test_a_sleeping_worker_is_woken_before_this_one_yields(self):
        self.assertTrue(self.may_go_on(20, waiting=1.0))
        self.notify.assert_called_once()
        self.assertFalse(self.may_go_on(20, waiting=lane.WAKE_SECONDS + 1.0))
        self.assertTrue(self.may_go_on(lane.CALL_SECONDS - 1, waiting=60.0))
        self.notify.assert_not_called()

    def test_a_call_has_the_time_of_a_job_whatever_ran_before_it(self):
        server = Mock(spec=["watchdog_pipe", "multi"])
        with patch.object(signal, "getsignal") as getsignal:
            getsignal.return_value.__self__ = server
            lane._restart_watchdog()
        server.multi.pipe_ping.assert_called_once_with(server.watchdog_pipe)

    def test_a_server_without_workers_counts_by_its_threads(self):
        with (
            patch.object(signal, "getsignal", return_value=None),
            patch.object(lane.threading, "current_thread") as current_thread,
        ):
            current_thread.return_value.start_time = 1.0
            before = time.time()
            lane._restart_watchdog()
        self.assertGreaterEqual(current_thread.return_value.start_time, before)

    def test_a_cron_is_called_once_however_often_it_plans(self):
        cron = self.env.ref("whatsapp_broadcast.ir_cron_send")
        triggers = self.env["ir.cron.trigger"]
        triggers.search([("cron_id", "=", cron.id)]).unlink()
        now = self.env.cr.now()

        def planned():
            return triggers.search_count([("cron_id", "=", cron.id)])

        cron.nextcall = now + timedelta(hours=1)
        for seconds in (30, 40, 50):
            wake(cron, seconds)
        self.assertEqual(planned(), 1)
        wake(cron, 20)
        self.assertEqual(planned(), 2)
        cron.nextcall = now + timedelta(seconds=5)
        wake(cron, 10)
        self.assertEqual(planned(), 2)
        cron.nextcall = now - timedelta(seconds=5)  # it runs now
        wake(cron, 10)
        self.assertEqual(planned(), 3)
        wake(cron)
        self.assertEqual(planned(), 4)

    def test_workers_are_told_at_once_whatever_odoo_takes_for_now(self):
        cron = self.env.ref("whatsapp_broadcast.ir_cron_send")
        self.env.cr.postcommit.clear()
        with (
            patch.object(type(cron), "_trigger"),  # says nothing
            patch.object(type(cron), "_notifydb") as notify,
        ):
            wake(cron, 30)
            self.env.cr.postcommit.run()
            notify.assert_not_called()
            wake(cron)
            self.env.cr.postcommit.run()
        notify.assert_called_once()
