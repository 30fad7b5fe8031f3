"""What the provider says of templates, numbers and accounts, and who is told."""

from datetime import datetime, timedelta

from odoo.tests import tagged

from ..engine import queries
from ..engine.results import act
from ..models.whatsapp_broadcast_lane import Housekeeping
from ..providers import (
    AccountEvent,
    Error,
    ErrorClass,
    NumberEvent,
    RemoteNumber,
    RemoteTemplate,
    RemoteVariable,
    TemplateEvent,
)
from .common import BroadcastCommon

NOON = datetime(2026, 1, 1, 12)


class NewsCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.company_id = cls.company
        cls.account.access_token = "EAAtoken"
        cls.number.quality = "green"
        cls.administrator.notification_type = "inbox"
        cls.manager.notification_type = "inbox"

    def merge(self, *events):
        result = super().merge(*events)
        states = self.env["whatsapp.broadcast.event"].search([]).mapped("state")
        self.assertEqual(set(states), {"processed"}, "one broke")
        return result

    def tell(self):
        self.env.flush_all()
        with self.enter_registry_test_mode():
            notices = self.env["whatsapp.broadcast.notice"]
            # As a cron, to which archived users are no secret.
            notices.with_context(active_test=False)._tell_notices()
        self.env.invalidate_all()

    def template_event(self, minutes=0, **values):
        return TemplateEvent(
            business_account_id=self.account.business_account_id,
            external_id=self.template.external_id,
            at=NOON + timedelta(minutes=minutes),
            **values,
        )

    def number_event(self, minutes=0, **values):
        values = {"number_id": self.number.external_id, **values}
        if not values["number_id"]:
            values["business_account_id"] = self.account.business_account_id
        return NumberEvent(at=NOON + timedelta(minutes=minutes), **values)

    def account_event(self, minutes=0, **values):
        return AccountEvent(
            business_account_id=self.account.business_account_id,
            at=NOON + timedelta(minutes=minutes),
            **values,
        )

    def notices(self, **values):
        return self.env["whatsapp.broadcast.notice"].search(
            [(name, "=", value) for name, value in values.items()]
        )

    def told(self, user, subject):
        """Return the notifications of a user about a record."""
        return self.env["mail.message"].search(
            [
                ("model", "=", subject._name),
                ("res_id", "=", subject.id),
                ("message_type", "=", "user_notification"),
                ("notified_partner_ids", "=", user.partner_id.id),
            ]
        )


