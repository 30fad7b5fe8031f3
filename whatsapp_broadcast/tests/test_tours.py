import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from ..models.whatsapp_broadcast import PREPARED
from ..providers import TransportError
from ..providers.transport import Transport
from .common import BroadcastCommon
from .test_connect import NUMBER, TEMPLATE, ok
from .test_conversation import ConversationCommon
from .test_preview import PreviewCommon

PROJECT = Path(__file__).parents[2]
CALL = Transport.__call__


@tagged("post_install", "-at_install")
class TestTours(BroadcastCommon, HttpCase):
    """What people do, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = cls.make_user("salesperson", "user")

    def test_send_from_lead_list(self):
        template = self.make_template(self.account, "spring_offer", "Only until {{1}}!")
        self.make_variable(template)
        self.answer_health(template)
        leads = self.env["crm.lead"].union(
            *(
                self.make_lead(
                    phone, name=name, type="lead", user_id=self.salesperson.id
                )
                for name, phone in (
                    ("Ann", "+12122000001"),
                    ("Bob", "+12122000002"),
                    ("Cid", False),
                )
            )
        )
        self.start_tour(
            "/odoo/action-crm.crm_lead_all_leads",
            "whatsapp_broadcast_send_from_leads",
            login=self.salesperson.login,
        )
        broadcast = self.env["whatsapp.broadcast"].search(
            [("user_id", "=", self.salesperson.id)]
        )
        self.assertEqual(broadcast.state, "preparing")
        self.assertEqual(broadcast.launcher_id, self.salesperson)
        self.assertEqual(broadcast.lead_ids, leads)
        self.assertEqual(broadcast.template_params, {"body.1": {"text": "May 5"}})
        self.assertEqual(
            self.reasons(broadcast),
            {"+12122000001": "queued", "+12122000002": "queued", False: "no_phone"},
        )

    def answer_health(self, template):
        """Let the provider say once that number and template are well."""
        component = {
            "type": "BODY",
            "text": template.body,
            "example": {"body_text": [["x"]]},
        }
        remote = {
            **TEMPLATE,
            "id": template.external_id,
            "name": template.name,
            "category": template.category.upper(),
            "components": [component],
        }
        return self.answer(ok(data=[NUMBER]), ok(**remote))

    def test_approval(self):
        self.company.whatsapp_approval_people = 2
        error = TransportError("timed out", written=False)
        self.startPatcher(patch.object(Transport, "__call__", side_effect=error))
        broadcast = self.make_broadcast(self.make_leads(3), user=self.salesperson)
        url = f"/odoo/whatsapp-broadcasts/{broadcast.id}"
        self.start_tour(
            url, "whatsapp_broadcast_ask_approval", login=self.salesperson.login
        )
        self.assertEqual(broadcast.state, "to_approve")
        self.assertEqual(broadcast.launcher_id, self.salesperson)
        self.start_tour(
            url, "whatsapp_broadcast_refuse_and_approve", login=self.manager.login
        )
        self.assertEqual(broadcast.state, "preparing")
        self.assertEqual(broadcast.approver_id, self.manager)
        self.run_prepare()
        self.assertEqual(broadcast.state, "sending")

    def test_watch_broadcast(self):
        broadcast = self.make_broadcast(self.make_leads(4), user=self.salesperson)
        broadcast.action_review()
        broadcast._write_protected({"state": "sending", "audience_cursor": PREPARED})
        rows = broadcast.recipient_ids
        model = self.registry["whatsapp.broadcast"]
        web_read = model.web_read
        reads = []

        def read_and_send(records, specification):
            """Answer, and let the engine send three before the next question."""
            result = web_read(records, specification)
            if not reads:
                self.settle(rows[:3], "delivered")
            reads.append(result)
            return result

        read_and_send._readonly = False
        with patch.object(model, "web_read", read_and_send):
            self.start_tour(
                f"/odoo/whatsapp-broadcasts/{broadcast.id}",
                "whatsapp_broadcast_watch",
                login=self.salesperson.login,
            )
        self.assertEqual(broadcast.state, "sending")

    def test_send_test(self):
        self.salesperson.partner_id.phone = "+1 212 555 0100"
        broadcast = self.make_broadcast(self.make_leads(2), user=self.salesperson)
        self.start_tour(
            f"/odoo/whatsapp-broadcasts/{broadcast.id}",
            "whatsapp_broadcast_send_test",
            login=self.salesperson.login,
        )
        self.assertEqual(broadcast.state, "draft")
        self.assertEqual(broadcast.test_count, 1)

    def test_paste_numbers(self):
        broadcast = self.make_broadcast(user=self.salesperson)
        self.start_tour(
            f"/odoo/whatsapp-broadcasts/{broadcast.id}",
            "whatsapp_broadcast_paste_numbers",
            login=self.salesperson.login,
        )
        self.assertEqual(broadcast.audience_type, "custom")
        self.assertEqual(
            broadcast.custom_recipients,
            "phone,name,city\n+12122000001,Ann,Lima\n+12122000002,Dan,Bonn\n",
        )

    def test_make_list(self):
        leads = [
            self.make_lead(phone, name=name, type="lead", user_id=self.manager.id)
            for name, phone in (("Ann", "+12122000001"), ("Bob", "+12122000002"))
        ]
        self.start_tour(
            "/odoo/action-crm.crm_lead_all_leads",
            "whatsapp_broadcast_make_list",
            login=self.manager.login,
        )
        members = self.env["whatsapp.broadcast.list.member"].search([])
        self.assertEqual(
            {member.lead_id: member.state for member in members},
            dict(zip(leads, ("unsubscribed", "subscribed"), strict=True)),
        )
        self.assertEqual(members.state_user_id, self.manager)

    def test_connect_account(self):
        if not (PROJECT / "sandbox").is_dir():
            self.skipTest("The sandbox is not part of an installed addon.")
        api_url = self.start_sandbox()
        self.env["ir.default"].set("whatsapp.broadcast.account", "api_url", api_url)
        with patch.object(Transport, "__call__", self.only_to(api_url)):
            self.start_tour(
                "/odoo/whatsapp-accounts",
                "whatsapp_broadcast_connect_account",
                login=self.administrator.login,
            )
        account = self.env["whatsapp.broadcast.account"].search(
            [("business_account_id", "=", "100000000000001")]
        )
        self.assertEqual(account.state, "deaf")
        self.assertEqual(set(account.number_ids.mapped("state")), {"connected"})
        self.assertIn("spring_offer", account.template_ids.mapped("name"))
        self.assertFalse(self.env["whatsapp.broadcast.register"].search([]))

    # === HELPERS === #

    def start_sandbox(self):
        """Start a sandbox of our own on a free port and return its API URL."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--port", "0"],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait, timeout=10)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.terminate)
        return f"{process.stdout.readline().split()[-1]}/v23.0"

    def only_to(self, api_url):
        """Return a transport's call that reaches ``api_url`` and nothing else."""

        def call(transport, request):
            self.assertTrue(request.url.startswith(api_url), request.url)
            return CALL(transport, request)

        return call


