from unittest.mock import patch

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from ..models import whatsapp_broadcast_lane as lane


@tagged("post_install", "-at_install")
class TestLane(TransactionCase):
    """How long a call of a cron sends."""

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
