"""All our screens, with something on each."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command

from ..providers import TransportError
from ..providers.transport import Transport
from .common import phone
from .test_conversation import ConversationCommon
from .test_custom import TEXT
from .test_report import DAILY, ReportCommon
from .test_sources import AudienceCommon

LIST = ".o_list_view .o_data_row, .o_kanban_view .o_kanban_record:not(.o_kanban_ghost)"
FORM = ".o_form_view .o_form_sheet"
DRAFT = ".o_whatsapp_audience_figures .o_whatsapp_reachable"
DIALOG = ".modal .modal-footer"


class ScreensCommon(ReportCommon, ConversationCommon, AudienceCommon):
    """One broadcast of each kind and state, and what surrounds them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_variable(cls.template, "2", value_type="text", text="May 5")
        error = TransportError("timed out", written=False)
        cls.startClassPatcher(patch.object(Transport, "__call__", side_effect=error))

    def setUp(self):
        super().setUp()
        self.administrator.group_ids += self.env.ref("base.group_system")
        self.user.name, self.manager.name = "Sam Seller", "Mia Manager"
        self.number.daily_limit = 5
        self.leads = self.lead + self.make_people()
        self.offer = self.make_marketing()
        self.done = self.make_settled(name="Spring offer", template_id=self.offer.id)
        self.env[DAILY]._cron_refresh()
        self.members = self.make_list(self.leads[:6], name="Newsletter")
        self.filter = self.make_filter("[('city', '=', 'Lima')]")
        for hours in (1.5, 1):
            self.make_message(self.lead, hours=hours, body="Which *roses*?")
        self.consent = self.env["whatsapp.broadcast.consent"].create(
            {
                "address": phone(5),
                "kind": "opt_in",
                "purpose": "marketing",
                "channel": "form",
                "at": fields.Datetime.now(),
            }
        )
        self.env["whatsapp.broadcast.notice"].create(
            {
                "account_id": self.account.id,
                "kind": "account_note",
                "at": fields.Datetime.now(),
            }
        )

    def make_people(self):
        leads = self.make_leads(12, contact_name="Ann", city="Lima")
        leads[0].action_set_lost()
        leads[1].phone, leads[2].phone = False, "12"
        leads[3].phone = "212 200 0004"
        self.make_choice(phone(5))
        return leads

    # === BROADCASTS === #

    def drafts(self):
        """Return {kind: draft}, one for each way to choose people or a message."""
        translation = self.make_template(
            self.account, self.template.name, "Hola {{1}}, {{2}}", language="es"
        )
        self.make_variable(translation, "2", value_type="text", text="5 de mayo")
        broadcasts = {
            "leads": self.make_broadcast(self.leads, name="To leads"),
            "lists": self.make_broadcast(
                audience_type="list",
                list_ids=[Command.set((self.members + self.filter).ids)],
                exclude_list_ids=[Command.set(self.filter.ids)],
                exclude_days=3,
            ),
            "filter": self.make_broadcast(
                audience_type="filter", audience_domain="[('city', '=', 'Lima')]"
            ),
            "earlier": self.make_broadcast(
                audience_type="broadcast",
                earlier_broadcast_ids=[Command.set(self.done.ids)],
                earlier_result="replied",
            ),
            "rows": self.make_custom(
                *((phone(n), {"name": "Ann"}) for n in range(12)), ("12", {})
            ),
            "test": self.make_broadcast(self.leads, **self.two_messages()),
            "languages": self.make_broadcast(self.leads, in_recipient_language=True),
            "text": self.make_broadcast(
                self.leads,
                message_type="text",
                body="We are *open* 😀 https://garden.example/roses",
            ),
            "media": self.make_broadcast(
                self.leads,
                message_type="media",
                media_kind="document",
                media_link="https://garden.example/prices.pdf",
                media_caption="Our *prices*",
            ),
        }
        broadcasts["leads"].action_review()
        return broadcasts

    def launched(self):
        """Return {state: broadcast} of those that were launched."""
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        scheduled = self.make_broadcast(
            self.leads, scheduled_at=tomorrow, recurrence="weekly", name="Each week"
        )
        scheduled.action_launch()
        tested = self.make_broadcast(
            self.make_leads(20),
            name="Which is better?",
            ab_is_manual=True,
            **self.two_messages(),
        )
        tested.action_launch()
        self.run_prepare()
        waiting = self.make_broadcast(self.leads, name="Too dear")
        self.company.whatsapp_approval_people = 2
        waiting.action_launch()
        self.company.whatsapp_approval_people = 0
        paused = self.make_prepared(3, state="paused", name="Paused")
        paused._write_protected({"state_reason": "template", "state_detail": "paused"})
        return {
            "scheduled": scheduled,
            "to approve": waiting,
            "sending": self.make_prepared(9, name="Summer"),
            "paused": paused,
            "test runs": tested,
            "done": self.done,
        }

    def with_links(self):
        """Return the action that shows the links of a broadcast."""
        broadcast = self.make_broadcast(
            message_type="text", body="https://garden.example/roses"
        )
        broadcast._track_links()
        return broadcast.action_open_links()

    def two_messages(self):
        """Return the values of a broadcast that tests two templates."""
        second = Command.create({"template_id": self.make_marketing().id})
        return {"template_id": self.offer.id, "variant_ids": [second]}

    def make_paste(self, step):
        """Return the wizard that takes rows in, at one of its steps."""
        broadcast = self.make_broadcast(audience_type="custom")
        action = broadcast.action_open_paste()
        paste = broadcast.env[action["res_model"]].browse(action["res_id"])
        if step != "paste":
            paste.text = TEXT
            action = paste.action_read()
        return paste.action_check() if step == "check" else action

    # === SCREENS === #

    def screen(self, name, action, ready, *click, **options):
        """Return one screen, as the browser's side takes it."""
        if isinstance(action, dict) and action["type"] == "ir.actions.act_window":
            modes = action.get("view_mode", "form").split(",")
            action.setdefault("views", [(False, mode) for mode in modes])
        elif isinstance(action, str):
            action = f"whatsapp_broadcast.whatsapp_broadcast_{action}"
        return {
            "name": name,
            "action": action,
            "ready": ready,
            "click": click,
            "options": options,
        }

    def form(self, name, record, ready=FORM, *click):
        """Return the screen of a record's form."""
        action = {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": record._name,
            "res_id": record.id or False,
        }
        return self.screen(name, action, ready, *click)

    def views(self, action, ready=LIST, *modes):
        """Return the screens of an action's views."""
        return [
            self.screen(f"{action} {mode}", action, ready, viewType=mode)
            for mode in modes or ("list",)
        ]

    def user_screens(self):
        """Return what a plain user sees."""
        drafts, launched = self.drafts(), self.launched()
        by_user = {
            name: broadcast.with_user(self.user) for name, broadcast in drafts.items()
        }
        add = self.env["whatsapp.broadcast.list.add"].with_user(self.user)
        return [
            *self.views("action", LIST, "list", "kanban"),
            *self.views("action", f".fc-view, {LIST}", "calendar"),
            *(self.form(f"draft: {n}", b, DRAFT) for n, b in drafts.items()),
            *(self.form(n, b) for n, b in launched.items() if n != "test runs"),
            self.form("test runs", launched["test runs"], "[data-variant=A]"),
            self.form(
                "failures",
                self.done,
                ".o_whatsapp_failures table",
                ".o_whatsapp_failures summary",
            ),
            self.screen(
                "launch",
                by_user["leads"].action_open_launch(),
                ".modal .o_whatsapp_health dd, .modal .o_whatsapp_health .alert",
            ),
            self.screen("send test", by_user["leads"].action_open_send_test(), DIALOG),
            *(
                self.screen(f"rows: {step}", self.make_paste(step), DIALOG)
                for step in ("paste", "columns", "check")
            ),
            self.screen("rows", by_user["rows"].action_open_custom_rows(), LIST),
            *self.views("list_action", LIST, "kanban", "list"),
            self.form("list", self.members),
            self.form("saved filter", self.filter),
            self.screen("members", self.members.action_open_members(), LIST),
            self.screen(
                "add to list", add._open("crm.lead", {"active_ids": [1]}), DIALOG
            ),
            self.screen("recipients", self.done.action_open_recipients(), LIST),
            self.screen("links", self.with_links(), LIST),
            self.form("recipient", self.done.recipient_ids[6]),
            self.screen("left out", drafts["leads"].action_open_recipients(), LIST),
            *self.views("inbox_action", LIST, "list", "kanban"),
            self.form("message", self.messages.search([], limit=1)),
            self.screen(
                "conversation",
                self.mine.action_whatsapp_conversation(),
                ".o_whatsapp_message",
            ),
            self.screen("dashboard", "dashboard_action", ".o_whatsapp_chart canvas"),
            *self.views("report_action", ".o_pivot table", "pivot"),
            *self.views("report_action", ".o_graph_renderer canvas", "graph"),
            *self.views("daily_action", LIST, "list", "kanban"),
            *self.views("cost_action", ".o_list_view, .o_kanban_view", "list"),
        ]

    def manager_screens(self):
        """Return what only managers and administrators see."""
        waiting = self.launched()["to approve"].with_user(self.manager)
        lead = self.lead.with_user(self.manager)
        self.template._write_protected({"state": "draft"})
        return [
            self.form("approve", waiting),
            self.screen("refuse", waiting.action_open_refusal(), DIALOG),
            *self.views("template_action", LIST, "list", "kanban"),
            self.form("template", self.template),
            self.form("approved template", self.offer),
            *self.views("contact_action"),
            *self.views("keyword_action", ".o_list_view"),
            *self.views("choice_action"),
            *self.views("restriction_action", ".o_list_view, .o_kanban_view"),
            *self.views("rate_action"),
            *self.views("rate_exemption_action"),
            *self.views("market_action"),
            *self.views("consent_action", LIST, "list", "kanban"),
            self.form("consent", self.consent),
            self.screen("say no", lead.action_whatsapp_consent(), DIALOG),
            self.screen("person", lead.action_open_person(), DIALOG),
        ]

    def administrator_screens(self):
        """Return what only administrators see."""
        settings = self.screen(
            "settings",
            "settings_action",
            "[data-key=whatsapp_broadcast] .o_setting_box",
        )
        register = self.screen(
            "register", "register_action", DIALOG, additionalContext=self.of_number()
        )
        return [
            *self.views("account_action", LIST, "list", "kanban"),
            self.form("account", self.account),
            self.form("new account", self.env["whatsapp.broadcast.account"]),
            *self.views("number_action", LIST, "list", "kanban"),
            self.form("number", self.number),
            register,
            self.screen("import rates", "rate_import_action", DIALOG),
            *self.views("event_action", ".o_list_view"),
            *self.views("notice_action"),
            {**settings, "scope": ".app_settings_block[data-key=whatsapp_broadcast]"},
        ]

    def of_number(self):
        return {"active_id": self.number.id, "active_model": self.number._name}