@tagged("post_install", "-at_install")
class TestPreviewTour(PreviewCommon, HttpCase):
    """A salesperson looks at what each person will get."""

    def test_message_preview(self):
        salesperson = self.make_user("salesperson", "user")
        broadcast = self.make_broadcast(self.leads, user=salesperson)
        self.start_tour(
            f"/odoo/whatsapp-broadcasts/{broadcast.id}",
            "whatsapp_broadcast_message_preview",
            login=salesperson.login,
        )
        self.assertEqual(broadcast.template_id, self.greeting)
        self.assertEqual(broadcast.template_params, {"body.2": {"user": "name"}})

    def test_write_text(self):
        salesperson = self.make_user("salesperson", "user")
        broadcast = self.make_broadcast(self.leads, user=salesperson)
        self.start_tour(
            f"/odoo/whatsapp-broadcasts/{broadcast.id}",
            "whatsapp_broadcast_write_text",
            login=salesperson.login,
        )
        self.assertEqual(broadcast.body, "We are *open*😀")
        self.assertFalse(broadcast.track_links)


@tagged("post_install", "-at_install")
class TestConversationTour(ConversationCommon, HttpCase):
    """A salesperson reads what a lead wrote, and answers."""

    def test_conversation(self):
        self.make_sent(self.lead)
        question = self.make_message(self.lead, body="<b>Which</b> roses?")
        self.start_tour(
            f"/odoo/action-crm.crm_lead_action_pipeline/{self.lead.id}",
            "whatsapp_broadcast_conversation",
            login=self.user.login,
        )
        template, answer = self.messages.search(
            [("direction", "=", "out")], order="id desc"
        )
        self.assertEqual(answer.body, "The *red* ones")
        self.assertEqual(answer.context_message_id, question.provider_message_id)
        self.assertEqual(answer.user_id, self.user)
        self.assertEqual(template.variables["body"], [["1", "Ann"], ["2", "May 6"]])
        self.assertTrue(question.seen_at)


@tagged("post_install", "-at_install")
class TestUnits(HttpCase):
    """The web client's own unit tests."""

    def test_units(self):
        self.browser_js(
            # The id is what Hoot computes from the suite's name @whatsapp_broadcast.
            "/web/tests?headless&loglevel=2&preset=desktop&id=5dec6e94",
            login="admin",
            code="",
            timeout=180,
            success_signal="[HOOT] Test suite succeeded",
        )
