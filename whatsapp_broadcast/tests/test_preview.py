from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import whatsapp_broadcast_preview as preview
from .common import BroadcastCommon, phone
from .test_sources import AudienceCommon


class PreviewCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.greeting = cls.make_template(
            cls.account, "greeting", "Hi {{1}}, in {{2}} {{1}}", language="ar"
        )
        cls.name = cls.make_variable(cls.greeting, value_type="recipient_name")
        cls.city = cls.make_variable(
            cls.greeting,
            "2",
            value_type="field",
            lead_path="city",
            partner_path="city",
        )
        cls.leads = cls.make_leads(4)
        for lead, name, city in zip(
            cls.leads,
            ("Ann", "Bob", "Cid", "Dan"),
            ("Rome", False, "Wall  Street\n5", "Paris"),
            strict=True,
        ):
            lead.write({"contact_name": name, "city": city})
        cls.env.flush_all()

    def draft(self, leads=None, **values):
        values.setdefault("template_id", self.greeting.id)
        return self.make_broadcast(self.leads if leads is None else leads, **values)

    def people(self, broadcast, **arguments):
        arguments.setdefault("limit", 50)
        return broadcast.get_message_previews(**arguments)["people"]

    def let_write(self, address):
        """Open the 24 hours in which a person may get a text."""
        values = {"number_id": self.number.id, "account_id": self.account.id}
        self.env["whatsapp.broadcast.contact"].create(
            {**values, "phone": address, "last_inbound_at": self.env.cr.now()}
        )

    def values(self, broadcast, **arguments):
        return [
            list(p["variables"].values()) for p in self.people(broadcast, **arguments)
        ]


