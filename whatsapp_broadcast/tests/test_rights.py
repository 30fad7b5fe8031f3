import inspect

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import GROUPS, BroadcastHttpCommon

BROADCAST = "whatsapp.broadcast"
RECIPIENT = "whatsapp.broadcast.recipient"
MESSAGE = "whatsapp.broadcast.message"
LIST = "whatsapp.broadcast.list"
MEMBER = "whatsapp.broadcast.list.member"
ROW = "whatsapp.broadcast.custom.row"

#: Rows that only the engine makes, changes and deletes.
ENGINE_MODELS = {
    RECIPIENT: {"phone": "+12125550100", "state": "sending"},
    "whatsapp.broadcast.attempt": {"result": "failed"},
    "whatsapp.broadcast.event": {"state": "new"},
    "whatsapp.broadcast.counter": {"name": "read", "delta": 5},
    "whatsapp.broadcast.lane": {"owner": "me"},
    "whatsapp.broadcast.pace": {"kind": "number", "key": 1},
    "whatsapp.broadcast.reach": {"address": "+12125550100"},
    "whatsapp.broadcast.contact": {"phone": "+12125550100"},
    "whatsapp.broadcast.notice": {"value": "approved", "is_open": False},
    "whatsapp.broadcast.message": {"phone": "+12125550100", "state": "queued"},
    "whatsapp.broadcast.consent": {"address": "+12125550100", "kind": "opt_in"},
    "whatsapp.broadcast.daily": {"date": "2026-01-01", "written_count": 5},
}

#: Spelt out, not imported: what is missing in the model's own list must be noticed.
PROTECTED = set(
    "state state_reason state_detail launcher_id launch_context audience_bounds"
    " audience_cursor started_at completed_at media_id resting_until rest_reason"
    " held_since threshold_base pause_is_told upload_attempts"
    " recipient_count queued_count sending_count held_count failed_count"
    " skipped_count cancelled_count unknown_count accepted_count sent_count"
    " delivered_count read_count replied_count country_guessed_count reachable_count"
    " progress failure_groups unreached_count begins_at company_tz"
    " recipient_timezones recurrence_start origin_id next_run_id ab_decide_at"
    " ab_winner forecast approval_people approval_cost approver_id"
    " approved_people".split()
)
FROZEN = set(
    "company_id number_id message_type template_id template_params body media_kind"
    " in_recipient_language variant_ids ab_share"
    " media_file media_filename media_link media_caption audience_type"
    " audience_model audience_domain lead_ids partner_ids include_closed"
    " skip_country_guessed"
    " list_ids exclude_list_ids exclude_days custom_row_ids custom_columns"
    " custom_recipients"
    " earlier_broadcast_ids earlier_result"
    " scheduled_at only_new recurrence recurrence_interval recurrence_until".split()
)

