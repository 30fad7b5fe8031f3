import inspect

from odoo.tests import tagged

from .rights import BROADCAST, LIST, MEMBER, MESSAGE, RECIPIENT, ROW, RightsCommon

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
class TestRights(RightsCommon):
    """Each public method checks the rights of who calls it; the others are closed."""

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
