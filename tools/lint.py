"""The checks of ``make lint``, each of which is also a pre-commit hook."""

import csv
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from lxml import etree

from . import layout, venv
from .console import Problem, say


def run(names: Iterable[str]) -> None:
    """Run the named checks, or all; raise when one of them finds something."""
    failed = []
    for name in list(names) or CHECKS:
        say(f"… {name}")
        if not CHECKS[name]():
            failed.append(name)
    if failed:
        raise Problem(f"make lint: {', '.join(failed)} failed")
    say("make lint: all good")


def _call(program: str, *arguments: object) -> bool:
    command = [venv.PYTHON.parent / program, *map(str, arguments)]
    return not subprocess.run(command, cwd=layout.ROOT, check=False).returncode


def _ruff() -> bool:
    return _call("ruff", "check", "--quiet", ".")


def _format() -> bool:
    return _call("ruff", "format", "--check", "--quiet", ".")


def _pylint() -> bool:
    return all([_call("pylint", folder) for folder in layout.addon_folders()])


def _module() -> bool:
    folders = layout.addon_folders()
    return not folders or _call("oca-checks-odoo-module", *folders)


def _po() -> bool:
    files = list(_addon_files("*.po", "*.pot"))
    # It wants a translation that equals its text to be empty, so that nobody could
    # tell it from a missing one. Our tests compare the files with `make pot`.
    return not files or _call("oca-checks-po", "--disable=po-pretty-format", *files)


def _data() -> bool:
    errors = [error for path in _addon_files("*.xml") for error in xml_errors(path)]
    errors += [error for path in _addon_files("*.csv") for error in csv_errors(path)]
    for error in errors:
        say(error)
    return not errors


def _addon_files(*patterns: str) -> Iterator[Path]:
    for folder in layout.addon_folders():
        for pattern in patterns:
            yield from sorted(folder.rglob(pattern))


def xml_errors(path: Path) -> Iterator[str]:
    """Yield one line if an XML file is not well-formed."""
    try:
        etree.parse(path)
    except etree.XMLSyntaxError as error:
        yield f"{path}:{error.lineno}: {error.msg}"


def csv_errors(path: Path) -> Iterator[str]:
    """Yield one line for each row of a CSV file of records that cannot be loaded."""
    seen = set()
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        header = next(rows, [])
        if "id" not in header:
            yield f"{path}:1: no column id"
            return
        for row in rows:
            if len(row) != len(header):
                yield f"{path}:{rows.line_num}: {len(row)} cells, not {len(header)}"
                continue
            identifier = row[header.index("id")]
            if not identifier or identifier in seen:
                yield f"{path}:{rows.line_num}: id {identifier!r} is empty or twice"
            seen.add(identifier)


CHECKS = {
    "ruff": _ruff,
    "format": _format,
    "pylint": _pylint,
    "module": _module,
    "po": _po,
    "data": _data,
}