@tagged("post_install", "-at_install")
class TestNews(NewsCommon):
    """Events change what they are about, and what depends on it."""

    # === TEMPLATES === #

    def test_a_paused_template_pauses_its_broadcasts_at_once(self):
        broadcast = self.make_prepared(1)
        self.merge(self.template_event(state="paused", reason="FIRST_PAUSE"))
        self.assertEqual(self.template.state, "paused")
        self.assertEqual(broadcast.state, "paused")
        self.assertEqual(broadcast.state_reason, "template")

        self.merge(self.template_event(5, state="approved"))
        self.assertEqual(self.template.state, "approved")
        self.assertFalse(self.template.rejected_reason)
        self.assertEqual(broadcast.state, "paused", "a person lets it go on")
        self.assertIn("press Resume", self.notices(value="approved").advice)

    def test_another_category_pauses_what_was_launched_with_the_old_one(self):
        broadcast = self.make_prepared(1)
        self.merge(self.template_event(category="marketing"))
        self.assertEqual(broadcast.state_reason, "category")
        notice = self.notices(kind="template_category")
        self.assertTrue(notice.is_serious)
        self.assertIn("from Utility to Marketing", notice.display_name)

    def test_a_category_to_come_is_told_and_changes_nothing(self):
        broadcast = self.make_prepared(1)
        coming = self.template_event(category="utility", reason="becomes marketing")
        self.merge(coming, coming)
        self.assertEqual(broadcast.state, "sending")
        self.assertEqual(self.notices().mapped("reason"), ["becomes marketing"])

    def test_an_older_word_does_not_undo_a_newer_one(self):
        paused = self.template_event(10, state="paused")
        self.merge(paused, self.template_event(5, state="approved"))
        self.assertEqual(self.template.state, "paused")
        self.merge(self.template_event(5, quality="yellow"))
        self.assertEqual(self.template.quality, "yellow", "of that nothing was said")
        self.merge(self.template_event(15, state="approved"), paused)
        self.assertEqual(self.template.state, "approved")

    def test_a_time_that_lies_ahead_shuts_nobody_out(self):
        far = self.template_event(state="paused")
        self.merge(
            TemplateEvent(
                business_account_id=far.business_account_id,
                external_id=far.external_id,
                at=datetime(2999, 1, 1),
                state="paused",
            ),
            TemplateEvent(
                business_account_id=far.business_account_id,
                external_id=far.external_id,
                state="approved",
            ),
        )
        self.assertEqual(self.template.state, "approved")

    def test_one_that_was_just_submitted_is_found_by_name(self):
        self.template._write_protected({"external_id": False, "state": "pending"})
        self.merge(
            TemplateEvent(
                business_account_id=self.account.business_account_id,
                external_id="77",
                name="news",
                language="en_US",
                state="approved",
            )
        )
        self.assertEqual(self.template.state, "approved")
        self.assertEqual(self.template.external_id, "77")

    def test_the_name_of_another_template_is_not_enough(self):
        event = TemplateEvent(
            business_account_id=self.account.business_account_id,
            external_id="77",
            name="news",
            language="en_US",
            state="disabled",
        )
        self.merge(event)
        self.assertEqual(self.template.state, "approved")

    # === NUMBERS === #

    def test_low_quality_pauses_once(self):
        broadcast = self.make_prepared(1)
        red = self.number_event(quality="red")
        self.merge(red)
        self.assertEqual(broadcast.state_reason, "quality")
        broadcast.action_resume()
        self.merge(red)
        self.assertEqual(broadcast.state, "sending", "a person has seen that")

    def test_a_limit_that_falls_is_serious_and_one_that_rises_is_not(self):
        self.number.daily_limit = 2000
        self.merge(self.number_event(number_id="", daily_limit=250))
        self.assertEqual(self.number.daily_limit, 250)
        fallen = self.notices(value="250")
        self.assertTrue(fallen.is_serious)
        self.assertFalse(fallen.number_id, "it is about the whole account")
        self.merge(self.number_event(5, number_id="", daily_limit=10_000))
        self.assertFalse(self.notices(value="10000").is_serious)
        self.assertFalse(fallen.is_open, "that is over")

    def test_pace_and_name(self):
        self.merge(self.number_event(messages_per_second=1000, name="Garden Ltd"))
        self.assertEqual(self.number.messages_per_second, 1000)
        self.assertEqual(self.number.name, "Garden Ltd")
        self.assertEqual(
            set(self.notices().mapped("kind")),
            {"number_messages_per_second", "number_name"},
        )

    def test_a_name_that_was_declined(self):
        self.merge(self.number_event(reason="The name was declined"))
        self.assertEqual(self.number.name, "Shop")
        notice = self.notices(kind="number_note")
        self.assertEqual(notice.reason, "The name was declined")
        self.assertEqual(notice.number_id, self.number)

    def test_an_error_of_a_number_stops_it_if_it_is_of_that_class(self):
        passing = Error("130429", "Rate limit hit", ErrorClass.THROTTLE)
        self.merge(self.number_event(error=passing))
        self.assertEqual(self.number.state, "connected")
        self.assertIn("130429", self.notices(kind="number_error").reason)
        locked = Error("131031", "Account locked", ErrorClass.ACCOUNT)
        self.merge(self.number_event(error=locked))
        self.assertEqual(self.account.state, "error")
        self.assertTrue(self.notices(kind="account_state").is_serious)

    # === ACCOUNTS === #

    def test_a_ban_stops_and_its_end_leaves_broadcasts_paused(self):
        broadcast = self.make_prepared(1)
        ban = self.account_event(kind="disable", stops_sending=True)
        self.merge(ban, ban)
        self.assertEqual(self.account.state, "error")
        self.assertEqual(broadcast.state_reason, "account")
        self.assertEqual(len(self.notices(kind="account_state")), 1)
        self.account._write_protected({"last_webhook_at": NOON})
        self.merge(self.account_event(9, kind="reinstate", resumes_sending=True), ban)
        self.assertEqual(self.account.state, "connected")
        self.assertFalse(self.account.error_message)
        self.assertEqual(broadcast.state, "paused")
        self.assertFalse(self.account.open_notice_id)

    def test_an_alert_changes_nothing(self):
        self.merge(self.account_event(kind="account_violation", reason="SCAM"))
        self.assertEqual(self.account.state, "connected")
        self.assertTrue(self.notices().is_serious)
        self.assertEqual(self.account.open_notice_id, self.notices())

    def test_a_refused_token_is_told_once(self):
        row = {"account_id": self.account.id, "number_id": self.number.id}
        self.env.flush_all()
        errors = [({**row, "template_id": None}, "credentials", "(190) Expired")]
        act(self.env.cr, errors)
        act(self.env.cr, errors)
        self.env.invalidate_all()
        self.assertEqual(self.account.state, "error")
        notice = self.notices()
        self.assertEqual(
            (notice.value, notice.reason), ("credentials", "(190) Expired")
        )
        self.assertIn("new token", notice.advice)

    # === READ, NOT HEARD === #

    def remote_template(self, **values):
        return RemoteTemplate(
            **{
                "external_id": self.template.external_id,
                "name": "news",
                "language": "en_US",
                "category": "utility",
                "state": "approved",
                "body": "Hello",
                **values,
            }
        )

    def test_what_is_read_is_told_as_what_is_heard(self):
        broadcast = self.make_prepared(1)
        paused = self.remote_template(state="paused", rejected_reason="BAD")
        self.template._merge_remote(self.account, [paused])
        self.assertEqual(broadcast.state_reason, "template")
        self.template._merge_remote(self.account, [paused])
        self.assertEqual(self.notices().mapped("reason"), ["BAD"])
        self.merge(self.template_event(state="approved"))
        self.assertEqual(self.template.state, "paused", "what was read is newer")

    def test_other_variables_pause_and_forbid_to_resume(self):
        broadcast = self.make_prepared(1)
        changed = self.remote_template(
            body="Hello {{1}}", variables=(RemoteVariable("body", "1"),)
        )
        self.template._merge_remote(self.account, [changed])
        self.assertEqual(broadcast.state, "paused")
        self.assertEqual(broadcast.state_reason, "content")
        self.template.variable_ids.write({"value_type": "recipient_name"})
        with self.assertRaisesRegex(Exception, "other variables"):
            broadcast.action_resume()
        self.assertIn("other variables", self.notices().advice)

    def test_another_text_goes_on(self):
        broadcast = self.make_prepared(1)
        changed = self.remote_template(body="Good morning")
        self.template._merge_remote(self.account, [changed])
        self.assertEqual(broadcast.state, "sending")
        self.assertFalse(self.notices(kind="template_content").is_serious)
        broadcast.action_pause()
        broadcast.action_resume()

    def test_numbers_that_are_read(self):
        remote = RemoteNumber(
            external_id=self.number.external_id,
            phone=self.number.phone,
            name="Shop",
            state="banned",
            quality="green",
        )
        self.number._merge_remote(self.account, [remote])
        notice = self.notices()
        self.assertEqual((notice.kind, notice.value), ("number_state", "banned"))
        self.assertTrue(notice.is_serious)


