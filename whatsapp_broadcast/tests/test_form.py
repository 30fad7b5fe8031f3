from collections import Counter
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from odoo.addons.web.controllers import dataset

from .common import BroadcastCommon

#: The message as the first person gets it comes after all that the form asks for.
FORM_IS_READ = "Boolean(document.querySelector('.o_whatsapp_person'))"


@tagged("post_install", "-at_install")
class TestForm(BroadcastCommon, HttpCase):
    """What the form of a broadcast asks for: of a million people, each call is slow."""

    def opened(self, broadcast):
        """Open a broadcast in a browser and return how often each method was called."""
        called = Counter()
        call_kw = dataset.call_kw

        def call(model, method, *arguments):
            called[model._name, method] += 1
            return call_kw(model, method, *arguments)

        with patch.object(dataset, "call_kw", call):
            self.browser_js(
                f"/odoo/whatsapp-broadcasts/{broadcast.id}",
                "console.log('test successful')",
                FORM_IS_READ,
                login=self.user.login,
            )
        return called

    def make_filter(self):
        leads = self.make_leads(2)
        return self.make_broadcast(
            audience_type="filter",
            audience_model="crm.lead",
            audience_domain=repr([("id", "in", leads.ids)]),
        )

    def test_a_draft_is_counted(self):
        called = self.opened(self.make_filter())
        self.assertIn(("crm.lead", "search_count"), called)
        self.assertIn(("whatsapp.broadcast", "get_audience_figures"), called)

    def test_what_was_launched_is_not_counted_again(self):
        broadcast = self.make_filter()
        broadcast.action_launch()
        self.run_prepare()
        broadcast._write_protected({"state": "done"})
        called = self.opened(broadcast)
        self.assertEqual(
            {call for call in called if call[0] in ("crm.lead", broadcast._name)},
            {
                ("crm.lead", "fields_get"),
                ("whatsapp.broadcast", "get_views"),
                ("whatsapp.broadcast", "web_read"),
                ("whatsapp.broadcast", "get_costs"),
                ("whatsapp.broadcast", "get_message_previews"),
            },
        )