@tagged("post_install", "-at_install")
class TestPreview(PreviewCommon):
    """What people see, as it would be frozen."""

    def test_one_person(self):
        found = self.draft().get_message_previews()
        self.assertEqual(
            found,
            {
                "people": [
                    {
                        "name": "Ann",
                        "phone": phone(0),
                        "lang": "ar",
                        "template_id": self.greeting.id,
                        "variables": {"body.1": "Ann", "body.2": "Rome"},
                        "problems": [],
                    }
                ],
                "count": 4,
                "is_more": False,
                "messages": [
                    {
                        "name": "A",
                        "label": self.greeting.display_name,
                        "template_id": self.greeting.id,
                    }
                ],
            },
        )

    def test_steps(self):
        draft = self.draft()
        steps = [
            person["name"]
            for offset in range(5)
            for person in self.people(draft, offset=offset, limit=1)
        ]
        self.assertEqual(steps, ["Ann", "Bob", "Cid", "Dan"])
        self.assertIsNone(draft.get_message_previews(with_count=False)["count"])

    def test_same_as_frozen(self):
        draft = self.draft(
            template_params={"body.2": {"field": "city", "fallback": "town"}}
        )
        before = self.people(draft)
        draft.action_review()
        self.assertEqual(self.people(draft), before)
        self.leads[0].city = "Elsewhere"
        self.assertEqual(self.people(draft), before, "what was prepared is shown")

    def test_who_gets_none_is_not_shown(self):
        leads = self.leads + self.make_lead(False, name="Nobody")
        leads += self.make_lead(phone(8), contact_name="Old", active=False)
        leads += self.make_lead(phone(9), contact_name="Won", probability=100)
        leads[-1].action_set_won()
        draft = self.draft(leads)
        self.assertEqual(len(self.people(draft)), 4)
        draft.include_closed = True
        self.assertIn("Won", [person["name"] for person in self.people(draft)])

    def test_problems(self):
        found = {
            person["name"]: [(p["variable"], p["kind"]) for p in person["problems"]]
            for person in self.people(self.draft())
        }
        self.assertEqual(
            found,
            {
                "Ann": [],
                "Bob": [("body.2", "empty")],
                "Cid": [("body.2", "line_breaks")],
                "Dan": [],
            },
        )

    def test_who_gets_a_text_that_is_too_long_is_left_out(self):
        draft = self.draft(template_params={"body.2": {"field": "city"}})
        self.leads[0].city = "x" * 1010  # beside "Hi Ann, in  Ann"
        self.leads[3].city = "x" * 1009
        figures = draft.get_audience_figures()
        reasons = {entry["reason"]: entry["count"] for entry in figures["left_out"]}
        self.assertEqual(reasons["too_long"], 1)
        draft.action_review()
        rows = {row.lead_id: row for row in draft.recipient_ids}
        self.assertEqual(rows[self.leads[0]].skip_reason, "too_long")
        self.assertEqual(rows[self.leads[3]].state, "queued")
        [ann] = [p for p in self.people(draft) if p["name"] == "Ann"]
        self.assertEqual([p["kind"] for p in ann["problems"]], ["too_long"])

    def test_each_refused_value(self):
        for value, kind in (
            ("a\tb", "tabs"),
            ("a\rb", "line_breaks"),
            ("a     b", "spaces"),
            ("a    b", None),
            ("x" * 1010, "too_long"),  # beside "Hi Ann, in  Ann"
            ("x" * 1009, None),
        ):
            with self.subTest(value=value[:8]):
                draft = self.draft(self.leads[0], template_params={"body.2": value})
                kinds = [p["kind"] for p in self.people(draft)[0]["problems"]]
                self.assertEqual(kinds, [kind] if kind else [])

    def test_values_of_buttons(self):
        self.greeting.button_ids.create(
            {
                "template_id": self.greeting.id,
                "index": 0,
                "kind": "copy_code",
                "text": "Copy",
            }
        )
        self.make_variable(self.greeting, "1", component="button", value_type="text")
        for code, kinds in (("x" * 20, []), ("x" * 21, ["too_long"])):
            draft = self.draft(
                self.leads[0], template_params={"button.0": {"text": code}}
            )
            problems = self.people(draft)[0]["problems"]
            self.assertEqual([problem["kind"] for problem in problems], kinds)

    def test_the_database_refuses_the_same_values(self):
        pattern = self.account._parser().refused_value
        texts = [
            "a\nb",
            "a\rb",
            "a\tb",
            "a     b",
            "a    b",
            "nr t\\n",
            "\x0b",
            "é\xa0",
        ]
        self.env.cr.execute(
            "SELECT t ~ %s FROM unnest(%s) WITH ORDINALITY AS x (t, n) ORDER BY n",
            [pattern, texts],
        )
        refused = [is_refused for (is_refused,) in self.env.cr.fetchall()]
        self.assertEqual(refused, [True] * 4 + [False] * 4)
        self.assertEqual(
            refused, [bool(preview.re.search(pattern, text)) for text in texts]
        )

    def test_only_problems(self):
        draft = self.draft()
        found = draft.get_message_previews(limit=50, only_problems=True)
        self.assertEqual([p["name"] for p in found["people"]], ["Bob", "Cid"])
        self.assertEqual((found["count"], found["is_more"]), (2, False))
        second = draft.get_message_previews(offset=1, only_problems=True)
        self.assertEqual([p["name"] for p in second["people"]], ["Cid"])
        with patch.object(preview, "PREVIEW_SAMPLE", 2):
            found = draft.get_message_previews(limit=50, only_problems=True)
        self.assertEqual([p["name"] for p in found["people"]], ["Bob"])
        self.assertTrue(found["is_more"], "it does not say that these are all")

    def test_rows_left_out_for_a_value_are_shown(self):
        draft = self.draft()
        draft.action_review()
        found = {person["name"]: person["problems"] for person in self.people(draft)}
        self.assertEqual(len(found), 4)
        self.assertEqual(
            [p["kind"] for problems in found.values() for p in problems],
            ["line_breaks", "empty"],
        )

    def test_one_recipient_is_read_of_many(self):
        broadcast = self.make_prepared(3)
        broadcast.env.invalidate_all()
        broadcast.get_message_previews()
        loaded = broadcast._fields["recipient_ids"]._get_cache(broadcast.env)
        self.assertNotIn(broadcast.id, loaded)

    def test_counts_are_bounded(self):
        draft = self.draft()
        for name in ("PREVIEW_SAMPLE", "PREVIEW_OFFSET"):
            with patch.object(preview, name, 3):
                found = draft.get_message_previews()
            self.assertEqual((found["count"], found["is_more"]), (3, True), name)
            draft.action_review()

    def test_nobody_of_the_first_gets_it(self):
        draft = self.draft(self.make_leads(3) + self.make_lead(phone(9)))
        for number in range(3):
            self.make_choice(phone(number), purpose="all")
        with patch.object(preview, "PREVIEW_SAMPLE", 3):
            found = draft.get_message_previews()
        self.assertEqual((found["people"], found["is_more"]), ([], True))

    def test_contacts(self):
        partner = self.env["res.partner"].create(
            {"name": "Eve", "phone": phone(20), "city": "Oslo"}
        )
        draft = self.draft(
            self.env["crm.lead"],
            audience_type="contacts",
            partner_ids=[Command.set(partner.ids)],
        )
        self.assertEqual(self.values(draft), [["Eve", "Oslo"]])

    def test_text_needs_no_values(self):
        draft = self.draft(message_type="text", template_id=False, body="Hello")
        self.assertEqual(self.people(draft), [], "nobody wrote within 24 hours")
        self.let_write(phone(0))
        self.assertEqual(
            self.people(draft),
            [
                {
                    "name": "Ann",
                    "phone": phone(0),
                    "lang": "",
                    "template_id": False,
                    "variables": {},
                    "problems": [],
                }
            ],
        )


