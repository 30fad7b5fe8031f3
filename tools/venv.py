"""The virtual environment with Odoo's Python packages and the tools."""

import importlib.util
import os
import shutil
import sys

from . import layout, machine, stamps
from .console import run_logged, step

PYTHON = layout.VENV / "bin" / "python"
REQUIREMENTS = [layout.ROOT / "requirements.txt", layout.ROOT / "requirements-dev.txt"]


def ensure() -> None:
    """Make the virtual environment unless it is up to date."""
    value = stamps.digest(sys.version_info[:3], stamps.digest_files(REQUIREMENTS))
    with stamps.lock("venv"):
        if _is_inside() or stamps.is_fresh("venv", value):
            return
        with step("making the virtual environment"):
            _make()
        stamps.write("venv", value)


def enter(arguments: list[str]) -> None:
    """Continue this command in the virtual environment; returns if already there."""
    if not _is_inside():
        os.execv(PYTHON, [str(PYTHON), "-m", "tools", *arguments])


def _is_inside() -> bool:
    return os.path.realpath(sys.prefix) == os.path.realpath(layout.VENV)


def _make() -> None:
    shutil.rmtree(layout.VENV, ignore_errors=True)
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        machine.install("python3-venv")
    failure = "Cannot make a virtual environment: install python3-venv."
    run_logged([sys.executable, "-m", "venv", layout.VENV], "pip.log", failure)
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    wanted = [f"--requirement={path}" for path in REQUIREMENTS]
    failure = "pip could not install the requirements: check pip's configuration."
    run_logged([*pip, *wanted], "pip.log", failure)
