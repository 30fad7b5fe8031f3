from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import whatsapp_broadcast_figures as figures
from .common import phone
from .test_sources import AudienceCommon


@tagged("post_install", "-at_install")
class TestFigures(AudienceCommon):
    def counted(self, broadcast, changes=None):
        """Return {reason: count} and the whole answer."""
        found = broadcast.get_audience_figures(changes)
        reasons = {entry["reason"]: entry["count"] for entry in found["left_out"]}
        self.assertEqual(found["found"], found["reachable"] + found["left_out_count"])
        self.assertEqual(sum(reasons.values()), found["left_out_count"])
        return reasons, found

    def make_every_reason(self):
        """Make leads for which each rule holds; return them and the draft's values."""
        leads = self.make_leads(12)
        leads[0].action_set_lost()
        leads[1].phone = False
        leads[2].phone = "12"
        self.make_choice(phone(3))
        self.sent_before(leads[4])
        self.sent_before(
            leads[5], "failed", error_code="131049", failed_at="2999-01-01"
        )
        leads[6].phone = phone(7)
        excluded = self.make_list(phones=[phone(9)])
        leads[10].write({"phone": "2125550199", "country_id": False})
        template = self.make_template(
            self.account, "greet", "Hi {{1}}", category="marketing"
        )
        self.make_variable(template, "1", value_type="field", lead_path="city")
        leads.city = "Lima"
        leads[11].city = False
        return leads, {
            "template_id": template.id,
            "exclude_list_ids": [Command.set(excluded.ids)],
            "skip_country_guessed": True,
        }

    def test_figures_are_what_is_frozen(self):
        leads, values = self.make_every_reason()
        broadcast = self.make_broadcast(leads, **values)
        leads[8].write({"user_id": False, "company_id": self.make_company().id})
        reasons, found = self.counted(broadcast)
        self.assertEqual(
            reasons,
            dict.fromkeys(
                "lead_closed no_phone bad_phone opted_out frequency_cap"
                " marketing_limit duplicate no_access excluded country_guessed"
                " variable_missing".split(),
                1,
            ),
        )
        self.assertEqual((found["found"], found["reachable"]), (12, 1))
        self.assertFalse(broadcast.recipient_ids, "nothing is stored")
        broadcast.action_review()
        self.assertEqual(broadcast.skipped_count, 11)
        self.assertEqual(broadcast.reachable_count, 1)
        self.assertEqual(self.counted(broadcast)[0], reasons, "after a review, too")

    def test_changes_that_are_not_saved(self):
        leads = self.make_leads(4)
        leads[0].action_set_lost()
        broadcast = self.make_broadcast(leads)
        changed = {"lead_ids": [Command.set(leads[:2].ids)]}
        reasons, found = self.counted(broadcast, changed)
        self.assertEqual((reasons, found["reachable"]), ({"lead_closed": 1}, 1))
        changed["include_closed"] = True
        self.assertEqual(self.counted(broadcast, changed)[1]["reachable"], 2)
        changed = {"audience_type": "filter", "audience_domain": "[('id', '=', 0)]"}
        self.assertEqual(self.counted(broadcast, changed)[1]["found"], 0)
        self.assertEqual(broadcast.with_context(active_test=False).lead_ids, leads)
        self.assertEqual(broadcast.audience_type, "leads")

    def test_what_is_no_field_of_the_audience_is_not_changed(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        self.counted(broadcast, {"state": "done", "user_id": self.other_user.id})
        self.assertEqual(broadcast.state, "draft")

    def test_a_large_audience_is_estimated(self):
        leads = self.make_leads(40)
        for lead in leads[:10]:
            lead.action_set_lost()
        twins = self.make_leads(40)
        broadcast = self.make_broadcast(leads + twins)
        self.patch(figures, "SAMPLE", 20)
        reasons, found = self.counted(broadcast)
        self.assertTrue(found["is_estimate"])
        self.assertEqual(found["found"], 80)
        self.assertLess(abs(found["reachable"] - 40), 16)
        self.assertIn("duplicate", reasons)

    def test_an_empty_audience(self):
        _reasons, found = self.counted(self.make_broadcast())
        self.assertEqual((found["found"], found["reachable"]), (0, 0))

    def test_a_broken_filter(self):
        broadcast = self.make_broadcast(audience_type="filter")
        with self.assertRaisesRegex(UserError, "filter cannot be read"):
            broadcast.get_audience_figures({"audience_domain": "[('x', '=', 1)]"})

    def test_by_country_and_window(self):
        leads = self.make_lead("+12125550100") + self.make_lead("+34612345678")
        leads += self.make_lead("+34612345679")
        reachable = self.make_broadcast(leads)._figures().reachable
        self.assertEqual(reachable, {("US", False): 1, ("ES", False): 2})

    def test_limit_of_people_a_day(self):
        self.number.daily_limit = 2
        _reasons, found = self.counted(self.make_broadcast(self.make_leads(5)))
        self.assertEqual(found["daily_limit"], 2)
        self.assertGreater(found["days"], 1)

    def test_others_drafts(self):
        broadcast = self.make_broadcast(self.make_leads(1))
        with self.assertRaises(AccessError):
            broadcast.with_user(self.other_user).get_audience_figures()
