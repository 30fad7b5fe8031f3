"""An Odoo that does not fit is refused with one line that says why."""

import sys

import pytest

from tools import odoo_source
from tools.console import Problem


@pytest.fixture
def odoo_bin(tmp_path, monkeypatch):
    def make(code, first_line=f"#!{sys.executable}"):
        path = tmp_path / "odoo-bin"
        path.write_text(f"{first_line}\n{code}\n")
        path.chmod(0o755)
        monkeypatch.setenv("ODOO_BIN", str(path))
        odoo_source.ensure.cache_clear()
        return path

    yield make
    odoo_source.ensure.cache_clear()


def test_an_odoo_19_is_taken_with_its_own_python(odoo_bin):
    path = odoo_bin("print('Odoo Server 19.0-20260101')")
    assert odoo_source.ensure() == (sys.executable, str(path))


@pytest.mark.parametrize(
    ("code", "first_line", "said"),
    [
        ("print('Odoo Server 18.0')", f"#!{sys.executable}", "is Odoo 18.0, not 19.0"),
        ("import no_such_module", f"#!{sys.executable}", "No module named"),
        ("echo", "#!/bin/sh", "does not begin with #!…python"),
    ],
)
def test_another_is_refused(odoo_bin, code, first_line, said):
    odoo_bin(code, first_line)
    with pytest.raises(Problem, match=said) as problem:
        odoo_source.ensure()
    assert "\n" not in str(problem.value)


def test_a_missing_dependency_is_named_as_pip_knows_it(odoo_bin, monkeypatch):
    odoo_bin("print('Odoo Server 19.0')")
    modules = ["sys", "no_such_module"]
    monkeypatch.setattr(odoo_source, "MODULES_OF_ADDON", modules)
    with pytest.raises(Problem, match="-m pip install no_such_module"):
        odoo_source.ensure()


def test_a_path_without_program_is_refused(monkeypatch):
    monkeypatch.setenv("ODOO_BIN", "/no/such/odoo-bin")
    odoo_source.ensure.cache_clear()
    with pytest.raises(Problem, match="is not a program"):
        odoo_source.ensure()
