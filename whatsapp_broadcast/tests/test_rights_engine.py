from odoo.tests import tagged

from .rights import BROADCAST, RECIPIENT, RightsCommon

#: Rows that only the engine makes, changes and deletes.
ENGINE_MODELS = {
    RECIPIENT: {"phone": "+12125550100", "state": "sending"},
    "whatsapp.broadcast.attempt": {"result": "failed"},
    "whatsapp.broadcast.event": {"state": "new"},
    "whatsapp.broadcast.counter": {"name": "read", "delta": 5},
    "whatsapp.broadcast.lane": {"owner": "me"},
    "whatsapp.broadcast.pace": {"kind": "number", "key": 1},
    "whatsapp.broadcast.reach": {"address": "+12125550100"},
    "whatsapp.broadcast.contact": {"phone": "+12125550100"},
    "whatsapp.broadcast.notice": {"value": "approved", "is_open": False},
    "whatsapp.broadcast.message": {"phone": "+12125550100", "state": "queued"},
    "whatsapp.broadcast.consent": {"address": "+12125550100", "kind": "opt_in"},
    "whatsapp.broadcast.daily": {"date": "2026-01-01", "written_count": 5},
}


@tagged("post_install", "-at_install")
class TestEngineRows(RightsCommon):
    """Rows that the engine makes are nobody's to change."""

    def test_nobody_touches_engine_rows(self):
        for model, values in ENGINE_MODELS.items():
            ids = self.records[model].ids
            names = list(values)
            for user in self.everyone:
                with self.subTest(model=model, user=user.login):
                    self.assert_denied(user, model, "create", vals_list=[values])
                    self.assert_denied(user, model, "write", ids, vals=values)
                    self.assert_denied(
                        user, model, "web_save", ids, vals=values, specification={}
                    )
                    self.assert_denied(user, model, "unlink", ids)
                    self.assert_not_loaded(
                        user, model, [".id", *names], [str(ids[0]), *values.values()]
                    )
        self.assertEqual(self.recipient.exists().state, "queued")

    def test_not_through_the_broadcast(self):
        ids = self.broadcast.ids
        for command in (
            [1, self.recipient.id, {"state": "read"}],
            [0, 0, {"phone": "+12125550199"}],
            [2, self.recipient.id, 0],
        ):
            with self.subTest(command=command):
                self.assert_denied(
                    self.user,
                    BROADCAST,
                    "write",
                    ids,
                    vals={"recipient_ids": [command]},
                )

    def test_the_engine_rooms_are_closed(self):
        closed = {
            self.user: ("event", "counter", "lane", "pace", "contact"),
            self.manager: ("event", "counter", "lane", "pace"),
        }
        for user, names in closed.items():
            for name in names:
                model = f"whatsapp.broadcast.{name}"
                with self.subTest(model=model, user=user.login):
                    self.assert_denied(user, model, "search", domain=[])
                    self.assert_denied(user, model, "read", self.records[model].ids)
