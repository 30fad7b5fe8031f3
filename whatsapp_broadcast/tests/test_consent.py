from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from ..models import whatsapp_broadcast_audience
from .common import BroadcastCommon, BroadcastHttpCommon

ANN = "+12125550100"


class ConsentCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.marketing = cls.make_template(
            cls.account, "offer", "Buy", category="marketing"
        )
        cls.now = fields.Datetime.now().replace(microsecond=0)

    def record(self, kind, user=None, minutes=-60, **values):
        """Record what Ann said, as a plain user."""
        if not {"phone", "lead_id", "partner_id"} & values.keys():
            values["phone"] = ANN
        if kind == "opt_in":
            values.setdefault("wording", "I want offers")
        consents = self.env["whatsapp.broadcast.consent"].with_user(user or self.user)
        values.setdefault("at", self.now + timedelta(minutes=minutes))
        return consents.record_consent(kind, **values)

    def consents(self, *domain):
        return self.env["whatsapp.broadcast.consent"].search(list(domain))

    def choices(self, *domain):
        return self.env["whatsapp.broadcast.choice"].search(list(domain))

    def fate(self, template=None, phone=ANN, **values):
        """Return what becomes of a new lead with a phone in a broadcast."""
        lead = self.make_lead(phone, **values)
        template = template or self.template
        return self.reviewed(lead, template_id=template.id)[lead.phone_sanitized]

    def permission(self, record):
        record = record.with_user(self.user).with_company(self.company)
        record.invalidate_recordset()
        return record.whatsapp_permission


