"""`providers` and `engine` are plain Python: they run where there is no Odoo."""

import subprocess
import sys
from pathlib import Path

import pytest

ADDON = Path(__file__).parents[2] / "whatsapp_broadcast"

PROGRAM = """
import importlib, pkgutil, sys

class NoOdoo:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "odoo":
            raise AssertionError(f"{name} was imported")

sys.meta_path.insert(0, NoOdoo())
sys.path.insert(0, sys.argv[1])
package = importlib.import_module(sys.argv[2])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


@pytest.mark.parametrize("package", ["providers", "engine"])
def test_no_module_imports_odoo(package):
    command = [sys.executable, "-I", "-c", PROGRAM, str(ADDON), package]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
