from odoo.tests import tagged

from .. import engine
from .common import BroadcastCommon

ORIGIN = "whatsapp_broadcast.origin"


@tagged("post_install", "-at_install")
class TestGuard(BroadcastCommon):
    """A copy stays quiet, the original goes on."""

    def setUp(self):
        super().setUp()
        self.guard()
        self.broadcast = self.make_prepared()

    def guard(self):
        self.env.flush_all()
        engine.guard(self.env.cr)
        self.env.invalidate_all()

    def change_origin(self, position):
        parameters = self.env["ir.config_parameter"]
        parts = parameters.get_param(ORIGIN).split(":")
        parts[position] = "1"
        parameters.set_param(ORIGIN, ":".join(parts))

    def assert_paused(self):
        self.assertEqual(self.broadcast.state, "paused")
        self.assertEqual(self.broadcast.state_reason, "restored")

    def test_the_same_database_goes_on(self):
        self.guard()
        self.assertEqual(self.broadcast.state, "sending")

    def test_each_mark_of_a_copy_pauses(self):
        # Its uuid, the cluster, the oid (of a dump restored in place), the name.
        for position in range(4):
            self.broadcast._set_state("sending")
            self.change_origin(position)
            self.guard()
            self.assert_paused()

    def test_a_long_silence_pauses(self):
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_pace SET next_slot_at = next_slot_at"
            " - interval '16 minutes' WHERE kind = 'heartbeat'"
        )
        self.guard()
        self.assert_paused()
