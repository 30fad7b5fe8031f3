"""Data and helpers that the tests of rights share."""

from odoo.tools import mute_logger

from .common import BroadcastHttpCommon

BROADCAST = "whatsapp.broadcast"
RECIPIENT = "whatsapp.broadcast.recipient"
MESSAGE = "whatsapp.broadcast.message"
LIST = "whatsapp.broadcast.list"
MEMBER = "whatsapp.broadcast.list.member"
ROW = "whatsapp.broadcast.custom.row"


class RightsCommon(BroadcastHttpCommon):
    """Users of each role, and one record of each model that is ours."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.outsider = cls.make_user("outsider")
        cls.everyone = cls.user + cls.manager + cls.administrator + cls.outsider
        cls.lead = cls.make_lead("+1 212 555 0100")
        cls.broadcast = cls.make_broadcast(cls.lead)
        cls.broadcast.action_review()
        cls.recipient = cls.broadcast.recipient_ids
        cls.records = cls.make_engine_rows()
        cls.env.flush_all()

    @classmethod
    def make_engine_rows(cls):
        """Return {model: record}, one of each model that is ours."""
        recipient, number = cls.recipient, cls.number
        draft = cls.make_broadcast(cls.lead)
        values = {
            "attempt": {"recipient_id": recipient.id, "result": "failed"},
            "event": {"account_id": cls.account.id},
            "counter": {"broadcast_id": cls.broadcast.id, "name": "x", "delta": 0},
            "lane": {"number_id": number.id},
            "pace": {"kind": "x", "key": 1, "next_slot_at": "2026-01-01"},
            "reach": {
                "portfolio": cls.account.id,
                "number_id": number.id,
                "address": "+12125550100",
                "at": "2026-01-01",
                "recipient_id": recipient.id,
            },
            "contact": {"account_id": cls.account.id, "number_id": number.id},
            "notice": {
                "account_id": cls.account.id,
                "kind": "account_note",
                "at": "2026-01-01",
            },
            "message": {
                "direction": "out",
                "message_type": "text",
                "account_id": cls.account.id,
                "number_id": number.id,
                "company_id": cls.company.id,
                "user_id": cls.user.id,
            },
            "daily": {"date": "2026-01-01"},
            "launch": {"broadcast_id": cls.broadcast.id},
            "variant": {
                "broadcast_id": cls.make_broadcast().id,
                "template_id": cls.template.id,
            },
            "refusal": {"broadcast_id": cls.broadcast.id, "reason": "x"},
            "test": {"broadcast_id": cls.broadcast.id, "phones": "+12125550100"},
            "rate.import": {"file": "eA==", "valid_from": "2026-01-01", "source": "x"},
            "consent": {
                "address": "+12125550100",
                "kind": "opt_in",
                "purpose": "marketing",
                "channel": "api",
                "at": "2026-01-01",
            },
            "consent.entry": {"lead_id": cls.lead.id},
            "person": {"lead_id": cls.lead.id},
            "register": {"number_id": number.id, "pin": "123456"},
            "list": {"name": "News", "company_id": cls.company.id},
            "custom.row": {"broadcast_id": draft.id, "phone": "+12125550100"},
            "list.add": {"model": "crm.lead", "record_ids": cls.lead.ids},
            "paste": {"broadcast_id": draft.id},
        }
        records = {
            f"whatsapp.broadcast.{name}": cls.env[f"whatsapp.broadcast.{name}"].create(
                vals
            )
            for name, vals in values.items()
        }
        records[MEMBER] = cls.env[MEMBER].create(
            {"list_id": records[LIST].id, "lead_id": cls.lead.id}
        )
        return {
            **records,
            BROADCAST: cls.broadcast,
            RECIPIENT: recipient,
            "whatsapp.broadcast.report": cls.make_report_row(),
            "whatsapp.broadcast.account": cls.account,
            "whatsapp.broadcast.number": number,
            "whatsapp.broadcast.template": cls.template,
            "crm.lead": cls.lead,
            "res.partner": cls.env["res.partner"].create({"name": "Partner"}),
        }

    @classmethod
    def make_report_row(cls):
        """Return what the analysis says of the recipient of a launched broadcast."""
        launched = cls.make_broadcast(cls.lead)
        launched.action_review()
        launched._write_protected({"started_at": "2026-01-01"})
        cls.env.flush_all()
        return cls.env["whatsapp.broadcast.report"].browse(launched.recipient_ids.id)

    def assert_denied(self, *args, **arguments):
        self.assert_refused(*args, error="AccessError", **arguments)

    def assert_not_loaded(self, user, model, names, row):
        """Assert that an import of one row changes nothing."""
        data = [[str(value) for value in row]]
        with mute_logger("odoo.http"):
            answer = self.post(user, model, "load", fields=names, data=data)
        if answer.status_code == 200:
            self.assertFalse(answer.json()["ids"], answer.text)
            self.assertTrue(answer.json()["messages"])
        else:
            self.assertIn("AccessError", answer.json()["name"])

    def any_value(self, field):
        """Return a value that the field would take, as JSON."""
        if field.type == "selection":
            return field.get_values(self.env)[-1]
        return {
            "many2one": self.user.id,
            "many2many": [[6, 0, []]],
            "one2many": [[5, 0, 0]],
            "json": {"a": 1},
            "datetime": "2026-01-01 00:00:00",
            "integer": 5,
            "float": 5.0,
            "boolean": True,
            "binary": "YQ==",
        }.get(field.type, "x")
