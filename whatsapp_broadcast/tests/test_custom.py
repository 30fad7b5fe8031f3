import base64
import csv
import io

import openpyxl

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import BroadcastCommon, BroadcastHttpCommon, phone
from .test_pasted import book

BROADCAST = "whatsapp.broadcast"
ROW = "whatsapp.broadcast.custom.row"
TEXT = (
    "phone,name,city,consent,consent source\n"
    "+12122000000,Ann,Lima,2026-01-02,Fair\n"
    "212 200 0001,Bob,Rome,yes,\n"
    "nonsense,Cid,Oslo,no,\n"
    ",Dan,Bonn,,\n"
    "+1 (212) 200-0000,Eve,Kyiv,perhaps,\n"
)


class CustomCommon(BroadcastCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broadcast = cls.make_broadcast(audience_type="custom")

    def paste(self, text=None, content=None, user=None, **values):
        """Paste or upload, up to the step where the columns are shown."""
        broadcast = self.broadcast.with_user(user or self.user)
        action = broadcast.action_open_paste()
        paste = broadcast.env[action["res_model"]].browse(action["res_id"])
        if content:
            values |= {"file": base64.b64encode(content), "filename": "people.csv"}
        paste.write({"text": text, **values})
        paste.action_read()
        return paste

    def take(self, *args, **values):
        paste = self.paste(*args, **values)
        paste.action_check()
        paste.action_take()
        self.assertFalse(paste.exists())

    def rows(self, broadcast=None):
        broadcast = broadcast or self.broadcast
        return self.env[ROW].search([("broadcast_id", "=", broadcast.id)])

    def problems(self):
        return [row.problem for row in self.rows()]

    def downloaded(self, action):
        """Return the content of what an action downloads."""
        id_ = int(action["url"].split("/")[3].split("?")[0])
        return self.env["ir.attachment"].browse(id_).raw

    def workbook(self, action):
        """Return the rows of what an action downloads."""
        content = self.downloaded(action)
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        return [list(row) for row in sheet.iter_rows(values_only=True)]


@tagged("post_install", "-at_install")
class TestCustom(CustomCommon):
    # === STEPS === #

    def test_from_a_paste_to_rows(self):
        paste = self.paste(TEXT)
        self.assertEqual(paste.state, "columns")
        self.assertTrue(paste.has_header)
        self.assertEqual(paste.row_count, 5)
        self.assertEqual(
            paste.column_ids.mapped("use"),
            ["phone", "name", "variable", "consent", "consent_source"],
        )
        self.assertEqual(paste.column_ids[2].examples, "Lima · Rome · Oslo")
        paste.action_check()
        self.assertEqual(paste.state, "check")
        self.assertFalse(self.rows())
        counts = ("valid", "bad_phone", "no_phone", "duplicate", "guessed", "consent")
        self.assertEqual(
            [paste[f"{name}_count"] for name in counts], [2, 1, 1, 1, 1, 2]
        )
        self.assertEqual(paste.unclear_consent_count, 1)
        paste.action_take()
        rows = self.rows()
        self.assertEqual(rows.mapped("row"), [2, 3, 4, 5, 6])
        self.assertEqual(
            rows.mapped("phone_sanitized"),
            ["+12122000000", "+12122000001", False, False, "+12122000000"],
        )
        self.assertEqual(
            rows.mapped("problem"), [False, False, "bad_phone", "no_phone", "duplicate"]
        )
        self.assertEqual(rows[2].phone, "nonsense")
        self.assertEqual(rows[0]["values"], {"city": "Lima"})
        self.assertEqual(self.broadcast.custom_columns, ["city"])
        self.assertEqual(self.broadcast.custom_row_count, 5)
        self.assertEqual(self.broadcast.custom_problem_count, 3)

    def test_going_back_and_choosing_columns(self):
        paste = self.paste("Ana,600123456,+12122000000\nBob,600123457,+12122000001")
        self.assertEqual(paste.column_ids.mapped("use")[1], "phone")
        paste.action_check()
        self.assertEqual(paste.bad_phone_count, 2)
        paste.action_back()
        paste.column_ids[1].use = "ignore"
        with self.assertRaisesRegex(UserError, "No column holds phone numbers"):
            paste.action_check()
        paste.column_ids[2].use = "phone"
        paste.column_ids[0].write({"use": "variable", "name": "first"})
        paste.action_check()
        self.assertEqual(paste.valid_count, 2)
        paste.column_ids[1].use = "phone"
        with self.assertRaisesRegex(UserError, "Only one column"):
            paste.action_check()
        paste.column_ids[1].use = "ignore"
        paste.action_take()
        self.assertEqual(self.rows()[0]["values"], {"first": "Ana"})

    def test_add_or_replace(self):
        self.take("phone,city\n+12122000000,Lima")
        self.take("phone,age\n+12122000001,5\n+12122000000,6", mode="add")
        self.assertEqual(self.problems(), [False, False, "duplicate"])
        self.assertEqual(self.broadcast.custom_columns, ["city", "age"])
        self.take("+12122000002")
        self.assertEqual(self.rows().mapped("phone"), ["+12122000002"])
        self.assertFalse(self.broadcast.custom_columns)

    def test_without_the_rows_with_a_problem(self):
        self.take(TEXT, keep_problems=False)
        self.assertEqual(self.rows().mapped("name"), ["Ann", "Bob"])

    def test_consents_are_recorded(self):
        self.take(TEXT)
        logged = self.env["whatsapp.broadcast.consent"].search([])
        logged = logged.sorted("address")
        self.assertEqual(logged.mapped("address"), ["+12122000000", "+12122000001"])
        self.assertEqual(logged.mapped("evidence"), ["Fair", "Pasted rows"])
        self.assertEqual(str(logged[0].at), "2026-01-02 00:00:00")
        self.assertEqual(set(logged.mapped("channel")), {"import"})
        self.assertEqual(logged.user_id, self.user)
        choices = self.env["whatsapp.broadcast.choice"].search([])
        self.assertEqual(
            set(choices.mapped("address")), {"+12122000000", "+12122000001"}
        )
        self.assertEqual(choices.consent_id, logged)

    def test_a_later_withdrawal_stays(self):
        consents = self.env["whatsapp.broadcast.consent"].with_user(self.manager)
        consents.record_consent("withdrawal", phone="+12122000000", at="2026-02-01")
        self.take(TEXT)
        choices = self.env["whatsapp.broadcast.choice"].search([])
        self.assertEqual(choices.mapped("address"), ["+12122000001"])

    def test_files(self):
        rows = (["phone", "name"], [12122000000.0, "Ann"], ["4.917E+11", "Bob"])
        for content in (
            book(*rows),
            "phone;name\n12122000000;Ann\n4,917E+11;Bob\n".encode("utf-16"),
            "phone;name\n12122000000;Ann\n4.917E+11;Bób\n".encode("latin-1"),
        ):
            with self.subTest(content=content[:9]):
                self.take(content=content)
                self.assertEqual(
                    self.rows().mapped("phone_sanitized"), ["+12122000000", False]
                )
                self.assertEqual(self.problems(), [False, "cut_phone"])
                self.assertTrue(self.rows()[0].country_guessed)

    def test_what_cannot_be_read_loses_nothing(self):
        self.take("+12122000000")
        for content, error in (
            (b"\x89PNG\r\n\x1a\n" + bytes(500), "This is no text"),
            (b"PK\x03\x04" + bytes(500), "damaged or protected"),
            (b"  \n \n", "There is nothing in it"),
        ):
            with self.subTest(error=error), self.assertRaisesRegex(UserError, error):
                self.paste(content=content)
        with self.assertRaisesRegex(UserError, "No column holds"):
            self.take("Ana\nBob")
        self.assertEqual(self.rows().mapped("phone"), ["+12122000000"])

    def test_errors_to_download(self):
        text = (
            "phone,name,note\n=cmd(),+SUM(A1),-1\n+12,Ann,fine\n"
            "+12122000000,Bob,\n+12122000000,Cid,\n"
        )
        paste = self.paste(text)
        paste.action_check()
        found = self.workbook(paste.action_download())
        self.assertEqual(found[0], ["Row", "Phone", "Name", "Problem", "note"])
        self.assertEqual(
            found[1][:3] + found[1][4:], ["2", "'=cmd()", "'+SUM(A1)", "'-1"]
        )
        self.assertEqual([row[0] for row in found[1:]], ["2", "3", "5"])
        paste.action_take()
        again = self.workbook(
            self.broadcast.with_user(self.user).action_download_invalid_rows()
        )
        self.assertEqual(again, found)

    def test_errors_to_download_as_csv(self):
        paste = self.paste("phone,name,note\n=cmd(),Zoë,-1\n+12,Ann,fine\n")
        paste.action_check()
        content = self.downloaded(paste.action_download("csv"))
        self.assertTrue(content.startswith(b"\xef\xbb\xbf"), "a spreadsheet guesses")
        found = list(csv.reader(content.decode("utf-8-sig").splitlines()))
        self.assertEqual(found[0], ["Row", "Phone", "Name", "Problem", "note"])
        self.assertEqual(found[1][:3] + found[1][4:], ["2", "'=cmd()", "Zoë", "'-1"])
        paste.action_take()
        again = self.downloaded(self.broadcast.action_download_invalid_rows("csv"))
        self.assertEqual(again, content)
        with self.assertRaisesRegex(UserError, "csv or xlsx"):
            self.broadcast.action_download_invalid_rows("exe")

    def test_rows_that_nobody_takes_go(self):
        paste = self.paste(TEXT)
        paste.action_check()
        self.env.cr.execute(
            "UPDATE whatsapp_broadcast_paste SET write_date = '2020-01-01'"
        )
        self.env.invalidate_all()
        self.env["whatsapp.broadcast.paste"]._gc_pastes()
        self.assertFalse(self.env[ROW].search([("paste_id", "!=", False)]))

    def test_many_rows(self):
        lines = [f"{phone(n)},Person {n}" for n in range(5000)]
        lines += [f"{phone(n)},Again {n}" for n in range(300)]
        self.take("\n".join(["phone,name", *lines, "x,y"]))
        self.assertEqual(self.broadcast.custom_row_count, 5301)
        self.assertEqual(self.broadcast.custom_problem_count, 301)
        self.broadcast.action_remove_invalid_rows()
        self.assertEqual(self.broadcast.custom_row_count, 5000)

    # === TEXT === #

    def test_text_makes_rows_and_rows_make_text(self):
        text = "phone,name,city\n+12122000000,Ann,Lima\nnonsense,Bob,\n"
        broadcast = self.make_broadcast(audience_type="custom", custom_recipients=text)
        self.assertEqual(self.rows(broadcast).mapped("name"), ["Ann", "Bob"])
        self.assertEqual(broadcast.custom_recipients, text)
        broadcast.custom_recipients = "+12122000005"
        self.assertEqual(broadcast.custom_recipients, "phone,name\n+12122000005,\n")
        broadcast.custom_recipients = False
        self.assertFalse(broadcast.custom_row_ids)
        with self.assertRaisesRegex(UserError, "No column holds"):
            broadcast.custom_recipients = "Ana"

    def test_text_is_bounded(self):
        text = "\n".join(phone(n) for n in range(1100))
        broadcast = self.make_broadcast(audience_type="custom", custom_recipients=text)
        self.assertEqual(broadcast.custom_row_count, 1100)
        self.assertEqual(len(broadcast.custom_recipients.splitlines()), 1001)

    # === A DRAFT'S ROWS === #

    def test_rows_are_corrected(self):
        self.take("+12122000000\n+12122000000\nx")
        rows = self.rows().with_user(self.user)
        self.assertEqual(self.problems(), [False, "duplicate", "bad_phone"])
        rows[2].phone = "212 200 0002"
        self.assertEqual(rows[2].phone_sanitized, "+12122000002")
        self.assertTrue(rows[2].country_guessed)
        rows[0].unlink()
        self.assertEqual(self.problems(), [False, False])
        made = rows.create({"broadcast_id": self.broadcast.id, "phone": "+12122000002"})
        self.assertEqual(made.row, 4)
        self.assertEqual(self.problems(), [False, False, "duplicate"])

    def test_values_and_columns_are_texts(self):
        self.take("+12122000000")
        for values in (["x"], {"city": 5}, "x"):
            with self.assertRaises(ValidationError):
                self.rows().write({"values": values})
            with self.assertRaises(ValidationError):
                self.broadcast.custom_columns = {"x": values}

    def test_a_change_of_rows_drops_the_review(self):
        self.take("+12122000000\n+12122000001\nx")

        def review():
            self.make_recipient()

        for change in (
            lambda: self.rows()[0].write({"phone": "+12122000009"}),
            lambda: self.rows()[0].unlink(),
            lambda: self.rows().create(
                {"broadcast_id": self.broadcast.id, "phone": "+12122000008"}
            ),
            lambda: self.broadcast.action_remove_invalid_rows(),
            lambda: self.take("+12122000003"),
            lambda: self.broadcast.write({"custom_recipients": "+12122000004"}),
        ):
            review()
            self.assertTrue(self.broadcast.recipient_ids)
            change()
            self.assertFalse(self.broadcast.recipient_ids)

    def make_recipient(self):
        self.env["whatsapp.broadcast.recipient"].create(
            {
                "broadcast_id": self.broadcast.id,
                "company_id": self.company.id,
                "account_id": self.account.id,
                "number_id": self.number.id,
                "phone": "+12122000000",
                "state": "queued",
            }
        )
        self.broadcast.invalidate_recordset()

    def test_a_copy_has_the_rows(self):
        self.take(TEXT)
        copy = self.broadcast.with_user(self.user).copy()
        self.assertEqual(copy.custom_recipients, self.broadcast.custom_recipients)
        self.assertEqual(copy.custom_problem_count, 3)
        self.assertEqual(len(self.rows()), 5)


@tagged("post_install", "-at_install")
class TestCustomRights(CustomCommon, BroadcastHttpCommon):
    """Custom sets over JSON-2."""

    def make(self, user, **values):
        values = {
            "number_id": self.number.id,
            "template_id": self.template.id,
            "audience_type": "custom",
            **values,
        }
        self.env.flush_all()
        return self.call(user, BROADCAST, "create", vals_list=[values])

    def test_a_broadcast_in_one_call(self):
        ids = self.make(
            self.user, custom_recipients="phone,name,city\n+12122000000,Ana,Lima"
        )
        row = self.rows(self.env[BROADCAST].browse(ids))
        self.assertEqual((row.name, row["values"]), ("Ana", {"city": "Lima"}))
        told = self.call(
            self.user, BROADCAST, "read", ids, fields=["custom_recipients"]
        )
        self.assertIn("+12122000000,Ana,Lima", told[0]["custom_recipients"])
        for text, error in (
            ("Ana", "No column holds"),
            ("a\x00b", "No column holds"),
            ("\n".join([";" * 60 + "x"]), "columns"),
        ):
            message = self.assert_refused(
                self.user, BROADCAST, "write", ids, vals={"custom_recipients": text}
            )
            self.assertIn(error, message)

    def test_others_rows(self):
        ids = self.make(self.user, custom_recipients="+12122000000")
        row = self.rows(self.env[BROADCAST].browse(ids))
        found = self.call(self.other_user, ROW, "search", domain=[])
        self.assertNotIn(row.id, found)
        for method, arguments in (
            ("read", {}),
            ("write", {"vals": {"name": "x"}}),
            ("unlink", {}),
        ):
            self.assert_refused(
                self.other_user, ROW, method, row.ids, error="AccessError", **arguments
            )
        self.assert_refused(
            self.other_user,
            ROW,
            "create",
            vals_list=[{"broadcast_id": ids[0], "phone": "+12122000001"}],
            error="AccessError",
        )
        self.assertEqual(
            self.call(self.manager, ROW, "read", row.ids, fields=["phone"])[0]["phone"],
            "+12122000000",
        )

    def test_others_pastes(self):
        paste = self.paste(TEXT)
        paste.action_check()
        self.env.flush_all()
        model = "whatsapp.broadcast.paste"
        for user in self.other_user + self.manager:
            for method in ("read", "action_read", "action_check", "action_take"):
                with self.subTest(method=method, user=user.login):
                    self.assert_refused(
                        user, model, method, paste.ids, error="AccessError"
                    )
            self.assertEqual(
                self.call(user, ROW, "search", domain=[["paste_id", "=", paste.id]]),
                [],
            )
        self.assert_refused(
            self.other_user,
            model,
            "create",
            vals_list=[{"broadcast_id": self.broadcast.id}],
            error="AccessError",
        )

    def test_nobody_changes_rows_after_the_launch(self):
        self.take("+12122000000\nx")
        paste = self.paste("+12122000001")
        paste.action_check()
        self.broadcast._write_protected({"state": "sending"})
        self.env.flush_all()
        row = self.rows()[:1]
        for user in self.user + self.administrator:
            for method, ids, arguments in (
                ("write", row.ids, {"vals": {"name": "x"}}),
                ("unlink", row.ids, {}),
                (
                    "create",
                    (),
                    {"vals_list": [{"broadcast_id": self.broadcast.id, "phone": "1"}]},
                ),
            ):
                with self.subTest(method=method, user=user.login):
                    self.assert_refused(user, ROW, method, ids, **arguments)
            for method in ("action_open_paste", "action_remove_invalid_rows"):
                self.assert_refused(user, BROADCAST, method, self.broadcast.ids)
            self.assert_refused(
                user,
                BROADCAST,
                "write",
                self.broadcast.ids,
                vals={"custom_row_ids": [[5, 0, 0]]},
            )
        self.assert_refused(
            self.user, "whatsapp.broadcast.paste", "action_take", paste.ids
        )
        self.assertEqual(len(self.rows()), 2)

    def test_what_is_found_out_cannot_be_written(self):
        self.take("+12122000000")
        self.env.flush_all()
        for vals in (
            {"phone_sanitized": "+12122000000"},
            {"problem": False},
            {"consent_at": "2020-01-01"},
            {"paste_id": 1},
        ):
            self.assert_refused(self.user, ROW, "write", self.rows().ids, vals=vals)
