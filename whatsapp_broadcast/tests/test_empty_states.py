import re

from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestEmptyStates(TransactionCase):
    """A screen without records says what it is for, and leads on."""

    def our_actions(self):
        data = self.env["ir.model.data"].search(
            [
                ("module", "=", "whatsapp_broadcast"),
                ("model", "=", "ir.actions.act_window"),
            ]
        )
        actions = self.env["ir.actions.act_window"].browse(data.mapped("res_id"))
        return actions.filtered(lambda a: a.target != "new" and "list" in a.view_mode)

    def test_each_list_teaches(self):
        actions = self.our_actions()
        self.assertGreater(len(actions), 20)
        for action in actions:
            with self.subTest(action=action.xml_id):
                text = action.help or ""
                self.assertIn("o_view_nocontent_", text)
                self.assertEqual(text.count("<p"), text.count("</p>"))
                self.assertGreater(len(re.sub("<.*?>", "", text).split()), 8)

    def test_links_lead_somewhere(self):
        names = [
            name
            for action in self.our_actions()
            for name in re.findall(r'name="([^"]+)"', action.help or "")
        ]
        self.assertTrue(names)
        for name in names:
            self.assertEqual(self.env.ref(name)._name, "ir.actions.act_window", name)