#: Whoever may read a lead or contact may read its conversation and answer it.
CONVERSATION = {
    "action_whatsapp_conversation": {},
    "whatsapp_get_conversation": {},
    "whatsapp_mark_read": {},
    "whatsapp_reply": {"number_id": 1, "body": "x"},
    "whatsapp_get_template": {"template_id": 1, "number_id": 1},
    "whatsapp_send_template": {"template_id": 1, "number_id": 1},
}
#: What is asked and done for the present user and company.
ONBOARDING = {
    "get_onboarding": {},
    "action_connect_account": {},
    "action_sync_all_templates": {},
    "action_write_template": {},
    "action_write_to_myself": {"phone": "+12125550100"},
    "action_close_onboarding": {},
    "action_open_onboarding": {},
}
#: Every public method of our models, and arguments to call it with. A new one must be
#: added here, where it is tried by users who may not call it.
PUBLIC_METHODS = {
    BROADCAST: {
        "action_launch": {},
        "get_audience_figures": {},
        "get_variant_figures": {},
        "action_choose_winner": {"name": "A"},
        "action_schedule": {},
        "action_pause": {},
        "action_resume": {},
        "action_cancel": {},
        "action_back_to_draft": {},
        "action_retry_failed": {},
        "action_open_runs": {},
        "action_stop_series": {},
        "action_open_launch": {},
        "action_approve": {},
        "action_refuse": {"reason": "x"},
        "action_open_refusal": {},
        "action_open_send_test": {},
        "action_open_costs": {},
        "get_costs": {},
        "get_health": {},
        **ONBOARDING,
        "action_review": {},
        "action_open_recipients": {},
        "action_send_test": {"phones": ["+12125550100"]},
        "action_open_tests": {},
        "action_open_leads": {},
        "action_open_links": {},
        "action_duplicate_for_unreached": {},
        "action_accept_template": {},
        "get_message_previews": {},
        "get_stats": {},
        "get_failures": {},
        "get_expected_end": {},
        "create": {"vals_list": [{"name": "x"}]},
        "write": {"vals": {"name": "x"}},
        "copy_data": {},
        "copy": {},
        "unlink": {},
        "action_open_paste": {},
        "action_open_custom_rows": {},
        "action_remove_invalid_rows": {},
        "action_download_invalid_rows": {},
    },
    RECIPIENT: {
        "action_treat_as_sent": {},
        "action_send_again": {},
        "action_open_events": {},
        "action_whatsapp_add_to_list": {},
    },
    MESSAGE: {
        "action_create_lead": {},
        "action_open_conversation": {},
        "action_open_events": {},
    },
    "whatsapp.broadcast.account": {
        "action_connect": {},
        "action_sync_templates": {},
        "action_make_verify_token": {},
        "action_open_numbers": {},
        "action_open_templates": {},
        "action_open_notices": {},
        "action_open_unrouted": {},
        "create": {"vals_list": [{"name": "x"}]},
        "write": {"vals": {"name": "x"}},
        "unlink": {},
    },
    "whatsapp.broadcast.number": {
        "action_refresh": {},
        "action_register": {"pin": "123456"},
        "write": {"vals": {"name": "x"}},
    },
    "whatsapp.broadcast.template": {
        "action_submit": {},
        "action_sync": {},
        "create": {"vals_list": [{"name": "x"}]},
        "write": {"vals": {"active": False}},
        "copy_data": {},
    },
    "whatsapp.broadcast.contact": {
        "create": {"vals_list": [{"phone": "+12125550100"}]},
        "action_open_person": {},
        "action_export_person": {},
        "action_erase_person": {},
    },
    "whatsapp.broadcast.person": {"action_export": {}, "action_erase": {}},
    LIST: {
        "action_open_members": {},
        "action_open_broadcasts": {},
        "action_new_broadcast": {},
    },
    MEMBER: {
        "create": {"vals_list": [{"list_id": 1, "phone": "+12125550100"}]},
        "write": {"vals": {"name": "x"}},
        "action_subscribe": {},
        "action_unsubscribe": {},
    },
    ROW: {
        "create": {"vals_list": [{"broadcast_id": 1, "phone": "+12125550100"}]},
        "write": {"vals": {"name": "x"}},
        "unlink": {},
    },
    "whatsapp.broadcast.list.add": {"action_add": {}},
    "whatsapp.broadcast.paste": {
        "create": {"vals_list": [{"broadcast_id": 1}]},
        "action_read": {},
        "action_check": {},
        "action_back": {},
        "action_download": {},
        "action_take": {},
    },
    "whatsapp.broadcast.event": {"action_retry": {}},
    "whatsapp.broadcast.notice": {"action_dismiss": {}},
    "whatsapp.broadcast.report": {"action_open_recipient": {}, "get_dashboard": {}},
    "whatsapp.broadcast.variant": {
        "create": {"vals_list": [{"broadcast_id": 1, "template_id": 1}]},
        "write": {"vals": {"template_params": False}},
        "unlink": {},
    },
    "whatsapp.broadcast.refusal": {"action_refuse": {}},
    "whatsapp.broadcast.rate.import": {"action_import": {}},
    "whatsapp.broadcast.test": {
        "action_send": {},
        "create": {"vals_list": [{"broadcast_id": 1, "phones": "+12125550100"}]},
    },
    "whatsapp.broadcast.launch": {
        "action_launch": {},
        "action_open_left_out": {},
        "action_accept_template": {},
        "create": {"vals_list": [{"broadcast_id": 1}]},
    },
    "whatsapp.broadcast.register": {"action_register": {}},
    "whatsapp.broadcast.consent": {
        "record_consent": {"kind": "opt_in", "phone": "+12125550100"}
    },
    "whatsapp.broadcast.consent.entry": {"action_record": {}},
    "crm.lead": {
        "action_whatsapp_broadcast": {},
        "action_whatsapp_add_to_list": {},
        "action_whatsapp_consent": {},
        "action_whatsapp_consents": {},
        "action_open_person": {},
        "action_export_person": {},
        "action_erase_person": {},
        **CONVERSATION,
    },
    "res.partner": {
        "action_whatsapp_broadcast": {},
        "action_whatsapp_add_to_list": {},
        "action_whatsapp_consent": {},
        "action_whatsapp_consents": {},
        "action_open_person": {},
        "action_export_person": {},
        "action_erase_person": {},
        **CONVERSATION,
    },
}
#: Methods of Odoo's that are only extended: Odoo sees to their rights.
EXTENDED = {("crm.lead", "write")}
#: What is called on a model, not on records.
OF_MODEL = ("create", "record_consent", "get_dashboard", *ONBOARDING)
#: What a plain User may call on others' records as well.
FOR_ALL_USERS = {
    ("whatsapp.broadcast.account", "action_open_numbers"),
    ("whatsapp.broadcast.account", "action_open_templates"),
    ("whatsapp.broadcast.account", "action_open_notices"),
    ("whatsapp.broadcast.account", "action_open_unrouted"),
    ("whatsapp.broadcast.template", "copy_data"),
    ("whatsapp.broadcast.report", "get_dashboard"),
    ("whatsapp.broadcast.consent", "record_consent"),
    ("whatsapp.broadcast.consent.entry", "action_record"),
    *((BROADCAST, name) for name in ONBOARDING),
    (LIST, "action_open_members"),
    (LIST, "action_open_broadcasts"),
    (LIST, "action_new_broadcast"),
    (MEMBER, "action_subscribe"),
    (MEMBER, "action_unsubscribe"),
    ("whatsapp.broadcast.recipient", "action_whatsapp_add_to_list"),
    ("crm.lead", "action_whatsapp_add_to_list"),
    ("res.partner", "action_whatsapp_add_to_list"),
    ("crm.lead", "action_whatsapp_broadcast"),
    ("crm.lead", "action_whatsapp_consent"),
    ("crm.lead", "action_whatsapp_consents"),
    ("res.partner", "action_whatsapp_broadcast"),
    ("res.partner", "action_whatsapp_consent"),
    ("res.partner", "action_whatsapp_consents"),
    *((model, name) for model in ("crm.lead", "res.partner") for name in CONVERSATION),
}


