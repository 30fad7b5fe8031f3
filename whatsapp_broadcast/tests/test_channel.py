from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from ..engine import Result
from ..engine.result import LATE, NOT_SENT, UNKNOWN
from ..models.channel import Channel
from ..providers import TransportError
from ..providers.transport import NotReady, Transport


@tagged("post_install", "-at_install")
class TestChannel(BaseCase):
    """What the transport's errors say about a row."""

    def send(self, error):
        with patch.object(Transport, "__call__", side_effect=error):
            return Channel(None, "700300", 80).send(None, lambda: True)

    def test_not_ready_is_late(self):
        self.assertEqual(self.send(NotReady()), Result(LATE))

    def test_only_what_was_written_is_in_doubt(self):
        for written, outcome in ((False, NOT_SENT), (True, UNKNOWN)):
            error = TransportError("timed out", written=written)
            expected = Result(outcome, error_message="timed out")
            self.assertEqual(self.send(error), expected)
