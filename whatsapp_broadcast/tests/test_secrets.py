import logging
import os
from tempfile import NamedTemporaryFile
from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.whatsapp_broadcast_account import SECRETS
from ..tools import secrets
from .common import BroadcastCommon, BroadcastHttpCommon

PLAIN = {
    "access_token": "EAAplaintoken0123456789",
    "app_secret": "plainsecret0123456789",
    "verify_token": "plainverify0123456789",
}
COLUMNS = [f"{name}_encrypted" for name in SECRETS]


def with_keys(*keys):
    return patch.dict(os.environ, {secrets.ENVIRONMENT_VARIABLE: ",".join(keys)})


@tagged("post_install", "-at_install")
class TestSecrets(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account.write(PLAIN)
        cls.administrator.group_ids += cls.env.ref("base.group_allow_export")

    def columns(self):
        self.env.cr.execute(
            "SELECT access_token_encrypted, app_secret_encrypted,"
            " verify_token_encrypted FROM whatsapp_broadcast_account WHERE id = %s",
            [self.account.id],
        )
        return dict(zip(SECRETS, self.env.cr.fetchone(), strict=True))

    def test_stored_encrypted(self):
        for name, stored in self.columns().items():
            self.assertNotIn(PLAIN[name], stored)
            self.assertEqual(self.account._reveal_secret(name), PLAIN[name])

    def test_no_read_returns_it(self):
        account = self.account.with_user(self.administrator)
        self.assertFalse(account.access_token)
        answers = [
            account.read(),
            account.search_read([("id", "=", account.id)]),
            account.export_data(["name", *SECRETS])["datas"],
            account.copy_data(),
            account.web_read({name: {} for name in SECRETS}),
        ]
        self.assert_hidden(answers)

    def test_no_read_by_superuser_returns_it(self):
        self.assert_hidden([self.account.read(list(SECRETS)), self.account.copy_data()])

    def test_answer_of_saving_hides_it(self):
        account = self.account.with_user(self.administrator)
        specification = {name: {} for name in (*SECRETS, "name")}
        values = {"name": "New", **PLAIN, "app_id": "1", "business_account_id": "2"}
        created = account.browse().web_save(values, specification)
        self.assert_hidden([account.web_save(PLAIN, specification), created])
        made = account.create({**values, "business_account_id": "3"})
        self.assert_hidden([made.read(list(SECRETS)), made.access_token])

    def test_onchange_hides_it(self):
        specification = {name: {} for name in (*SECRETS, "name", "app_id")}
        account = self.account.with_user(self.administrator)
        changes = account.onchange({"app_id": "5"}, ["app_id"], specification)
        typed = account.onchange(
            {**PLAIN, "app_id": "5"}, ["access_token"], specification
        )
        new = account.browse().onchange({}, [], specification)
        self.assert_hidden([changes, typed, new])

    def test_default_get_and_copy_hide_it(self):
        account = self.account.with_user(self.administrator)
        duplicate = account.copy({"business_account_id": "other"})
        defaults = account.default_get([*SECRETS, *COLUMNS])
        self.assert_hidden([defaults, duplicate.read(list(SECRETS))])
        self.assertFalse(duplicate.access_token_is_set)
        self.assertNotEqual(
            duplicate.webhook_token, account.webhook_token, "its own webhook address"
        )

    def assert_hidden(self, answers):
        for plain in (*PLAIN.values(), *self.columns().values()):
            self.assertNotIn(plain, repr(answers))

    def test_search_does_not_reveal_it(self):
        accounts = self.env["whatsapp.broadcast.account"].with_user(self.administrator)
        for names, error in ((SECRETS, ValueError), (COLUMNS, AccessError)):
            for name in names:
                for operator, value in (("=like", "EAA%"), ("!=", False), ("<", "A")):
                    with self.subTest(name=name, operator=operator):
                        with self.assertRaises(error):
                            accounts.search([(name, operator, value)])
                with self.subTest(name=name), self.assertRaises(error):
                    accounts._read_group([], [name])
                with self.subTest(name=name), self.assertRaises(error):
                    accounts.search([], order=name)

    def test_column_is_readable_by_no_group(self):
        everything = self.env["res.groups"].search([])
        self.administrator.group_ids = [
            (4, self.env.ref("base.group_system").id),
            *((4, group.id) for group in everything if "whatsapp" in group.full_name),
        ]
        account = self.account.with_user(self.administrator)
        for column in COLUMNS:
            with self.subTest(column=column), self.assertRaises(AccessError):
                account.read([column])
            with self.assertRaises(AccessError):
                account.write({column: "x"})
            self.assertNotIn(column, account.fields_get())

    def test_refused_without_key(self):
        before = self.columns()
        with with_keys(), self.assertRaises(UserError) as caught:
            self.account.access_token = "EAAnew"
        self.assertIn("Fernet.generate_key()", str(caught.exception))
        self.assertIn("WHATSAPP_BROADCAST_KEYS", str(caught.exception))
        self.assertEqual(len(str(caught.exception).splitlines()), 1)
        self.assertNotIn("EAAnew", str(caught.exception))
        self.account.invalidate_recordset()
        self.assertEqual(self.columns(), before)

    def test_key_from_configuration_file(self):
        path = self.make_file(f"[whatsapp_broadcast]\nkeys = {self.keys}\n")
        with with_keys(), patch.dict(secrets.config.options, {"config": path}):
            self.assertTrue(secrets.keys_are_set())
            self.assertEqual(
                self.account._reveal_secret("app_secret"), PLAIN["app_secret"]
            )

    def make_file(self, content):
        file = self.enterContext(NamedTemporaryFile("w", suffix=".conf"))
        file.write(content)
        file.flush()
        return file.name

    def test_rotation(self):
        new = Fernet.generate_key().decode()
        with with_keys(new, self.keys):
            self.assertEqual(
                self.account._reveal_secret("access_token"), PLAIN["access_token"]
            )
            self.account.write(PLAIN)
        with with_keys(new):
            self.assertEqual(
                self.account._reveal_secret("access_token"), PLAIN["access_token"]
            )

    def test_wrong_key(self):
        with (
            with_keys(Fernet.generate_key().decode()),
            self.assertRaisesRegex(UserError, "cannot be opened") as caught,
        ):
            self.account._reveal_secret("access_token")
        self.assertNotIn(self.columns()["access_token"], str(caught.exception))

    def test_malformed_key(self):
        with (
            with_keys("no key"),
            self.assertRaisesRegex(UserError, "not a Fernet key") as caught,
        ):
            self.account.access_token = "EAAnew"
        self.assertNotIn("no key", str(caught.exception))

    def test_clearing(self):
        self.assertTrue(self.account.access_token_is_set)
        self.account.access_token = False
        self.assertFalse(self.account.access_token_is_set)
        self.assertTrue(self.account.app_secret_is_set)
        self.assertFalse(self.columns()["access_token"])
        self.assertEqual(self.account._reveal_secret("access_token"), "")
        self.account.app_secret = "   "
        self.assertFalse(self.account.app_secret_is_set)

    def test_blanks_around_it_are_dropped(self):
        self.account.access_token = f" {PLAIN['access_token']}\n"
        self.assertEqual(
            self.account._reveal_secret("access_token"), PLAIN["access_token"]
        )

    def test_saving_something_else_keeps_it(self):
        before = self.columns()
        self.account.write({"name": "Renamed"})
        self.assertEqual(self.columns(), before)

    def test_never_in_the_chatter(self):
        self.account.write({"access_token": "EAAchatter", "name": "Renamed"})
        messages = self.account.message_ids
        self.env.flush_all()
        self.assertNotIn("EAAchatter", repr(messages.read()))
        self.assertNotIn("EAAchatter", repr(messages.tracking_value_ids.read()))

    def test_verify_token_is_shown_once(self):
        account = self.account.with_user(self.administrator)
        shown = account.action_make_verify_token()["params"]["message"]
        token = account._reveal_secret("verify_token")
        self.assertIn(token, shown)
        self.assertNotIn(token, repr(account.read()))


@tagged("post_install", "-at_install")
class TestSecretsOverHttp(BroadcastHttpCommon):
    MODEL = "whatsapp.broadcast.account"

    def test_never_in_the_log(self):
        values = {"name": "N", "app_id": "1", "business_account_id": "2", **PLAIN}
        with self.assertLogs(level=logging.DEBUG) as captured:
            logging.getLogger().debug("the log is heard")
            made = self.call(
                self.administrator, self.MODEL, "create", vals_list=[values]
            )
            self.call(self.administrator, self.MODEL, "write", made, vals=PLAIN)
            with with_keys():
                message = self.assert_refused(
                    self.administrator, self.MODEL, "write", made, vals=PLAIN
                )
            answer = self.post(
                self.administrator, self.MODEL, "write", made, vals={**PLAIN, "x": 1}
            )
        everything = "\n".join([*captured.output, message, answer.text])
        self.assertGreater(len(captured.records), 20)
        for plain in PLAIN.values():
            self.assertNotIn(plain, everything)

    def test_never_in_an_answer(self):
        self.administrator.group_ids += self.env.ref("base.group_allow_export")
        self.account.write(PLAIN)
        ids, names = self.account.ids, list(SECRETS)
        answers = [
            self.call(self.administrator, self.MODEL, "read", ids, fields=names),
            self.call(self.administrator, self.MODEL, "read", ids),
            self.call(
                self.administrator, self.MODEL, "search_read", domain=[], fields=names
            ),
            self.call(
                self.administrator,
                self.MODEL,
                "web_save",
                ids,
                vals=PLAIN,
                specification={name: {} for name in names},
            ),
            self.call(
                self.administrator,
                self.MODEL,
                "export_data",
                ids,
                fields_to_export=names,
            ),
            self.call(
                self.administrator,
                self.MODEL,
                "onchange",
                ids,
                values=PLAIN,
                field_names=["access_token"],
                fields_spec={name: {} for name in names},
            ),
        ]
        for plain in PLAIN.values():
            self.assertNotIn(plain, repr(answers))
        for column in COLUMNS:
            for method, arguments in (
                ("read", {"ids": ids, "fields": [column]}),
                ("search", {"domain": [(column, "!=", False)]}),
                ("search_read", {"domain": [], "fields": [column]}),
                (
                    "formatted_read_group",
                    {"domain": [], "groupby": [column], "aggregates": []},
                ),
            ):
                with self.subTest(column=column, method=method):
                    self.assert_refused(
                        self.administrator,
                        self.MODEL,
                        method,
                        arguments.pop("ids", ()),
                        **arguments,
                    )
