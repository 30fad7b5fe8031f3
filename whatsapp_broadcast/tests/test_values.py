from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged

from ..models import whatsapp_broadcast_values as values
from .common import BroadcastCommon, phone

#: As they may stand in a column of text.
TEXTS = (
    False,
    "",
    "Ann",
    " \t Ann \r\n",
    "\u3000\u2009\xa0",
    "\x1c\x85Zoë\x0b\u2028",
    "\u200bAnn\ufeff",
    "quote\" \\back %s {{1}} '",
    "🌱 سلام\nline",
)
#: (path from a lead, whether the statement itself reads it)
PATHS = (
    ("city", True),
    ("description", False),
    ("contact_name", True),
    ("partner_id.name", True),
    ("partner_id.barcode", True),
    ("country_id.name", True),
    ("partner_id", False),
    ("partner_id.comment", False),
    ("partner_id.country_id.name", False),
    ("stage_id", False),
    ("type", False),
    ("expected_revenue", False),
    ("create_date", False),
    ("user_id.name", False),
    ("tag_ids.name", False),
)


@tagged("post_install", "-at_install")
class TestValues(BroadcastCommon):
    """The statement and the ORM give the same texts, whoever launches."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env["res.country"].with_context(lang="fr_FR").browse(
            cls.env.ref("base.us").id
        ).name = " États-Unis "
        cls.hidden = cls.env["res.partner"].create({"name": "Hidden", "barcode": "h"})
        cls.env["ir.rule"].create(
            {
                "name": "hidden",
                "model_id": cls.env["ir.model"]._get("res.partner").id,
                "domain_force": f"[('id', '!=', {cls.hidden.id})]",
            }
        )
        cls.leads = cls.make_all_leads()
        cls.partners = cls.env["res.partner"].create(
            [{"name": "Named", "phone": phone(900 + n)} for n in range(len(TEXTS))]
        )
        cls.write_raw(cls.partners, "city", TEXTS)

    @classmethod
    def make_all_leads(cls):
        """Return leads with each text in each column, and each kind of partner."""
        archived = cls.env["res.partner"].create({"name": " Old\t", "active": False})
        coded = cls.env["res.partner"].create({"name": "Coded"})
        coded.with_company(cls.company).barcode = " 12 "
        partners = [False, cls.hidden.id, archived.id, coded.id]
        leads = cls.make_leads(len(TEXTS) * len(partners))
        cls.env.flush_all()
        for position, lead in enumerate(leads):
            cls.env.cr.execute(
                "UPDATE crm_lead SET partner_id = %s WHERE id = %s",
                [partners[position % len(partners)] or None, lead.id],
            )
        repeated = [text for text in TEXTS for _partner in partners]
        cls.write_raw(leads, "city", repeated)
        cls.write_raw(leads, "contact_name", repeated[::-1])
        return leads

    @classmethod
    def write_raw(cls, records, column, texts):
        """Write what the ORM would have trimmed."""
        cls.env.flush_all()
        for record, text in zip(records, texts, strict=True):
            cls.env.cr.execute(
                f"UPDATE {records._table} SET {column} = %s WHERE id = %s",
                [None if text is False else text, record.id],
            )
        cls.env.invalidate_all()

    def outcome(self, user, context, **vals):
        broadcast = self.make_broadcast(user=user, **vals)
        broadcast.with_context(**context).action_review()
        return {
            (row.lead_id or row.partner_id).id: (row.state, row.skip_reason)
            + (row.variables,)
            for row in broadcast.sudo().recipient_ids
        }

    def assert_same(self, user=None, context=None, **vals):
        vals.setdefault("lead_ids", [Command.set(self.leads.ids)])
        arguments = user or self.user, context or {}
        by_statement = self.outcome(*arguments, **vals)
        with patch.object(values, "_text_sql", lambda *_arguments: None):
            by_orm = self.outcome(*arguments, **vals)
        self.assertEqual(by_statement, by_orm)
        return by_statement

    def make_paths_template(self, overrides):
        """Return values of a broadcast whose variables are ``overrides``, in order."""
        body = " ".join(f"{{{{{n}}}}}" for n in range(1, len(overrides) + 1))
        name = f"all_{self.env['whatsapp.broadcast.template'].search_count([])}"
        return {
            "template_id": self.make_template(self.account, name, body).id,
            "template_params": {
                f"body.{n}": override for n, override in enumerate(overrides, start=1)
            },
        }

    def test_each_path_reads_as_meant(self):
        model = self.env["crm.lead"].with_user(self.user)
        for path, by_statement in PATHS:
            with self.subTest(path=path):
                column = values._text_sql(model, [("field", path)])
                self.assertIs(column is not None, by_statement)

    def test_each_path_alone(self):
        for path, _by_statement in PATHS:
            for lang in ("en_US", "fr_FR"):
                with self.subTest(path=path, lang=lang):
                    self.assert_same(
                        context={"lang": lang},
                        **self.make_paths_template([{"field": path}]),
                    )

    def test_all_paths_with_fallbacks(self):
        overrides = [{"field": path, "fallback": " none "} for path, _ in PATHS]
        found = self.assert_same(**self.make_paths_template(overrides))
        self.assertEqual({state for state, *_rest in found.values()}, {"queued"})

    def test_a_filter_names_archived_partners_too(self):
        found = self.assert_same(
            audience_type="filter",
            audience_domain=f"[('id', 'in', {self.leads.ids})]",
            lead_ids=False,
            **self.make_paths_template([{"field": "partner_id.name"}]),
        )
        self.assertIn("Old", repr(found))

    def test_names_of_recipients(self):
        template = self.make_template(self.account, "names", "{{1}} {{2}}")
        self.make_variable(template, "1", value_type="recipient_name", fallback=" x ")
        self.make_variable(template, "2", value_type="recipient_name")
        found = self.assert_same(template_id=template.id)
        reasons = [reason for _state, reason, _variables in found.values()]
        self.assertIn("variable_missing", reasons)
        self.assertIn(False, reasons)

    def test_texts(self):
        for override in ("x", " x ", " ", {"text": " y "}, {"fallback": "\u2003z"}):
            with self.subTest(override=override):
                self.assert_same(**self.make_paths_template([override]))

    def test_contacts(self):
        self.assert_same(
            audience_type="contacts",
            lead_ids=False,
            partner_ids=[Command.set(self.partners.ids)],
            **self.make_paths_template(
                [
                    {"field": "city", "fallback": "x"},
                    {"field": "parent_id.name", "fallback": "x"},
                    {"field": "country_id.name", "fallback": "x"},
                ]
            ),
        )

    def test_hidden_partner(self):
        vals = self.make_paths_template([{"field": "partner_id.name"}])
        found = self.assert_same(**vals)
        named = self.leads.filtered(lambda lead: lead.partner_id == self.hidden)
        self.assertTrue(named)
        for lead in named:
            self.assertEqual(found[lead.id][1], "variable_missing")
            self.assertNotIn("Hidden", repr(found[lead.id]))

    def test_fields_of_other_groups(self):
        for model, name in (
            ("crm.lead", "city"),
            ("crm.lead", "partner_id"),
            ("res.partner", "name"),
        ):
            field = self.env[model]._fields[name]
            with patch.object(field, "groups", "base.group_system"):
                self.assert_same(
                    **self.make_paths_template(
                        [
                            {"field": "city", "fallback": "x"},
                            {"field": "partner_id.name", "fallback": "x"},
                        ]
                    )
                )

    def test_a_model_that_may_not_be_read(self):
        partners = type(self.env["res.partner"])
        check = partners._check_access

        def refuse(records, operation):
            if records.env.su or records.env.user != self.user:
                return check(records, operation)
            return records, lambda: AccessError("no")

        with patch.object(partners, "_check_access", refuse):
            found = self.assert_same(
                **self.make_paths_template([{"field": "partner_id.name"}])
            )
        self.assertEqual({row[1] for row in found.values()}, {"variable_missing"})
