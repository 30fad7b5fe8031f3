from odoo.tests import tagged

from .common import BroadcastHttpCommon, phone

BROADCAST = "whatsapp.broadcast"


@tagged("post_install", "-at_install")
class TestJson2(BroadcastHttpCommon):
    """The whole job as a plain User, as a program would do it."""

    def make(self, **values):
        return self.call(
            self.user,
            BROADCAST,
            "create",
            vals_list=[
                {
                    "name": "By a program",
                    "number_id": self.number_id,
                    "template_id": self.template_id,
                    **values,
                }
            ],
        )

    def setUp(self):
        super().setUp()
        numbers = self.call(
            self.user,
            "whatsapp.broadcast.number",
            "search_read",
            domain=[("phone", "=", "+15550100001")],
            fields=["state"],
        )
        self.assertEqual(numbers[0]["state"], "connected")
        self.number_id = numbers[0]["id"]
        [self.template_id] = self.call(
            self.user,
            "whatsapp.broadcast.template",
            "search",
            domain=[("name", "=", "news")],
        )

    def act(self, ids, action, **arguments):
        return self.call(self.user, BROADCAST, action, ids, **arguments)

    def values_of(self, ids, *names):
        [values] = self.call(self.user, BROADCAST, "read", ids, fields=list(names))
        return values

    def run_prepare(self):
        """Run the cron; an HttpCase is in test mode already."""
        cron = self.env.ref("whatsapp_broadcast.ir_cron_prepare")
        self.assertIs(cron.method_direct_trigger(), True)

    def test_the_whole_job(self):
        leads = self.make_leads(3) + self.make_lead("bad")
        self.env.flush_all()
        found = self.call(
            self.user, "crm.lead", "search", domain=[("id", "in", leads.ids)]
        )
        ids = self.make(lead_ids=[[6, 0, found]])
        self.assertTrue(self.act(ids, "action_review"))
        left_out = self.call(
            self.user,
            "whatsapp.broadcast.recipient",
            "search_read",
            domain=[("broadcast_id", "in", ids), ("state", "=", "skipped")],
            fields=["display_name", "skip_reason"],
        )
        self.assertEqual([row["skip_reason"] for row in left_out], ["bad_phone"])
        self.assertEqual(self.values_of(ids, "state")["state"], "draft")

        self.assertTrue(self.act(ids, "action_launch"))
        self.assertEqual(self.values_of(ids, "state")["state"], "preparing")
        self.run_prepare()
        self.assertEqual(self.values_of(ids, "state")["state"], "sending")
        stats = self.act(ids, "get_stats")
        self.assertEqual(
            {name: value for name, value in stats.items() if value},
            {"recipient_count": 4, "queued_count": 3, "skipped_count": 1},
        )
        values = self.values_of(
            ids, "queued_count", "recipient_count", "reachable_count"
        )
        self.assertEqual(values["reachable_count"], 3)

        self.assertTrue(self.act(ids, "action_pause"))
        self.assertEqual(self.values_of(ids, "state")["state"], "paused")
        self.assertTrue(self.act(ids, "action_resume"))
        self.assertEqual(self.values_of(ids, "state")["state"], "sending")
        self.assertTrue(self.act(ids, "action_cancel"))
        self.assertEqual(self.values_of(ids, "state")["state"], "cancelled")
        message = self.assert_refused(self.user, BROADCAST, "action_resume", ids)
        self.assertIn("Cancelled", message)

    def test_filter_and_schedule(self):
        self.make_leads(2, city="Rome")
        self.env.flush_all()
        ids = self.make(
            audience_type="filter",
            audience_domain="[('city', '=', 'Rome')]",
            scheduled_at="2100-01-01 08:00:00",
        )
        self.act(ids, "action_schedule")
        self.assertEqual(self.values_of(ids, "state")["state"], "scheduled")
        self.act(ids, "action_back_to_draft")
        self.act(ids, "action_launch")
        self.run_prepare()
        self.assertEqual(self.act(ids, "get_stats")["queued_count"], 2)

    def test_contacts(self):
        partner = self.env["res.partner"].create({"name": "A", "phone": phone(0)})
        self.env.flush_all()
        ids = self.make(audience_type="contacts", partner_ids=[[6, 0, partner.ids]])
        self.act(ids, "action_launch", accept_no_webhook=False)
        self.run_prepare()
        self.assertEqual(self.act(ids, "get_stats")["queued_count"], 1)

    def test_refusals_say_what_to_do(self):
        self.env.flush_all()
        ids = self.make()
        message = self.assert_refused(self.user, BROADCAST, "action_launch", ids)
        self.assertIn("audience is empty", message)
        ids = self.make(audience_type="filter", audience_domain="nonsense")
        message = self.assert_refused(self.user, BROADCAST, "action_launch", ids)
        self.assertIn("filter cannot be read", message)
        message = self.assert_refused(self.user, BROADCAST, "action_pause", ids)
        self.assertIn("Draft", message)

    def test_another_user_cannot_do_any_of_it(self):
        leads = self.make_leads(1)
        self.env.flush_all()
        ids = self.make(lead_ids=[[6, 0, leads.ids]])
        for action in ("action_launch", "action_cancel", "get_stats", "action_review"):
            with self.subTest(action=action):
                self.assert_refused(
                    self.other_user, BROADCAST, action, ids, error="AccessError"
                )