@tagged("post_install", "-at_install")
class TestConsent(ConsentCommon):
    """What people enter, import or call is logged and in force."""

    # === WHAT IS RECORDED === #

    def test_an_opt_in_is_logged_and_relied_on(self):
        self.company.whatsapp_consent_rule = "require"
        self.assertEqual(self.fate(self.marketing), "no_consent")
        id_ = self.record(
            "opt_in", phone="(212) 555-0100", channel="form", evidence="https://x.test"
        )
        self.assertEqual(self.fate(self.marketing), "queued")
        consent = self.consents()
        self.assertEqual(consent.id, id_)
        self.assertEqual(
            (consent.address, consent.channel, consent.wording, consent.evidence),
            (ANN, "form", "I want offers", "https://x.test"),
        )
        self.assertEqual(consent.user_id, self.user)
        self.assertEqual(consent.company_id, self.company)
        self.assertEqual(consent.at, self.now - timedelta(hours=1))

    def test_an_opt_out_holds_for_its_purpose(self):
        self.record("opt_out")
        self.assertEqual(self.fate(self.marketing), "opted_out")
        self.assertEqual(self.fate(), "queued")
        self.record("opt_out", purpose="all")
        self.assertEqual(self.fate(), "opted_out")

    def test_an_opt_out_goes_before_a_consent(self):
        self.record("opt_out")
        self.record("opt_in", minutes=-1)
        self.assertEqual(self.fate(self.marketing), "opted_out")

    def test_a_withdrawal_ends_a_consent_however_it_was_given(self):
        self.company.whatsapp_consent_rule = "require"
        for company in (self.company, self.env["res.company"]):
            self.make_choice(
                ANN,
                "opt_in",
                company_id=company.id,
                since=self.now - timedelta(days=1),
            )
        self.record("opt_in", channel="form", minutes=-120)
        self.record("withdrawal", channel="api")
        self.assertFalse(self.choices())
        self.assertEqual(self.fate(self.marketing), "no_consent")
        self.record("opt_in", channel="form", minutes=-90)
        self.assertFalse(self.choices(), "older than the withdrawal")

    def test_it_holds_by_each_name_of_the_person(self):
        contact = self.env["whatsapp.broadcast.contact"].create(
            {
                "account_id": self.account.id,
                "number_id": self.number.id,
                "phone": "+551187654321",
                "user_ref": "BR.1",
            }
        )
        self.record("opt_out", phone="+55 11 98765-4321")
        self.assertEqual(
            sorted(self.choices().mapped("address")), ["+5511987654321", "BR.1"]
        )
        self.assertTrue(contact.with_company(self.company).marketing_opt_out)

    def test_another_companys_account_tells_no_names(self):
        other = self.make_company()
        account = self.make_account("Other", company_id=other.id)
        self.env["whatsapp.broadcast.contact"].create(
            {
                "account_id": account.id,
                "number_id": self.make_number(account, "Other").id,
                "phone": ANN,
                "user_ref": "US.1",
            }
        )
        self.record("opt_out")
        self.assertEqual(self.choices().mapped("address"), [ANN])

    def test_it_holds_for_the_present_company_only(self):
        other = self.make_user("elsewhere", "manager", self.make_company())
        self.record("opt_out", user=other, purpose="all")
        self.assertEqual(self.fate(), "queued")

    def test_said_twice_is_once(self):
        first = self.record("opt_in")
        self.assertEqual(self.record("opt_in"), first)
        self.assertEqual(len(self.consents()), 1)

    def test_a_lead_gives_its_phone_and_its_partner(self):
        partner = self.env["res.partner"].create({"name": "Ann"})
        lead = self.make_lead(ANN, partner_id=partner.id)
        lead.phone = ANN
        self.record("opt_in", lead_id=lead.id)
        consent = self.consents()
        self.assertEqual((consent.lead_id, consent.partner_id), (lead, partner))
        self.assertEqual(consent.address, ANN)

    # === WHAT IS REFUSED === #

    def test_wrong_arguments_are_refused_in_words(self):
        lead = self.make_lead("123")
        for words, values in (
            ("no valid phone", {"phone": "123"}),
            ("has no valid phone", {"lead_id": lead.id}),
            ("does not exist", {"lead_id": 2**31 - 1}),
            ("one of these", {"lead_id": lead.id, "phone": ANN}),
            ("no kind here", {"kind": "optin"}),
            ("no purpose here", {"purpose": "utility"}),
            ("no channel here", {"channel": "keyword"}),
            ("no channel here", {"channel": "button"}),
            ("no channel here", {"channel": "preference"}),
            ("in the future", {"at": self.now + timedelta(hours=1)}),
            ("no time", {"at": "yesterday"}),
            ("no time", {"at": 5}),
            ("must be a text", {"wording": 5}),
            ("provable", {"wording": " "}),
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(UserError, words),
            ):
                self.record(**{"kind": "opt_in", **values})
        self.assertFalse(self.consents())

    def test_times_with_an_offset_are_understood(self):
        self.record("opt_in", at="2026-05-31T14:00:00+02:00")
        self.assertEqual(str(self.consents().at), "2026-05-31 12:00:00")
        self.record("opt_out", at="2026-05-31T14:00:00Z")
        self.assertEqual(str(self.consents()[0].at), "2026-05-31 14:00:00")

    def test_whose_record_one_may_not_read_one_speaks_not_for(self):
        lead = self.make_lead(
            ANN, company_id=self.make_company().id, user_id=False, team_id=False
        )
        with self.assertRaises(AccessError):
            self.record("opt_in", lead_id=lead.id)
        with self.assertRaises(AccessError):
            self.record("opt_in", user=self.make_user("outsider"))

    # === WHO MAY TAKE BACK === #

    def test_only_a_manager_takes_back_what_the_person_said(self):
        self.make_choice(
            ANN,
            purpose="all",
            company_id=self.company.id,
            since=self.now - timedelta(days=1),
        )
        with self.assertRaisesRegex(AccessError, "only a manager"):
            self.record("resume", channel="person")
        self.record("resume", user=self.manager, channel="person")
        self.assertEqual(self.fate(), "queued")

    def test_a_user_takes_back_what_users_entered(self):
        self.record("opt_out", channel="person", purpose="all")
        self.record("resume", channel="person", minutes=-1)
        self.assertEqual(self.fate(), "queued")

    def test_a_form_takes_back_only_what_a_form_said(self):
        self.record("opt_out", channel="form", purpose="all")
        with self.assertRaises(AccessError):
            self.record("resume", channel="form", minutes=-1)
        self.record("opt_out", channel="import", purpose="all")
        self.record("resume", user=self.manager, channel="form", minutes=-1)
        self.assertEqual(self.choices().mapped("channel"), ["import"])

    def test_what_holds_for_all_companies_is_taken_back_by_who_is_in_all(self):
        self.make_choice(ANN, purpose="all", since=self.now - timedelta(days=1))
        with self.assertRaisesRegex(AccessError, "all companies"):
            self.record("resume", user=self.manager, channel="person")
        self.manager.company_ids = self.env["res.company"].search([])
        self.record("resume", user=self.manager, channel="person")
        self.assertFalse(self.choices())
        self.assertEqual(
            set(self.consents().mapped("company_id.id")), {self.company.id}
        )
        self.assertEqual(len(self.consents(("company_id", "=", False))), 1)

    # === THE LOG === #

    def test_the_log_is_found_by_a_phone_in_any_writing(self):
        self.record("opt_out", phone="+5511987654321")
        self.record("opt_out", phone=ANN)
        consents = self.env["whatsapp.broadcast.consent"].with_user(self.manager)
        for text in ("+55 11 8765-4321", "+55 (11) 98765-4321", "98765"):
            found = consents.search([("phone", "ilike", text)])
            self.assertEqual(found.mapped("address"), ["+5511987654321"], text)
        for text in ("(212) 555-0100", "5550100"):
            found = consents.search([("phone", "ilike", text)])
            self.assertEqual(found.mapped("address"), [ANN], text)
        choices = self.env["whatsapp.broadcast.choice"].with_user(self.manager)
        self.assertEqual(len(choices.search([("phone", "=", ANN)])), 1)

    def test_users_read_the_log_of_whom_they_may_read(self):
        lead = self.make_lead(ANN)
        hidden = self.make_lead("+12125550101")
        for one in lead + hidden:
            self.record("opt_out", lead_id=one.id)
        self.record("opt_out", phone="+12125550102")
        seller = self.make_user("seller", "user")
        seller.group_ids -= self.env.ref("sales_team.group_sale_salesman_all_leads")
        seller.group_ids += self.env.ref("sales_team.group_sale_salesman")
        lead.user_id, hidden.user_id = seller, self.user
        read = self.env["whatsapp.broadcast.consent"].with_user(seller).search([])
        self.assertEqual(read.lead_id, lead)
        self.assertTrue(read.is_readable)
        self.assertEqual(len(read.with_user(self.manager).search([])), 3)
        with self.assertRaises(AccessError):
            hidden.with_user(seller).action_whatsapp_consents()

    def test_other_companies_managers_read_nothing(self):
        self.record("opt_out", lead_id=self.make_lead(ANN).id)
        other = self.make_user("elsewhere", "manager", self.make_company())
        for model in ("consent", "choice"):
            model = self.env[f"whatsapp.broadcast.{model}"].with_user(other)
            self.assertFalse(model.search([]))

    def test_nobody_writes_the_log(self):
        id_ = self.record("opt_out")
        consent = self.consents().with_user(self.administrator).browse(id_)
        for call in (
            lambda: consent.write({"wording": "x"}),
            consent.unlink,
            lambda: consent.create({"address": ANN}),
        ):
            with self.assertRaises(AccessError):
                call()

    # === ON LEADS AND CONTACTS === #

    def test_all_who_share_the_phone_show_it(self):
        leads = self.make_lead(ANN) + self.make_lead("(212) 555 0100")
        partner = self.env["res.partner"].create({"name": "Ann", "phone": ANN})
        self.assertEqual(self.permission(leads[0]), "none")
        self.record("opt_in", lead_id=leads[0].id)
        for record in (*leads, partner):
            self.assertEqual(self.permission(record), "opted_in")
        self.record("opt_out", partner_id=partner.id)
        for record in (*leads, partner):
            self.assertEqual(self.permission(record), "opted_out_marketing")
        self.record("opt_out", purpose="all", channel="person", at="2026-05-31 12:00")
        for record in (*leads, partner):
            self.assertEqual(self.permission(record), "opted_out")
            note = record.with_user(self.user).whatsapp_permission_note
            for words in (
                "out of all broadcasts",
                "05/31/2026",
                "by a person",
                self.user.name,
            ):
                self.assertIn(words, note)

    def test_another_form_of_the_phone_shows_it(self):
        lead = self.make_lead("+541123456789")
        self.record("opt_out", phone="+54 9 11 2345-6789")
        self.assertEqual(self.permission(lead), "opted_out_marketing")
        self.assert_found(lead, "opted_out_marketing")

    def test_the_phone_blacklist_shows(self):
        lead = self.make_lead(ANN)
        self.env["phone.blacklist"].create({"number": ANN})
        self.assertEqual(self.permission(lead), "opted_out")
        self.assert_found(lead, "opted_out")

    def test_another_companys_opt_out_does_not_show(self):
        lead = self.make_lead(ANN)
        self.make_choice(ANN, company_id=self.make_company().id)
        self.assertEqual(self.permission(lead), "none")
        self.assert_found(lead, "none")

    def test_they_are_found_by_it(self):
        said = {
            "none": (),
            "opted_in": ("opt_in",),
            "opted_out_marketing": ("opt_in", "opt_out"),
        }
        leads = {}
        for position, (name, kinds) in enumerate(said.items()):
            leads[name] = self.make_lead(f"+1212555010{position}")
            for kind in kinds:
                self.record(kind, lead_id=leads[name].id)
        leads["opted_out"] = self.make_lead("+12125550109")
        self.record("opt_out", lead_id=leads["opted_out"].id, purpose="all")
        nobody = self.make_lead()
        for name, lead in leads.items():
            self.assertEqual(self.permission(lead), name)
            self.assert_found(lead + nobody if name == "none" else lead, name)
        found = self.search_permission("!=", "none")
        self.assertEqual(
            found, self.env["crm.lead"].union(*leads.values()) - leads["none"]
        )

    def assert_found(self, leads, permission):
        self.assertEqual(self.search_permission("=", permission), leads)

    def search_permission(self, operator, permission):
        leads = self.env["crm.lead"].with_user(self.user)
        domain = [("company_id", "=", self.company.id)]
        return leads.search(
            [*domain, ("whatsapp_permission", operator, permission)], order="id"
        )

    def test_a_list_asks_once(self):
        leads = self.make_leads(20).with_user(self.user)
        leads.mapped("phone_sanitized")
        leads.company_id.mapped("name")
        with self.assertQueryCount(2):
            leads.mapped("whatsapp_permission")

    def test_the_wizard_records(self):
        lead = self.make_lead(ANN).with_user(self.user)
        action = lead.action_whatsapp_consent()
        entry = (
            self.env[action["res_model"]]
            .with_user(self.user)
            .with_context(**action["context"])
            .create({"kind": "opt_out", "purpose": "all", "wording": "By phone"})
        )
        self.assertEqual((entry.phone, entry.permission), (ANN, "none"))
        entry.action_record()
        consent = self.consents()
        self.assertEqual((consent.channel, consent.wording), ("person", "By phone"))
        self.assertEqual(self.permission(lead), "opted_out")
        action = lead.action_whatsapp_consents()
        log = self.env[action["res_model"]].with_user(self.user)
        self.assertEqual(log.search(action["domain"]), consent)

    # === IMPORT === #

    def load(self, names, *rows, model="crm.lead", **context):
        """Import rows as the web client does, and commit."""
        records = self.env[model].with_user(self.user).with_context(**context)
        result = records.load(names, [list(row) for row in rows])
        self.env.cr.precommit.run()
        return result

    def test_a_file_brings_consents(self):
        names = [
            "name", "phone", "whatsapp_consent", "whatsapp_consent_at",
            "whatsapp_consent_wording", "whatsapp_consent_evidence",
        ]  # fmt: skip
        result = self.load(
            names,
            ("A", "+12125550100", "opt_in", "2026-05-31 12:00:00", "Yes", "form 7"),
            ("B", "+12125550101", "opt_out", "", "", ""),
            ("C", "+12125550102", "Opt-out of marketing", "", "", ""),
            ("D", "+12125550103", "", "", "", ""),
            import_file=True,
        )
        self.assertFalse(result["messages"])
        leads = self.env["crm.lead"].browse(result["ids"])
        self.assertEqual(
            [self.permission(lead) for lead in leads],
            ["opted_in", "opted_out", "opted_out_marketing", "none"],
        )
        consent = self.consents(("lead_id", "=", leads[0].id))
        self.assertEqual(
            (consent.channel, str(consent.at), consent.wording, consent.evidence),
            ("import", "2026-05-31 12:00:00", "Yes", "form 7"),
        )

    def test_contacts_are_imported_too(self):
        result = self.load(
            ["name", "phone", "whatsapp_consent"],
            ("A", ANN, "opt_in"),
            model="res.partner",
            import_file=True,
        )
        partner = self.env["res.partner"].browse(result["ids"])
        self.assertEqual(self.permission(partner), "opted_in")
        self.assertEqual(self.consents().partner_id, partner)

    def test_an_import_takes_back_no_opt_out(self):
        self.record("opt_out", purpose="all")
        self.load(
            ["name", "phone", "whatsapp_consent"],
            ("A", ANN, "opt_in"),
            import_file=True,
        )
        self.assertEqual(self.fate(), "opted_out")

    def test_a_row_without_a_phone_is_refused(self):
        names = ["name", "phone", "whatsapp_consent"]
        result = self.load(names, ("A", "12", "opt_in"), import_file=True)
        self.assertIn("valid phone", result["messages"][0]["message"])
        self.assertFalse(self.consents())

    def test_a_trial_of_an_import_records_nothing(self):
        with self.env.cr.savepoint() as savepoint:
            lead = self.make_lead(ANN)
            lead.with_user(self.user).whatsapp_consent = "opt_out"
            self.env.flush_all()
            savepoint.rollback()
        self.env.cr.precommit.run()
        self.assertFalse(self.consents())

    def test_written_by_a_person_it_says_so(self):
        lead = self.make_lead(ANN).with_user(self.user)
        with self.assertRaisesRegex(UserError, "provable"):
            lead.write({"whatsapp_consent": "opt_in"})
        lead.invalidate_recordset()
        with self.assertRaisesRegex(ValidationError, "what was said"):
            lead.write({"whatsapp_consent_wording": "Yes"})
        lead.invalidate_recordset()
        lead.write({"whatsapp_consent": "opt_in", "whatsapp_consent_wording": "Yes"})
        self.assertFalse(self.consents(), "webhooks wait for who records")
        self.env.cr.precommit.run()
        self.assertEqual(self.consents().channel, "person")
        self.assertFalse(lead.whatsapp_consent)


