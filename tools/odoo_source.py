"""The Odoo 19 to run: Debian's package below ``.odoo/``, or the one of ODOO_BIN."""

import os
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path

from . import layout, stamps, venv
from .archive import Archive
from .console import Problem, step

SERIES = "19.0"
# Odoo's package links to files of the others, relative to its own place.
UNSTABLE = "sid"
PACKAGES = [
    "odoo-19",
    "libjs-jquery",
    "libjs-jquery-form",
    "libjs-underscore",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-inconsolata",
    "fonts-ocr-b",
    "fonts-glyphicons-halflings",
]
# Odoo's pages name the files of Font Awesome 4.7; unstable has a later one.
FONT_SUITE = "trixie"
FONT_PACKAGES = ["fonts-font-awesome"]
# Debian took this file out. It blurs the background of a video call; when it is
# missing, every page logs an error, which fails every browser test.
REMOVED_FILE = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"
SITE = layout.DEBIAN / "usr" / "lib" / "python3" / "dist-packages"
START_SCRIPT = layout.STATE / "odoo-bin"
MODULES_OF_ADDON = ["cryptography", "phonenumbers", "requests", "websocket"]


@cache
def ensure() -> tuple[str, ...]:
    """Return the words that call Odoo; get it from the Debian archive if need be."""
    if path := os.environ.get("ODOO_BIN"):
        return _external(path)
    with stamps.lock("odoo"):
        value = stamps.digest(UNSTABLE, PACKAGES, FONT_SUITE, FONT_PACKAGES)
        if not stamps.is_fresh("odoo", value):
            with step("getting Odoo 19 from the Debian archive"):
                _unpack()
            stamps.write("odoo", value)
    return str(venv.PYTHON), str(START_SCRIPT)


def _unpack() -> None:
    shutil.rmtree(layout.DEBIAN, ignore_errors=True)
    archive = Archive(UNSTABLE, FONT_SUITE)
    archive.update()
    wanted = [f"{name}/{UNSTABLE}" for name in PACKAGES]
    fonts = [f"{name}/{FONT_SUITE}" for name in FONT_PACKAGES]
    archive.unpack([*wanted, *fonts], layout.DEBIAN)
    release = (SITE / "odoo" / "release.py").read_text()
    if f"version_info = ({SERIES.replace('.', ', ')}," not in release:
        raise Problem(
            f"The Debian archive has no Odoo {SERIES} any more: set ODOO_BIN to one."
        )
    # A second, incomplete set of addons, which Odoo would take into its path.
    shutil.rmtree(SITE / "addons", ignore_errors=True)
    removed = SITE / "odoo" / "addons" / REMOVED_FILE
    removed.parent.mkdir(parents=True, exist_ok=True)
    removed.touch()
    _write_start_script()


def _write_start_script() -> None:
    # Not `python -m odoo`: then the gevent process cannot start itself again.
    START_SCRIPT.write_text(
        "import sys\n\n"
        f"sys.path.insert(0, {str(SITE)!r})\n\n"
        "import odoo.cli\n\n"
        "odoo.cli.main()\n"
    )


def _external(path: str) -> tuple[str, ...]:
    """Check the Odoo that ODOO_BIN names; raise one line if it does not fit."""
    if not (found := shutil.which(path)):
        raise Problem(f"ODOO_BIN={path} is not a program.")
    python = _interpreter(Path(found))
    command = (*python, str(Path(found).resolve()))
    answer = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"Odoo Server (\S+)", answer.stdout)
    if not version:
        reason = (answer.stderr.strip().splitlines() or ["no version"])[-1]
        raise Problem(f"ODOO_BIN={path} does not start: {reason}")
    if not version[1].startswith(SERIES):
        raise Problem(f"ODOO_BIN={path} is Odoo {version[1]}, not {SERIES}.")
    _check_modules(python)
    return command


def _interpreter(script: Path) -> list[str]:
    """Return the words of the script's first line that call its Python."""
    first = script.open("rb").readline().decode(errors="replace").strip()
    if not (first.startswith("#!") and "python" in first):
        raise Problem(f"ODOO_BIN={script} does not begin with #!…python.")
    return shlex.split(first[2:])


def _check_modules(python: list[str]) -> None:
    code = (
        "import importlib.util, sys\n"
        "print(*(m for m in sys.argv[1:] if not importlib.util.find_spec(m)))"
    )
    command = [*python, "-c", code, *MODULES_OF_ADDON]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if missing := answer.stdout.split():
        packages = " ".join(missing).replace("websocket", "websocket-client")
        raise Problem(
            f"The Python of ODOO_BIN lacks: {packages}"
            f" ({shlex.join(python)} -m pip install {packages})"
        )
