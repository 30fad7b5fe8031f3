from odoo.tests import tagged

from .rights import BROADCAST, RightsCommon

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


@tagged("post_install", "-at_install")
class TestProtectedFields(RightsCommon):
    """Fields that no user writes, and those that a launch freezes."""

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

    def import_name(self, name):
        field = self.env[BROADCAST]._fields[name]
        return f"{name}/.id" if field.type == "many2one" else name