@tagged("post_install", "-at_install")
class TestLaunchQuestion(ConsentCommon):
    """What is said before marketing goes out."""

    def question(self, template=None, count=4, consents=1, **values):
        leads = self.make_leads(count)
        for lead in leads[:consents]:
            self.record("opt_in", lead_id=lead.id)
        template = template or self.marketing
        broadcast = self.make_broadcast(leads, template_id=template.id, **values)
        action = broadcast.action_open_launch()
        wizards = self.env[action["res_model"]].with_user(self.user)
        return wizards.with_context(**action["context"]).create({})

    def test_who_gave_no_consent_is_counted(self):
        wizard = self.question()
        self.assertEqual(wizard.without_consent_count, 3)
        self.assertEqual(wizard.broadcast_id.without_consent_count, 3)
        self.assertTrue(wizard.must_count_consents)

    def test_who_is_left_out_is_not(self):
        leads = self.make_leads(2)
        self.record("opt_out", lead_id=leads[0].id)
        broadcast = self.make_broadcast(leads, template_id=self.marketing.id)
        broadcast.action_review()
        self.assertEqual(broadcast.without_consent_count, 1)

    def test_only_marketing_and_only_where_the_company_wants_it(self):
        self.assertEqual(self.question(self.template).without_consent_count, 0)
        for rule, count in (("ignore", 0), ("require", 0)):
            self.company.whatsapp_consent_rule = rule
            wizard = self.question()
            self.assertEqual(wizard.without_consent_count, count, rule)
            self.assertFalse(wizard.must_count_consents)

    def test_what_is_not_reviewed_is_not_counted(self):
        self.patch(whatsapp_broadcast_audience, "REVIEW_LIMIT", 2)
        wizard = self.question()
        self.assertFalse(wizard.is_reviewed)
        self.assertEqual(wizard.without_consent_count, 0)
        self.assertTrue(wizard.must_count_consents)

    def test_marketing_without_a_way_out_is_told(self):
        texts = {
            "Buy": True,
            "Buy. Reply STOP to get no more.": False,
            "Nonstop offers": True,
            "Compra. Responde BAJA": False,
        }
        for position, (body, lacks) in enumerate(texts.items()):
            template = self.make_template(
                self.account, f"t{position}", body, category="marketing"
            )
            self.assertEqual(self.question(template).lacks_way_out, lacks, body)
        template = self.make_template(
            self.account,
            "footer",
            "Buy",
            category="marketing",
            footer="Reply STOP to get no more",
        )
        self.assertFalse(self.question(template).lacks_way_out)
        self.assertFalse(self.question(self.template).lacks_way_out)

    def test_a_button_is_a_way_out_if_it_is_marked(self):
        button = self.env["whatsapp.broadcast.template.button"].create(
            {"template_id": self.marketing.id, "index": 0, "text": "No offers"}
        )
        self.assertTrue(self.question().lacks_way_out)
        button.is_opt_out = True
        self.assertFalse(self.question().lacks_way_out)


@tagged("post_install", "-at_install")
class TestConsentApi(BroadcastHttpCommon):
    """Other systems record what people said."""

    def record(self, **values):
        return self.call(
            self.user, "whatsapp.broadcast.consent", "record_consent", **values
        )

    def test_over_json2(self):
        lead = self.make_lead(ANN)
        self.env.flush_all()
        id_ = self.record(
            kind="opt_in",
            phone="+1 (212) 555-0100",
            channel="form",
            at="2026-05-31T12:00:00Z",
            wording="I agree",
            evidence="https://garden.example/form/7",
        )
        consent = self.env["whatsapp.broadcast.consent"].browse(id_)
        self.assertEqual((consent.address, consent.channel), (ANN, "form"))
        self.assertEqual(lead.with_user(self.user).whatsapp_permission, "opted_in")
        words = self.assert_refused(
            self.user,
            "whatsapp.broadcast.consent",
            "record_consent",
            kind="opt_in",
            phone="12",
            wording="I agree",
        )
        self.assertIn("no valid phone", words)