@tagged("post_install", "-at_install")
class TestPreviewOfSources(PreviewCommon, AudienceCommon):
    """People of several kinds, one after another."""

    def test_lists(self):
        partner = self.make_partner(phone(21), name="Eve", city="Oslo")
        named = self.make_list(*self.leads[2:], partner, phones=[phone(22)])
        found = self.make_filter(f"[('id', 'in', {self.leads[:3].ids})]")
        draft = self.to_lists(named, found, template_id=self.greeting.id)
        names = ["Ann", "Bob", "Cid", "Dan", "Eve", phone(22)]
        previews = draft.get_message_previews(limit=50)
        self.assertEqual([p["name"] for p in previews["people"]], names)
        self.assertEqual(previews["count"], 6)
        steps = [
            person["name"]
            for offset in range(7)
            for person in self.people(draft, offset=offset, limit=1)
        ]
        self.assertEqual(steps, names)
        self.assertEqual(
            [p["name"] for p in self.people(draft, offset=1, limit=3)], names[1:4]
        )

    def test_only_who_gets_it_is_shown(self):
        leads = self.make_leads(12, contact_name="Ann", city="Rome")
        self.sent_before(leads[1], accepted_at=self.env.cr.now())
        self.make_choice(phone(2), purpose="all")
        leads[4].phone = leads[3].phone
        leads[5].city = False
        restriction = {"country_id": self.env.ref("base.ca").id, "scope": "all"}
        self.env["whatsapp.broadcast.restriction"].create(restriction)
        leads[6].phone = "+1 416 555 0123"
        leads[7].action_set_lost()
        draft = self.draft(
            leads,
            exclude_days=1,
            exclude_list_ids=[Command.set(self.make_list(leads[0]).ids)],
        )
        before = self.people(draft)
        draft.action_review()
        self.assertEqual(
            set(draft.recipient_ids.mapped("skip_reason")),
            {
                False,
                "country",
                "duplicate",
                "excluded",
                "lead_closed",
                "opted_out",
                "recently_messaged",
                "variable_missing",
            },
        )
        gets = draft.recipient_ids.filtered(
            lambda row: row.skip_reason in (False, "variable_missing")
        )
        self.assertEqual([p["phone"] for p in before], sorted(gets.mapped("phone")))
        self.assertEqual(
            {p["phone"]: p for p in self.people(draft)}, {p["phone"]: p for p in before}
        )

    def test_what_is_not_saved_counts_with_values_that_the_orm_reads(self):
        self.sent_before(self.leads[0], accepted_at=self.env.cr.now())
        changes = {
            "template_params": {"body.2": {"field": "user_id.name"}},
            "exclude_days": 1,
        }
        draft = self.draft()
        names = [person["name"] for person in self.people(draft, changes=changes)]
        self.assertEqual(names, ["Bob", "Cid", "Dan"])
        self.assertEqual(draft.get_audience_figures(changes)["reachable"], 3)

    def test_columns(self):
        draft = self.make_custom(
            (phone(30), {"name": "Ann", "town": "Rome"}),
            (phone(31), {"name": "Bob", "town": "New\nYork"}),
            ("bad", {"name": "Nobody"}),
            template_id=self.greeting.id,
        )
        changes = {"template_params": {"body.2": {"column": "town"}}}
        people = self.people(draft, changes=changes)
        self.assertEqual(
            [list(person["variables"].values()) for person in people],
            [["Ann", "Rome"], ["Bob", "New\nYork"]],
        )
        self.assertEqual(
            [[p["kind"] for p in person["problems"]] for person in people],
            [[], ["line_breaks"]],
        )


