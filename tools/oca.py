"""Addons of the OCA, from the package index, for the tests of what builds on them."""

import shutil

from . import layout, stamps, venv
from .console import run_logged, step

REQUIREMENTS = layout.ROOT / "requirements-oca.txt"
ADDONS = layout.OCA / "odoo" / "addons"


def ensure() -> None:
    """Have the addons in a folder of their own; what they require is there already."""
    value = stamps.digest_files([REQUIREMENTS])
    with stamps.lock("oca"):
        if stamps.is_fresh("oca", value):
            return
        with step("getting addons of the OCA"):
            _install()
        stamps.write("oca", value)


def _install() -> None:
    shutil.rmtree(layout.OCA, ignore_errors=True)
    # No dependencies: they name Odoo, which no package index has.
    pip = [venv.PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
    options = ["--quiet", "--no-deps", f"--target={layout.OCA}"]
    failure = "pip could not get the OCA's addons: check pip's configuration."
    run_logged(
        [*pip, *options, f"--requirement={REQUIREMENTS}"], "pip-oca.log", failure
    )
