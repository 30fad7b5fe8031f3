import io
import zipfile
from datetime import datetime

import openpyxl

from odoo.tests import BaseCase, tagged

from ..tools import pasted

HEAD = "phone;name;city\n+34600123456;Ñoño;Málaga\n"
NOW = datetime(2026, 6, 1, 12)


def book(*rows):
    """Return the bytes of a workbook."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def bomb():
    """Return a workbook that unpacks to more than a workbook should."""
    content = io.BytesIO(book(["phone"]))
    with zipfile.ZipFile(content, "a", zipfile.ZIP_DEFLATED) as packed:
        with packed.open("xl/more.xml", "w", force_zip64=True) as member:
            for _megabyte in range(pasted.MAX_UNPACKED // (1 << 20) + 1):
                member.write(bytes(1 << 20))
    return content.getvalue()


@tagged("post_install", "-at_install")
class TestPasted(BaseCase):
    """What people paste or upload, and what is read out of it."""

    def rows(self, given):
        read = pasted.rows_of_file if isinstance(given, bytes) else pasted.rows_of_text
        return [cells for _place, cells in read(given)]

    def test_texts(self):
        for text, expected in (
            ("+34600123456\n+34600123457", [["+34600123456"], ["+34600123457"]]),
            ("600 123 456\r\n600-123-457\r", [["600 123 456"], ["600-123-457"]]),
            ("a\tb,c\nd\te,f", [["a", "b,c"], ["d", "e,f"]]),
            ("phone;n\n1;Pérez, Ana\n2;Li, Bo", None),
            ('1,"Pérez, Ana"\n2,Bo', [["1", "Pérez, Ana"], ["2", "Bo"]]),
            ('1,Ana 5" screen\n2,Bo', [["1", 'Ana 5" screen'], ["2", "Bo"]]),
            ("1|Ana\n2|Bo", [["1", "Ana"], ["2", "Bo"]]),
            ("+34600123456, +34600123457", [["+34600123456"], ["+34600123457"]]),
            (
                "600123456;600123457;600123458",
                [["600123456"], ["600123457"], ["600123458"]],
            ),
            ("\ufeffphone\n\u202a+34600123456\u202c", [["phone"], ["+34600123456"]]),
            ("\n\n1\n,,,\n  \n2", [["1"], ["2"]]),
            ("1\x00,A\x07na", [["1", "Ana"]]),
            ("", []),
        ):
            expected = expected or [
                ["phone", "n"],
                ["1", "Pérez, Ana"],
                ["2", "Li, Bo"],
            ]
            with self.subTest(text=text):
                self.assertEqual(self.rows(text), expected if text else [])

    def test_places_are_those_of_the_file(self):
        self.assertEqual(
            list(pasted.rows_of_text("phone\n\n+34600123456")),
            [(1, ["phone"]), (3, ["+34600123456"])],
        )

    def test_encodings(self):
        expected = [["phone", "name", "city"], ["+34600123456", "Ñoño", "Málaga"]]
        for encoding in (
            "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
            "latin-1", "cp1252",
        ):  # fmt: skip
            with self.subTest(encoding=encoding):
                self.assertEqual(self.rows(HEAD.encode(encoding)), expected)

    def test_workbooks(self):
        cells = [34600123456.0, "Ana", datetime(2026, 5, 31), None, True, "=1+1"]
        rows = self.rows(book(["phone", "name"], [], cells, [4.917e11], ["+34 600"]))
        self.assertEqual(
            rows,
            [
                ["phone", "name"],
                ["34600123456", "Ana", "2026-05-31", "", "True"],
                ["491700000000"],
                ["+34 600"],
            ],
        )

    def test_what_cannot_be_read(self):
        damaged = book(["phone"])[:-200]
        for code, given in (
            ("binary", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20),
            ("binary", b"%PDF-1.7\n" + bytes(range(1, 32)) * 50),
            ("binary", b"phone\n\x00\x00\x00+34600123456"),
            ("old_excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)),
            ("workbook", damaged),
            ("workbook", b"PK\x03\x04" + bytes(500)),
            ("unpacked", bomb()),
            ("encoding", b"\xff\xfea"),
            ("columns", ";".join(["x"] * 60)),
            ("columns", book(["x"] * 60)),
            ("cell", '"' + "x" * 200_000 + '"'),
            ("too_large", "x" * (pasted.MAX_SIZE + 1)),
            ("too_large", bytes(pasted.MAX_SIZE + 1)),
        ):
            with self.subTest(code=code, given=given[:10]):
                with self.assertRaises(pasted.PasteError) as caught:
                    self.rows(given)
                self.assertEqual(caught.exception.args[0], code)

    def test_too_many_rows(self):
        self.patch(pasted, "MAX_ROWS", 3)
        self.assertEqual(len(self.rows("x\n1\n2\n3")), 4)
        with self.assertRaisesRegex(pasted.PasteError, "too_many"):
            self.rows("x\n1\n2\n3\n4")

    def test_columns(self):
        for text, header, uses in (
            ("phone,name,city\n1,Ana,Lima", True, "phone name variable"),
            ("Nombre;Teléfono\nAna;600123456", True, "name phone"),
            ("Nome,Telemóvel,Consentimento\nA,1,sim", True, "name phone consent"),
            ("nom;numéro de téléphone\nA;1", True, "name phone"),
            ("Name;Handynummer;Einwilligung\nA;1;ja", True, "name phone consent"),
            ("الاسم,رقم الهاتف\nA,1", True, "name phone"),
            ("שם,טלפון\nA,1", True, "name phone"),
            ("Ana,600123456\nBob,600123457", False, "variable phone"),
            ("600123456\n600123457", False, "phone"),
            ("x,y\nAna,600123456", True, "variable phone"),
            (
                "opt-in,Consent Source,to\nyes,shop,1",
                True,
                "consent consent_source phone",
            ),
            ("phone,mobile\n1,2", True, "phone variable"),
            ("Ana\nBob", True, "variable"),
            ("4.917E+11\n4.917E+11", False, "phone"),
        ):
            with self.subTest(text=text):
                plan = pasted.plan_of(pasted.look_at(pasted.rows_of_text(text)), str)
                self.assertEqual(plan.has_header, header)
                self.assertEqual(" ".join(plan.uses), uses)

    def test_names(self):
        look = pasted.look_at(pasted.rows_of_text("phone,city,city,\n1,2,3,4,5"))
        plan = pasted.plan_of(look, "Column {}".format)
        self.assertEqual(plan.columns, ["city", "city (2)", "Column 4", "Column 5"])
        self.assertEqual(
            plan.values(["1", "Lima"]),
            {"city": "Lima", "city (2)": "", "Column 4": "", "Column 5": ""},
        )

    def test_consents(self):
        for text, expected in (
            ("yes", NOW), ("SÍ", NOW), ("oui", NOW), ("Ja", NOW), ("نعم", NOW),
            ("כן", NOW), ("x", NOW), ("no", False), ("", False), ("non", False),
            ("2026-05-31", datetime(2026, 5, 31)),
            ("2026-05-31 14:00:00", datetime(2026, 5, 31, 14)),
            ("2026-05-31T14:00:00+02:00", datetime(2026, 5, 31, 12)),
            ("2030-01-01", None), ("31/05/26", None), ("perhaps", None),
        ):  # fmt: skip
            with self.subTest(text=text):
                self.assertEqual(pasted.consent_at(text, NOW), expected)

    def test_formulas_are_made_harmless(self):
        for text, expected in (
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("+1+1", "'+1+1"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("+34 600 123 456", "+34 600 123 456"),
            ("Ana", "Ana"),
        ):
            self.assertEqual(pasted.harmless(text), expected)
