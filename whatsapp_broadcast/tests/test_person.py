import json
from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .. import engine
from ..providers import InboundEvent
from .common import BroadcastCommon

ANN, BOB = "+5511987654321", "+12125550101"
#: How WhatsApp names Ann.
NAMED = "+551187654321"


@tagged("post_install", "-at_install")
class TestPerson(BroadcastCommon):
    """All that is kept of one person is told, or forgotten."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.number.company_ids = cls.company
        cls.now = fields.Datetime.now()
        brazil = cls.env.ref("base.br")
        cls.partner = cls.env["res.partner"].create({"name": "Ann", "phone": ANN})
        cls.lead = cls.make_lead(ANN, partner_id=cls.partner.id, country_id=brazil.id)
        cls.bob = cls.make_lead(BOB)

    def live(self):
        """Write to Ann and Bob, and let both answer."""
        broadcast = self.make_broadcast(self.lead + self.bob)
        broadcast.action_launch()
        self.run_prepare()
        for row in broadcast.recipient_ids:
            self.settle(
                row,
                "read",
                provider_message_id=f"wamid.{row.phone}",
                token=f"token-{row.id}",
                accepted_at=self.now - timedelta(hours=1),
                user_ref="BR.1" if row.lead_id == self.lead else "US.1",
            )
        self.says("Please call me", NAMED, "BR.1", "Ann A.")
        self.says("STOP", NAMED, "BR.1", "Ann A.")
        self.says("Hello", BOB, "US.1", "Bob B.")
        self.attend()
        consents = self.env["whatsapp.broadcast.consent"].with_user(self.user)
        consents.record_consent("opt_in", lead_id=self.lead.id, wording="Form")
        self.put_on_lists()
        return broadcast

    def put_on_lists(self):
        """Put Ann and Bob on a list and into a pasted set, by lead and by phone."""
        list_ = self.env["whatsapp.broadcast.list"].create(
            {"name": "News", "company_id": self.company.id}
        )
        self.env["whatsapp.broadcast.list.member"].create(
            [
                {"list_id": list_.id, **values}
                for values in (
                    {"lead_id": self.lead.id},
                    {"phone": NAMED, "name": "Ann"},
                    {"phone": BOB, "name": "Bob B."},
                )
            ]
        )
        self.make_broadcast(
            audience_type="custom",
            custom_recipients=f"phone,name,city\n{ANN},Ann,Lima\n{BOB},Bob B.,Rome",
        )

    def says(self, text, phone, user_ref, name):
        self.merge(
            InboundEvent(
                number_id=self.number.external_id,
                at=self.now,
                message_id=f"wamid.{phone}{text}",
                message_type="text",
                text=text,
                phone=phone,
                user_ref=user_ref,
                profile_name=name,
            )
        )

    def attend(self):
        with self.enter_registry_test_mode():
            self.env.ref("whatsapp_broadcast.ir_cron_attend").method_direct_trigger()
        self.env.invalidate_all()

    def counters_agree(self, broadcast):
        """Assert that the counters are what the rows say."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT name, sum(delta) FROM whatsapp_broadcast_counter
            WHERE broadcast_id = %s GROUP BY 1 HAVING sum(delta) <> 0
            """,
            [broadcast.id],
        )
        counted = {name: int(total) for name, total in self.env.cr.fetchall()}
        self.env.cr.execute(
            """
            SELECT state, count(*) FROM whatsapp_broadcast_recipient
            WHERE broadcast_id = %(id)s GROUP BY 1
            UNION ALL
            SELECT 'failed:' || error_class, count(*) FROM whatsapp_broadcast_recipient
            WHERE broadcast_id = %(id)s AND state = 'failed'
                AND error_class IS NOT NULL GROUP BY 1
            UNION ALL
            SELECT 'replied', count(*) FROM whatsapp_broadcast_recipient
            WHERE broadcast_id = %(id)s AND replied_at IS NOT NULL HAVING count(*) > 0
            """,
            {"id": broadcast.id},
        )
        self.assertEqual(counted, dict(self.env.cr.fetchall()))

    def tables_with(self, *texts):
        """Return those of our tables where one of ``texts`` is found."""
        self.env.flush_all()
        self.env.cr.execute(
            r"SELECT relname FROM pg_class WHERE relkind = 'r'"
            r" AND relname LIKE 'whatsapp\_broadcast\_%'"
        )
        return {
            table
            for (table,) in self.env.cr.fetchall()
            for text in texts
            if self.is_in(table, text)
        }

    def is_in(self, table, text):
        self.env.cr.execute(
            f"SELECT count(*) FROM {table} x WHERE x::text LIKE %s", [f"%{text}%"]
        )
        return bool(self.env.cr.fetchone()[0])

    def erase(self, record, user=None):
        return record.with_user(user or self.manager).action_erase_person()

    # === TELLING === #

    def export(self, record):
        action = record.with_user(self.manager).action_export_person()
        id_ = int(action["url"].split("/")[3].split("?")[0])
        attachment = self.env["ir.attachment"].browse(id_)
        with self.assertRaises(AccessError):
            attachment.with_user(self.user).read(["raw"])
        return json.loads(attachment.with_user(self.manager).raw)

    def test_all_is_exported_by_each_name(self):
        self.live()
        for record in (self.lead, self.partner, self.known(NAMED)):
            told = self.export(record)
            self.assertEqual(told["names"], [ANN, "BR.1"])
            self.assertEqual([r["state"] for r in told["recipients"]], ["read"])
            bodies = {row["body"] for row in told["messages"]}
            self.assertEqual(bodies, {"Please call me", "STOP"})
            kinds = sorted(row["kind"] for row in told["consents"])
            self.assertEqual(kinds, ["opt_in", "opt_out"])
            self.assertEqual(len(told["contacts"]), 1)
            self.assertTrue(told["choices"])
            self.assertIn(NAMED, [row["phone"] for row in told["members"]])
            self.assertEqual(
                [row["values"] for row in told["rows"]], [{"city": "Lima"}]
            )
            self.assertNotIn(BOB, json.dumps(told))

    def known(self, phone):
        contacts = self.env["whatsapp.broadcast.contact"]
        return contacts.search([("phone", "=", phone)])

    # === FORGETTING === #

    def test_nothing_that_names_the_person_is_left(self):
        broadcast = self.live()
        before = broadcast.get_stats()
        self.erase(self.lead)
        self.assertEqual(
            self.tables_with("87654321", "BR.1", "Ann", "Please call me"),
            {"whatsapp_broadcast_choice"},
        )
        kept = self.tables_with("Bob B.")
        for name in ("message", "list_member", "custom_row"):
            self.assertIn(f"whatsapp_broadcast_{name}", kept)
        self.assertEqual(broadcast.get_stats(), before)
        self.assertEqual(len(broadcast.recipient_ids), 2)
        self.counters_agree(broadcast)
        notes = "".join(map(str, self.lead.message_ids.mapped("body")))
        self.assertNotIn("Please call me", notes)
        self.assertIn("was erased", notes)

    def test_what_was_pasted_and_not_taken_is_forgotten(self):
        broadcast = self.make_broadcast(audience_type="custom")
        paste = self.env["whatsapp.broadcast.paste"].with_user(self.user)
        paste = paste.create({"broadcast_id": broadcast.id, "text": ANN})
        paste.action_read()
        paste.action_check()
        self.erase(self.lead)
        self.assertEqual(self.tables_with("87654321"), set())

    def test_what_came_in_is_forgotten(self):
        self.live()
        events = self.env["whatsapp.broadcast.event"].search([])
        for event, address in zip(events, (NAMED, BOB), strict=False):
            self.env.cr.execute(
                "UPDATE whatsapp_broadcast_event"
                " SET payload = 'x', keys = ARRAY[%s]::int8[] WHERE id = %s",
                [engine.key(address), event.id],
            )
        self.env.invalidate_all()
        self.erase(self.lead)
        self.assertEqual([bool(event.payload) for event in events[:2]], [False, True])

    def test_by_contact_and_partner_too(self):
        for of in (lambda: self.known(NAMED), lambda: self.partner):
            self.live()
            self.erase(of())
            self.assertEqual(
                self.tables_with("87654321", "BR.1"), {"whatsapp_broadcast_choice"}
            )

    def test_an_opt_out_stays_in_force_and_a_consent_does_not(self):
        self.live()
        self.erase(self.lead)
        self.assertEqual(self.reviewed(self.lead), {ANN: "opted_out"})
        choices = self.env["whatsapp.broadcast.choice"].search([])
        self.assertEqual(set(choices.mapped("kind")), {"opt_out"})

    def test_what_waits_is_not_sent(self):
        broadcast = self.make_broadcast(self.lead + self.bob)
        broadcast.action_launch()
        self.run_prepare()
        self.erase(self.lead)
        self.assertEqual(
            sorted(broadcast.recipient_ids.mapped("state")), ["cancelled", "queued"]
        )
        self.counters_agree(broadcast)
        self.assertEqual(self.tables_with("87654321"), set())

    def test_what_failed_is_not_tried_again(self):
        broadcast = self.make_broadcast(self.lead)
        broadcast.action_launch()
        self.run_prepare()
        self.settle(broadcast.recipient_ids, "failed", error_class="retry")
        self.erase(self.lead)
        self.counters_agree(broadcast)
        rows = self.env["whatsapp.broadcast.recipient"].sudo()
        self.assertFalse(rows._retry_failed(broadcast))

    def test_not_while_a_message_is_on_its_way_or_in_doubt(self):
        broadcast = self.make_broadcast(self.lead)
        broadcast.action_launch()
        self.run_prepare()
        for state, words in (("sending", "being sent"), ("unknown", "not known")):
            self.settle(broadcast.recipient_ids, state)
            with self.assertRaisesRegex(UserError, words):
                self.erase(self.lead)
            self.assertEqual(broadcast.recipient_ids.phone, ANN)

    def test_the_next_owner_of_a_former_phone_is_left_alone(self):
        self.live()
        alias = self.env["whatsapp.broadcast.alias"].search([("address", "=", ANN)])
        alias.is_former = True
        stranger = self.make_lead(ANN)
        told = self.export(stranger)
        self.assertEqual(told["names"], [ANN])

    # === WHO MAY === #

    def test_only_managers_and_only_in_their_companies(self):
        self.live()
        for name in ("open", "export", "erase"):
            with self.assertRaisesRegex(AccessError, "Only a manager"):
                getattr(self.lead.with_user(self.user), f"action_{name}_person")()
        other = self.make_user("elsewhere", "manager", self.make_company())
        self.partner.company_id = False
        self.erase(self.partner, user=other)
        self.assertIn("whatsapp_broadcast_message", self.tables_with("87654321"))
        self.assertIn("whatsapp_broadcast_recipient", self.tables_with("87654321"))

    def test_the_wizard_counts_first(self):
        self.live()
        action = self.lead.with_user(self.manager).action_open_person()
        person = self.env[action["res_model"]].with_user(self.manager)
        person = person.browse(action["res_id"])
        self.assertEqual(
            (person.recipient_count, person.message_count, person.consent_count),
            (1, 2, 2),
        )
        person.action_erase()
        self.assertFalse(self.known(NAMED))
