from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import GROUPS
from .rights import BROADCAST, MESSAGE, RECIPIENT, RightsCommon


@tagged("post_install", "-at_install")
class TestRoles(RightsCommon):
    """What each role sees and keeps."""

    def test_a_user_sees_own_only(self):
        ids = self.broadcast.ids
        self.assertEqual(self.call(self.other_user, BROADCAST, "search", domain=[]), [])
        self.assertEqual(self.call(self.other_user, RECIPIENT, "search", domain=[]), [])
        self.assertEqual(
            self.call(
                self.other_user, "whatsapp.broadcast.attempt", "search", domain=[]
            ),
            [],
        )
        for model in (BROADCAST, RECIPIENT, "whatsapp.broadcast.attempt", MESSAGE):
            self.assert_denied(self.other_user, model, "read", self.records[model].ids)
        self.assert_denied(
            self.other_user, BROADCAST, "write", ids, vals={"name": "Mine"}
        )
        self.assert_denied(self.other_user, BROADCAST, "unlink", ids)
        self.assert_denied(
            self.other_user,
            BROADCAST,
            "create",
            vals_list=[{"number_id": self.number.id, "user_id": self.user.id}],
        )
        for user in (self.user, self.manager, self.administrator):
            found = self.call(user, BROADCAST, "search", domain=[])
            self.assertIn(self.broadcast.id, found)
            self.assertTrue(self.call(user, RECIPIENT, "search", domain=[]))
            self.assertTrue(self.call(user, MESSAGE, "search", domain=[]))

    def test_an_outsider_sees_nothing(self):
        for model, record in self.records.items():
            if model.startswith("whatsapp"):
                with self.subTest(model=model):
                    self.assert_denied(self.outsider, model, "search", domain=[])
                    self.assert_denied(self.outsider, model, "read", record.ids)

    def test_only_administrators_keep_accounts_and_numbers(self):
        for model in ("whatsapp.broadcast.account", "whatsapp.broadcast.number"):
            for user in self.user + self.manager:
                ids = self.records[model].ids
                with self.subTest(model=model, user=user.login):
                    self.assert_denied(user, model, "write", ids, vals={"name": "x"})
                    self.assert_denied(user, model, "unlink", ids)
            self.call(self.administrator, model, "write", ids, vals={"name": "x"})

    def test_only_managers_keep_templates(self):
        model, ids = "whatsapp.broadcast.template", self.template.ids
        self.assert_denied(self.user, model, "write", ids, vals={"active": False})
        self.call(self.manager, model, "write", ids, vals={"active": False})

    def test_the_provider_decides_states(self):
        for model, values in (
            ("whatsapp.broadcast.account", {"state": "connected"}),
            ("whatsapp.broadcast.account", {"webhook_token": "guessed"}),
            ("whatsapp.broadcast.account", {"last_webhook_at": "2026-01-01"}),
            ("whatsapp.broadcast.account", {"heard_at": {"state": "2999-01-01"}}),
            ("whatsapp.broadcast.template", {"heard_at": {"state": "2999-01-01"}}),
            ("whatsapp.broadcast.template", {"state": "approved"}),
            ("whatsapp.broadcast.template", {"external_id": "1"}),
        ):
            with self.subTest(model=model, values=values):
                ids = self.records[model].ids
                self.assert_refused(
                    self.administrator, model, "write", ids, vals=values
                )

    def test_picking_a_lead_gives_no_right_to_it(self):
        secret = self.make_lead("+1 212 555 0177", name="Secret", user_id=False)
        seller = self.make_user("seller")
        seller.group_ids = [
            Command.set(
                [
                    self.env.ref("sales_team.group_sale_salesman").id,
                    self.env.ref(GROUPS["user"]).id,
                ]
            )
        ]
        secret.user_id = self.manager
        self.env.flush_all()
        with mute_logger("odoo.http"):
            made = self.post(
                seller,
                BROADCAST,
                "create",
                vals_list=[
                    {
                        "number_id": self.number.id,
                        "template_id": self.template.id,
                        "lead_ids": [[6, 0, secret.ids]],
                    }
                ],
            )
        if made.status_code == 200:
            self.assert_refused(seller, BROADCAST, "action_review", made.json())
            self.assert_refused(seller, BROADCAST, "action_launch", made.json())
        else:
            self.assertIn(AccessError.__name__, made.json()["name"])
