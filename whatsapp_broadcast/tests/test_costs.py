from datetime import date

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged

from .common import BroadcastCommon

RATE = "whatsapp.broadcast.rate"
AUTUMN = date(2026, 10, 15)
CARD = """"Cost per message in USD, effective January 1, 2027",,,,
Market,Currency,Marketing,Utility,"Authentication-
International",Service
France,USD,0.1,0.05,n/a,0.05
Thailand,USD,$0.2,0.06,0.3,0.06
"""


@tagged("post_install", "-at_install")
class TestCosts(BroadcastCommon):
    """Prices by country, category and day; forecast and what was billed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.usd = cls.env.ref("base.USD")
        cls.company.currency_id = cls.usd
        cls.broadcast = cls.make_broadcast(cls.make_leads(1))

    def prices(self, day, *codes, category="utility"):
        found = self.broadcast._card_prices(codes, category, day)
        return {code: price for code, (price, _currency) in found.items()}

    def make_rate(self, market, price, day="2027-01-01", **values):
        return self.env[RATE].create(
            {
                "market_id": self.env.ref(f"whatsapp_broadcast.market_{market}").id,
                "category": "utility",
                "price": price,
                "valid_from": day,
                **values,
            }
        )

    # === CARD === #

    def test_a_country_its_group_and_all_others(self):
        self.assertEqual(
            self.prices(AUTUMN, "FR", "AT", "US", "CU"),
            {"FR": 0.03, "AT": 0.0171, "US": 0.0034, "CU": 0.0077},
        )

    def test_an_unknown_country_has_no_price(self):
        self.assertEqual(self.prices(AUTUMN, None, "FR").keys(), {"FR"})

    def test_before_the_first_card_there_is_no_price(self):
        self.assertFalse(self.prices(date(2026, 9, 30), "FR"))

    def test_the_newest_price_in_force_counts(self):
        self.make_rate("fr", 0.5)
        self.assertEqual(self.prices(date(2026, 12, 31), "FR"), {"FR": 0.03})
        self.assertEqual(self.prices(date(2027, 1, 1), "FR"), {"FR": 0.5})

    def test_a_price_that_ended_counts_no_more(self):
        self.make_rate("fr", 0.5, valid_until="2027-01-31")
        self.assertEqual(self.prices(date(2027, 1, 31), "FR"), {"FR": 0.5})
        self.assertEqual(self.prices(date(2027, 2, 1), "FR"), {"FR": 0.03})

    def test_a_new_market_leaves_its_group_from_its_day_on(self):
        self.env[RATE]._import_card(CARD, date(2027, 1, 1), "A test")
        self.assertEqual(self.prices(date(2026, 12, 31), "TH"), {"TH": 0.0113})
        self.assertEqual(self.prices(date(2027, 1, 1), "TH"), {"TH": 0.06})

    def test_a_card_is_imported_again_without_doubles(self):
        for _time in range(2):
            rates = self.env[RATE]._import_card(CARD, date(2027, 1, 1), "A test")
        self.assertEqual(len(rates), 7)
        international = rates.filtered(
            lambda rate: rate.category == "authentication_international"
        )
        self.assertEqual(international.market_id.name, "Thailand")
        self.assertEqual(rates.currency_id, self.usd)

    def test_a_file_that_is_no_card_is_refused_with_its_place(self):
        for text, reason in (
            ("a,b\n1,2", "No line begins with Market,Currency"),
            ("Market,Currency,Utility\nAtlantis,USD,1", "Atlantis is neither"),
            ("Market,Currency,Utility\nFrance,XXX,1", "Line 2: there is no currency"),
            ("Market,Currency,Utility\nFrance,USD,dear", "Line 2: dear is no price"),
        ):
            with self.assertRaisesRegex(ValidationError, reason):
                self.env[RATE]._import_card(text, date(2027, 1, 1), "A test")

    def test_the_shipped_card_does_not_undo_what_was_changed(self):
        france = self.env.ref("whatsapp_broadcast.market_fr")
        rate = self.env[RATE].search(
            [("market_id", "=", france.id), ("category", "=", "utility")]
        )
        rate.price = 0.9
        self.env[RATE]._load_shipped_cards()
        self.assertEqual(rate.price, 0.9)

    # === FORECAST === #

    def forecast(self, counts, day="2026-10-15 12:00:00", broadcast=None):
        self.follow_frozen_time()
        with freeze_time(day):
            return (broadcast or self.broadcast)._forecast(counts)

    def test_each_country_has_its_price(self):
        forecast = self.forecast({("FR", False): 100, ("US", False): 1000})
        self.assertAlmostEqual(forecast["cost"], 100 * 0.03 + 1000 * 0.0034)
        self.assertEqual(forecast["people"], 1100)
        self.assertEqual(forecast["unpriced"], {})
        self.assertEqual(forecast["currency_id"], self.usd.id)

    def test_what_has_no_price_is_named_and_not_zero(self):
        forecast = self.forecast({(None, False): 3, ("FR", False): 1})
        self.assertEqual(forecast["unpriced"], {"": 3})
        self.assertAlmostEqual(forecast["cost"], 0.03)
        text = self.broadcast._forecast_text(forecast)
        self.assertIn("3 messages without a known price", text)

    def test_free_inside_the_window_until_its_last_day(self):
        self.make_rate("fr", 0.04, "2026-01-01")
        counts = {("FR", True): 10, ("FR", False): 10}
        before = self.forecast(counts, "2026-09-30 12:00:00")
        after = self.forecast(counts, "2026-10-01 12:00:00")
        self.assertAlmostEqual(before["cost"], 0.4)
        self.assertAlmostEqual(after["cost"], 0.6)

    def test_marketing_is_never_free_inside_the_window(self):
        marketing = self.make_template(self.account, "m", "x", category="marketing")
        broadcast = self.make_broadcast(template_id=marketing.id)
        self.make_rate("fr", 0.08, "2026-01-01", category="marketing")
        forecast = self.forecast({("FR", True): 10}, "2026-09-30 12:00:00", broadcast)
        self.assertAlmostEqual(forecast["cost"], 0.8)

    def test_the_price_is_that_of_the_planned_day(self):
        self.make_rate("fr", 0.5, "2026-11-01")
        broadcast = self.make_broadcast(scheduled_at="2026-11-02 08:00:00")
        forecast = self.forecast({("FR", False): 10}, broadcast=broadcast)
        self.assertAlmostEqual(forecast["cost"], 5)

    def test_it_is_in_the_currency_of_the_company(self):
        euro = self.env.ref("base.EUR")
        self.company.currency_id = euro
        self.env["res.currency.rate"].search([]).unlink()
        counts = {("FR", False): 100}
        alone = self.forecast(counts)
        self.assertEqual(alone["currency_id"], self.usd.id, "no rate, no conversion")
        self.assertAlmostEqual(alone["cost"], 3)
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.usd.id,
                "company_id": self.company.id,
                "name": "2026-01-01",
                "rate": 1.25,
            }
        )
        forecast = self.forecast(counts)
        self.assertEqual(forecast["currency_id"], euro.id)
        self.assertAlmostEqual(forecast["cost"], 3 / 1.25)
        self.assertEqual(forecast["rows"][0]["currency_id"], self.usd.id)
        self.assertEqual(forecast["rows"][0]["price"], 0.03)

    def test_reviewed_people_are_counted_by_their_country(self):
        leads = self.make_lead("+33 6 12 34 56 78") + self.make_leads(3)
        broadcast = self.make_broadcast(leads + self.make_lead("bad"))
        counts = {("FR", False): 1, ("US", False): 3}
        self.assertEqual(broadcast._count_by_country(), counts)
        broadcast.action_review()
        self.assertEqual(broadcast._count_by_country(), counts)

    def test_who_wrote_is_inside_the_window(self):
        broadcast = self.make_broadcast(self.make_leads(2))
        broadcast.action_review()
        phone = broadcast.recipient_ids[0].phone
        self.env["whatsapp.broadcast.contact"].create(
            {
                "account_id": self.account.id,
                "number_id": self.number.id,
                "phone": phone,
                "last_inbound_at": broadcast._now(),
            }
        )
        self.env.flush_all()
        self.assertEqual(
            broadcast._count_by_country(), {("US", True): 1, ("US", False): 1}
        )

    def test_deliveries_of_the_account_are_learned(self):
        self.assertEqual(self.broadcast._expected_share("utility"), 1)
        earlier = self.make_prepared(10, state="done")
        earlier._write_protected({"completed_at": earlier._now()})
        self.settle(earlier.recipient_ids, "sent")
        self.assertEqual(self.broadcast._expected_share("utility"), 1, "not heard yet")
        self.settle(earlier.recipient_ids[:3], "failed")
        self.settle(earlier.recipient_ids[5:], "delivered")
        self.assertAlmostEqual(
            self.broadcast._expected_share("utility"), (5 + 20) / (10 + 20)
        )
        self.assertEqual(self.broadcast._expected_share("marketing"), 1)
        at = fields.Datetime.subtract(earlier._now(), days=91)
        earlier._write_protected({"completed_at": at})
        self.assertEqual(self.broadcast._expected_share("utility"), 1)

    # === BILLED === #

    def deliver(self, broadcast, **columns):
        self.settle(
            broadcast.recipient_ids.filtered(lambda row: row.state == "queued"),
            "delivered",
            **{
                "delivered_at": "2026-10-15 12:00:00",
                "price_category": "utility",
                "price_type": "regular",
                **columns,
            },
        )

    def make_delivered(self, **columns):
        broadcast = self.make_prepared(2)
        self.deliver(broadcast, **columns)
        return broadcast

    def test_charged_is_what_the_provider_calls_so(self):
        for columns, billed, counts in (
            ({}, 2 * 0.0034, (2, 0, 0)),
            ({"price_type": "free_entry_point"}, 0, (0, 2, 0)),
            ({"price_type": None, "billable": True}, 2 * 0.0034, (2, 0, 0)),
            ({"price_type": None, "billable": False}, 0, (0, 2, 0)),
            ({"price_category": "marketing_lite"}, 2 * 0.025, (2, 0, 0)),
            ({"price_category": "something"}, 0, (0, 0, 2)),
            ({"delivered_at": "2026-09-01 12:00:00"}, 0, (0, 0, 2)),
            ({"price_type": None}, 0, (0, 0, 0)),
        ):
            with self.subTest(columns=columns):
                self.broadcast = self.make_delivered(**columns)
                costs = self.broadcast.get_costs()
                self.assertAlmostEqual(costs["billed"], billed)
                names = ("charged_count", "free_count", "unpriced_count")
                self.assertEqual(tuple(costs[name] for name in names), counts)

    def test_what_is_not_delivered_is_not_charged(self):
        broadcast = self.make_prepared(1)
        self.settle(broadcast.recipient_ids, "sent", price_type="regular")
        self.assertEqual(broadcast.get_costs()["billed"], 0)

    def test_billed_in_the_currency_of_the_company(self):
        self.company.currency_id = self.env.ref("base.EUR")
        self.env["res.currency.rate"].search([]).unlink()
        broadcast = self.make_delivered()
        self.assertEqual(broadcast.get_costs()["unpriced_count"], 2)
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.usd.id,
                "company_id": self.company.id,
                "name": "2026-01-01",
                "rate": 2,
            }
        )
        self.assertAlmostEqual(broadcast.get_costs()["billed"], 0.0034)

    def test_the_launch_remembers_what_it_foretold(self):
        broadcast = self.make_broadcast(self.make_leads(2))
        page = self.env["whatsapp.broadcast.launch"].browse(
            broadcast.action_open_launch()["res_id"]
        )
        page.with_user(self.user).action_launch()
        self.assertEqual(broadcast.forecast["people"], 2)
        self.assertEqual(broadcast.get_costs()["forecast"], broadcast.forecast["cost"])

    def test_others_see_no_costs(self):
        self.make_delivered()
        costs = self.env["whatsapp.broadcast.cost"]
        self.assertTrue(costs.with_user(self.user).search([]))
        self.assertFalse(costs.with_user(self.other_user).search([]))
        self.assertTrue(costs.with_user(self.manager).search([]))

    def test_only_administrators_change_prices(self):
        rate = self.env[RATE].search([], limit=1)
        for user, allowed in (
            (self.user, False),
            (self.manager, False),
            (self.administrator, True),
        ):
            self.assertTrue(rate.with_user(user).has_access("read"))
            self.assertEqual(rate.with_user(user).has_access("write"), allowed)