@tagged("post_install", "-at_install")
class TestPreviewOfMessages(PreviewCommon):
    """Translations, and the messages of a test."""

    def test_each_persons_language(self):
        self.env["res.lang"]._activate_lang("es_MX")
        spanish = self.make_template(
            self.account, "greeting", "Hola {{1}} de {{2}}", language="es"
        )
        code = self.env["res.lang"]._get_data(code="es_MX")
        self.leads[1].write({"lang_id": code.id, "city": "Lima"})
        draft = self.draft()
        self.assertEqual({p["lang"] for p in self.people(draft)}, {"ar"})
        changes = {"in_recipient_language": True}
        by_name = {p["name"]: p for p in self.people(draft, changes=changes)}
        self.assertEqual(by_name["Bob"]["template_id"], spanish.id)
        self.assertEqual(by_name["Bob"]["lang"], "es")
        self.assertEqual(by_name["Bob"]["variables"]["body.2"], "Lima")
        self.assertEqual(by_name["Ann"]["template_id"], self.greeting.id)
        draft.in_recipient_language = True
        draft.action_review()
        self.assertEqual({p["name"]: p for p in self.people(draft)}, by_name)

    def make_test(self, **values):
        self.other = self.make_template(self.account, "other", "Dear {{1}}")
        variant = {
            "template_id": self.other.id,
            "template_params": {"body.1": {"field": "phone"}},
        }
        return self.draft(variant_ids=[Command.create(variant)], **values)

    def test_the_messages_of_a_test(self):
        draft = self.make_test()
        found = draft.get_message_previews(message="B")
        self.assertEqual([m["name"] for m in found["messages"]], ["A", "B"])
        self.assertEqual(found["messages"][1]["template_id"], self.other.id)
        [person] = found["people"]
        self.assertEqual(person["template_id"], self.other.id)
        self.assertEqual(person["variables"], {"body.1": phone(0)})
        own = self.people(draft)[0]
        self.assertEqual(own["variables"], {"body.1": "Ann", "body.2": "Rome"})
        for message in ("C", "", None, ["A"]):
            with self.assertRaisesRegex(UserError, "no message"):
                draft.get_message_previews(message=message)

    def test_the_messages_of_a_reviewed_test(self):
        draft = self.make_test(ab_share=100)
        before = self.people(draft, message="B")
        draft.action_review()
        self.assertEqual(self.people(draft, message="B"), before)

    def test_the_messages_of_a_launched_test(self):
        leads = self.make_leads(30, contact_name="Ann", city="Rome")
        broadcast = self.make_test(leads=leads, ab_share=50)
        broadcast.action_launch()
        self.run_prepare()
        rows = broadcast.recipient_ids
        for name, texts in (("A", ["Ann", "Rome"]), ("B", None)):
            people = self.people(broadcast, message=name)
            got = rows.filtered(lambda row, n=name: row.variant in (n, False))
            self.assertEqual({p["phone"] for p in people}, set(got.mapped("phone")))
            for person in people:
                values = list(person["variables"].values())
                self.assertEqual(values, texts or [person["phone"]])

    def test_a_message_that_is_not_saved(self):
        other = self.make_template(self.account, "other", "Dear {{1}}")
        self.make_variable(other, value_type="recipient_name")
        changes = {"variant_ids": [Command.create({"template_id": other.id})]}
        found = self.draft().get_message_previews(changes=changes, message="B")
        self.assertEqual(found["people"][0]["variables"], {"body.1": "Ann"})

    def test_a_message_of_others(self):
        account = self.make_account("Other")
        account.company_id = self.make_company()
        template = self.make_template(account, "other", "Secret {{1}}")
        changes = {"variant_ids": [Command.create({"template_id": template.id})]}
        with self.assertRaises(AccessError):
            self.draft().get_message_previews(changes=changes)


@tagged("post_install", "-at_install")
class TestTextLengths(PreviewCommon):
    """What is longer than the provider takes is refused before a launch."""

    def test_text(self):
        draft = self.draft(message_type="text", template_id=False, body="🌱" * 4096)
        draft.action_review()
        draft.body += "x"
        with self.assertRaisesRegex(UserError, "4097 characters; at most 4096"):
            draft.action_review()

    def test_caption(self):
        draft = self.draft(
            message_type="media",
            template_id=False,
            media_kind="image",
            media_link="https://x.example/a.png",
        )
        draft.media_caption = "x" * 1024
        draft.action_review()
        draft.media_caption = "x" * 1025
        with self.assertRaisesRegex(UserError, "at most 1024"):
            draft.action_review()
