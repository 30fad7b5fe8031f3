"""Data files with mistakes are found, with file and line."""

import pytest

from tools import lint

GOOD = 'id,name\nrule_a,A\nrule_b,"B, with a comma"\n'


def _csv(tmp_path, text):
    path = tmp_path / "ir.model.access.csv"
    path.write_text(text)
    return list(lint.csv_errors(path))


def test_good_csv(tmp_path):
    assert _csv(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("name\nA\n", 1),
        ("id,name\nrule_a\n", 2),
        ("id,name\nrule_a,A\nrule_a,B\n", 3),
        ("id,name\n,A\n", 2),
    ],
)
def test_bad_csv(tmp_path, text, line):
    errors = _csv(tmp_path, text)
    assert len(errors) == 1
    assert f"ir.model.access.csv:{line}:" in errors[0]


def test_good_xml(tmp_path):
    path = tmp_path / "view.xml"
    path.write_text("<odoo><record/></odoo>")
    assert list(lint.xml_errors(path)) == []


def test_bad_xml(tmp_path):
    path = tmp_path / "view.xml"
    path.write_text("<odoo>\n<record></odoo>")
    assert [":2:" in error for error in lint.xml_errors(path)] == [True]