@tagged("post_install", "-at_install")
class TestRights(BroadcastHttpCommon):
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

    # === ENGINE'S ROWS === #

    def test_nobody_touches_engine_rows(self):
        for model, values in ENGINE_MODELS.items():
            ids = self.records[model].ids
            names = list(values)
            for user in self.everyone:
                with self.subTest(model=model, user=user.login):
                    self.assert_denied(user, model, "create", vals_list=[values])
                    self.assert_denied(user, model, "write", ids, vals=values)
                    self.assert_denied(
                        user, model, "web_save", ids, vals=values, specification={}
                    )
                    self.assert_denied(user, model, "unlink", ids)
                    self.assert_not_loaded(
                        user, model, [".id", *names], [str(ids[0]), *values.values()]
                    )
        self.assertEqual(self.recipient.exists().state, "queued")

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

    def test_not_through_the_broadcast(self):
        ids = self.broadcast.ids
        for command in (
            [1, self.recipient.id, {"state": "read"}],
            [0, 0, {"phone": "+12125550199"}],
            [2, self.recipient.id, 0],
        ):
            with self.subTest(command=command):
                self.assert_denied(
                    self.user,
                    BROADCAST,
                    "write",
                    ids,
                    vals={"recipient_ids": [command]},
                )

    # === OWNERS === #

    def test_a_user_sees_own_only(self):
        ids = self.broadcast.ids
        self.assertEqual(self.call(self.other_user, BROADCAST, "search", domain=[]), [])
        self.assertEqual(self.call(self.other_user, RECIPIENT, "search", domain=[]), [])
        self.assertEqual(
            self.call(
                self.other_user, "whatsapp.broadcast.attempt", "search", domain=[]
            ),
            [],
        )
        for model in (BROADCAST, RECIPIENT, "whatsapp.broadcast.attempt", MESSAGE):
            self.assert_denied(self.other_user, model, "read", self.records[model].ids)
        self.assert_denied(
            self.other_user, BROADCAST, "write", ids, vals={"name": "Mine"}
        )
        self.assert_denied(self.other_user, BROADCAST, "unlink", ids)
        self.assert_denied(
            self.other_user,
            BROADCAST,
            "create",
            vals_list=[{"number_id": self.number.id, "user_id": self.user.id}],
        )
        for user in (self.user, self.manager, self.administrator):
            found = self.call(user, BROADCAST, "search", domain=[])
            self.assertIn(self.broadcast.id, found)
            self.assertTrue(self.call(user, RECIPIENT, "search", domain=[]))
            self.assertTrue(self.call(user, MESSAGE, "search", domain=[]))

    def test_an_outsider_sees_nothing(self):
        for model, record in self.records.items():
            if model.startswith("whatsapp"):
                with self.subTest(model=model):
                    self.assert_denied(self.outsider, model, "search", domain=[])
                    self.assert_denied(self.outsider, model, "read", record.ids)

    def test_the_engine_rooms_are_closed(self):
        closed = {
            self.user: ("event", "counter", "lane", "pace", "contact"),
            self.manager: ("event", "counter", "lane", "pace"),
        }
        for user, names in closed.items():
            for name in names:
                model = f"whatsapp.broadcast.{name}"
                with self.subTest(model=model, user=user.login):
                    self.assert_denied(user, model, "search", domain=[])
                    self.assert_denied(user, model, "read", self.records[model].ids)

    def test_only_administrators_keep_accounts_and_numbers(self):
        for model in ("whatsapp.broadcast.account", "whatsapp.broadcast.number"):
            for user in self.user + self.manager:
                ids = self.records[model].ids
                with self.subTest(model=model, user=user.login):
                    self.assert_denied(user, model, "write", ids, vals={"name": "x"})
                    self.assert_denied(user, model, "unlink", ids)
            self.call(self.administrator, model, "write", ids, vals={"name": "x"})

    def test_only_managers_keep_templates(self):
        model, ids = "whatsapp.broadcast.template", self.template.ids
        self.assert_denied(self.user, model, "write", ids, vals={"active": False})
        self.call(self.manager, model, "write", ids, vals={"active": False})

    def test_the_provider_decides_states(self):
        for model, values in (
            ("whatsapp.broadcast.account", {"state": "connected"}),
            ("whatsapp.broadcast.account", {"webhook_token": "guessed"}),
            ("whatsapp.broadcast.account", {"last_webhook_at": "2026-01-01"}),
            ("whatsapp.broadcast.account", {"heard_at": {"state": "2999-01-01"}}),
            ("whatsapp.broadcast.template", {"heard_at": {"state": "2999-01-01"}}),
            ("whatsapp.broadcast.template", {"state": "approved"}),
            ("whatsapp.broadcast.template", {"external_id": "1"}),
        ):
            with self.subTest(model=model, values=values):
                ids = self.records[model].ids
                self.assert_refused(
                    self.administrator, model, "write", ids, vals=values
                )

    # === PROTECTED FIELDS === #

    def test_protected_fields_refuse_everyone(self):
        broadcasts = self.env[BROADCAST]
        for name in sorted(PROTECTED):
            value = self.any_value(broadcasts._fields[name])
            vals = {"name": "x", "number_id": self.number.id, name: value}
            for user in self.user + self.administrator:
                with self.subTest(name=name, user=user.login):
                    self.assert_refused(user, BROADCAST, "create", vals_list=[vals])
                    self.assert_refused(
                        user, BROADCAST, "write", self.broadcast.ids, vals={name: value}
                    )
                    self.assert_refused(
                        user,
                        BROADCAST,
                        "web_save",
                        self.broadcast.ids,
                        vals={name: value},
                        specification={},
                    )
                    self.assert_refused(
                        user,
                        BROADCAST,
                        "copy",
                        self.broadcast.ids,
                        default={name: value},
                    )
                    self.assert_not_loaded(
                        user,
                        BROADCAST,
                        ["name", "number_id/.id", self.import_name(name)],
                        ["x", self.number.id, value],
                    )

    def test_protected_fields_take_no_default(self):
        broadcasts = self.env[BROADCAST]
        names = sorted(PROTECTED)
        context = {
            f"default_{name}": self.any_value(broadcasts._fields[name])
            for name in names
        }
        made = self.call(
            self.user,
            BROADCAST,
            "create",
            vals_list=[{"number_id": self.number.id}],
            context=context,
        )
        plain = broadcasts.create({"number_id": self.number.id})
        self.assertEqual(
            broadcasts.browse(made).read(names, load=None)[0] | {"id": 0},
            plain.read(names, load=None)[0] | {"id": 0},
        )

    def test_a_copy_starts_anew(self):
        self.broadcast._freeze_launcher()
        self.broadcast._set_state("done", reason="person", detail="x")
        self.broadcast._write_protected(
            {"audience_bounds": {}, "audience_cursor": "done", "media_id": "7"}
        )
        self.env.flush_all()
        copied = self.call(self.user, BROADCAST, "copy", self.broadcast.ids)
        copy = self.env[BROADCAST].browse(copied)
        self.assertEqual(copy.state, "draft")
        for name in PROTECTED - {"state", "company_tz"}:
            self.assertFalse(copy[name], name)
        self.assertFalse(copy.recipient_ids)
        self.assertEqual(copy.lead_ids, self.lead)

    def test_frozen_after_launch(self):
        self.broadcast._write_protected({"state": "sending"})
        self.env.flush_all()
        fields = self.env[BROADCAST]._fields
        for name in sorted(FROZEN):
            with self.subTest(name=name):
                message = self.assert_refused(
                    self.user,
                    BROADCAST,
                    "write",
                    self.broadcast.ids,
                    vals={name: self.any_value(fields[name])},
                )
                self.assertIn(name, message)
        self.call(
            self.user,
            BROADCAST,
            "write",
            self.broadcast.ids,
            vals={"messages_per_minute": 10, "description": "slower"},
        )

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

    def import_name(self, name):
        field = self.env[BROADCAST]._fields[name]
        return f"{name}/.id" if field.type == "many2one" else name

    # === METHODS === #

    def test_private_methods_are_closed(self):
        for model, record in self.records.items():
            for name in self.own_methods(model, private=True):
                with self.subTest(model=model, name=name):
                    self.assert_denied(self.administrator, model, name, record.ids)

    def test_each_public_method_is_known(self):
        for model in self.env.registry:
            if self.env[model]._abstract:
                continue  # its methods are those of the models that inherit from it
            known = set(PUBLIC_METHODS.get(model, ()))
            known |= {name for other, name in EXTENDED if other == model}
            self.assertEqual(self.own_methods(model, private=False), known, model)

    def test_public_methods_refuse_outsiders(self):
        for model, methods in PUBLIC_METHODS.items():
            for name, arguments in methods.items():
                with self.subTest(model=model, name=name):
                    self.assert_denied(
                        self.outsider,
                        model,
                        name,
                        () if name in OF_MODEL else self.records[model].ids,
                        **arguments,
                    )

    def test_public_methods_refuse_other_users(self):
        for model, methods in PUBLIC_METHODS.items():
            for name, arguments in methods.items():
                if name == "create" or (model, name) in FOR_ALL_USERS:
                    continue
                with self.subTest(model=model, name=name):
                    self.assert_denied(
                        self.other_user,
                        model,
                        name,
                        self.records[model].ids,
                        **arguments,
                    )

    def own_methods(self, model, private):
        """Return the names of methods that our modules define on a model."""
        return {
            name
            for cls in type(self.env[model]).mro()
            if cls.__module__.startswith("odoo.addons.whatsapp_broadcast.")
            for name, method in vars(cls).items()
            if inspect.isroutine(method)
            and name.startswith("_") == private
            and not name.startswith("__")
            and not self.is_api_private(model, name)
        }

    def is_api_private(self, model, name):
        return any(
            getattr(getattr(cls, name, None), "_api_private", False)
            for cls in type(self.env[model]).mro()
        )

    def test_picking_a_lead_gives_no_right_to_it(self):
        secret = self.make_lead("+1 212 555 0177", name="Secret", user_id=False)
        seller = self.make_user("seller")
        seller.group_ids = [
            Command.set(
                [
                    self.env.ref("sales_team.group_sale_salesman").id,
                    self.env.ref(GROUPS["user"]).id,
                ]
            )
        ]
        secret.user_id = self.manager
        self.env.flush_all()
        with mute_logger("odoo.http"):
            made = self.post(
                seller,
                BROADCAST,
                "create",
                vals_list=[
                    {
                        "number_id": self.number.id,
                        "template_id": self.template.id,
                        "lead_ids": [[6, 0, secret.ids]],
                    }
                ],
            )
        if made.status_code == 200:
            self.assert_refused(seller, BROADCAST, "action_review", made.json())
            self.assert_refused(seller, BROADCAST, "action_launch", made.json())
        else:
            self.assertIn(AccessError.__name__, made.json()["name"])