@tagged("post_install", "-at_install")
class TestNotices(NewsCommon):
    """Who has to know is told, once, in a language that he reads."""

    def test_managers_are_told_of_a_template_and_users_are_not(self):
        self.merge(self.template_event(state="paused", reason="FIRST_PAUSE"))
        self.tell()
        for user in self.manager + self.administrator:
            self.assertEqual(len(self.told(user, self.template)), 1, user.login)
        self.assertFalse(self.told(self.user, self.template))
        note = self.template.message_ids.filtered(
            lambda message: message.message_type != "user_notification"
        )[0]
        self.assertIn("is now: Paused", note.body)
        self.assertIn("FIRST_PAUSE", note.body)

    def test_only_administrators_are_told_of_an_account(self):
        self.merge(self.account_event(kind="disable", stops_sending=True))
        self.tell()
        self.assertTrue(self.told(self.administrator, self.account))
        self.assertFalse(self.told(self.manager, self.account))

    def test_a_duplicate_is_not_told(self):
        paused = self.template_event(state="paused")
        alert = self.account_event(kind="account_violation", reason="SCAM")
        self.merge(paused, alert)
        self.tell()
        self.merge(paused, alert)
        self.tell()
        self.tell()
        self.assertEqual(len(self.told(self.administrator, self.template)), 1)
        self.assertEqual(len(self.told(self.administrator, self.account)), 1)

    def test_a_flood_is_one_message_with_a_count(self):
        for minutes in range(5):
            error = Error("130429", f"Try {minutes}", ErrorClass.THROTTLE)
            self.merge(self.number_event(minutes, error=error))
        self.tell()
        before = len(self.number.message_ids)
        self.assertIn("(5 times)", self.number.message_ids[0].body)
        error = Error("130429", "Once more", ErrorClass.THROTTLE)
        self.merge(self.number_event(30, error=error))
        self.tell()
        self.assertEqual(len(self.number.message_ids), before, "it waits")
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_notice SET told_at = told_at - interval '1 day'"
        )
        self.tell()
        self.assertEqual(len(self.number.message_ids), before + 1)

    def test_what_is_serious_does_not_wait_for_what_is_not(self):
        self.merge(self.template_event(quality="yellow"))
        self.tell()
        self.merge(self.template_event(5, state="paused"))
        self.tell()
        self.assertTrue(self.told(self.administrator, self.template))

    def test_only_what_is_serious_reaches_who_does_not_follow(self):
        self.template.message_subscribe(self.manager.partner_id.ids)
        self.merge(self.template_event(quality="yellow"))
        self.tell()
        self.assertTrue(self.told(self.manager, self.template))
        self.assertFalse(self.told(self.administrator, self.template))

    def test_other_companies_and_archived_users_are_not_told(self):
        stranger = self.make_user("stranger", "administrator", self.make_company())
        stranger.notification_type = "inbox"
        self.manager.active = False
        self.merge(self.template_event(state="paused"))
        self.tell()
        self.assertFalse(self.told(stranger, self.template))
        self.assertFalse(self.told(self.manager, self.template))
        self.assertTrue(self.told(self.administrator, self.template))
        self.assertFalse(self.notices().with_user(stranger).search([]))

    def test_a_number_of_some_companies_concerns_their_administrators(self):
        self.account.company_id = False
        other = self.make_company()
        stranger = self.make_user("stranger", "administrator", other)
        stranger.notification_type = "inbox"
        self.number.company_ids = self.company
        self.merge(self.number_event(quality="red"))
        self.tell()
        self.assertFalse(self.told(stranger, self.number))
        self.assertFalse(self.notices().with_user(stranger).search([]))
        self.assertTrue(self.told(self.administrator, self.number))

    def test_each_reads_it_in_his_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.administrator.lang = "fr_FR"
        states = self.env["ir.model.fields.selection"].search(
            [
                ("field_id.model", "=", "whatsapp.broadcast.template"),
                ("field_id.name", "=", "state"),
                ("value", "=", "paused"),
            ]
        )
        states.with_context(lang="fr_FR").name = "En pause"
        self.merge(self.template_event(state="paused"))
        self.tell()
        self.assertIn("En pause", self.told(self.administrator, self.template).body)
        self.assertIn("Paused", self.told(self.manager, self.template).body)

    def test_what_was_seen_to_is_dismissed(self):
        self.merge(self.template_event(state="paused"))
        account = self.account.with_user(self.manager)
        self.assertEqual(account.open_notice_id, self.notices())
        self.assertIn("paused", account.open_notice_advice)
        self.notices().with_user(self.manager).action_dismiss()
        self.assertFalse(account.open_notice_id)

    def test_every_kind_has_words(self):
        notices = self.env["whatsapp.broadcast.notice"]
        for kind, _label in notices._fields["kind"].selection:
            for value, is_serious in (("paused", True), ("red", False), (False, True)):
                notice = notices.new(
                    {
                        "account_id": self.account.id,
                        "kind": kind,
                        "value": value,
                        "is_serious": is_serious,
                    }
                )
                happened, advice = notice._words()
                self.assertTrue(happened)
                self.assertIsInstance(advice, str)

    def test_a_driver_finds_what_is_to_be_told(self):
        with self.enter_registry_test_mode():
            self.assertFalse(Housekeeping(self.env).look()[3])
        self.merge(self.template_event(state="paused"))
        with self.enter_registry_test_mode():
            self.assertTrue(Housekeeping(self.env).look()[3])
        self.tell()
        with self.enter_registry_test_mode():
            self.assertFalse(Housekeeping(self.env).look()[3])

    def test_changed_content_is_to_be_read(self):
        self.merge(self.template_event(content_changed=True))
        self.env.cr.execute(queries.TAKE_TEMPLATES_TO_SYNC)
        self.assertEqual([row[0] for row in self.env.cr.fetchall()], self.template.ids)
