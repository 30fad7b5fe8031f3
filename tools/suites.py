"""The parts of ``make test``."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from . import environment, layout, odoo, postgres, venv
from .console import Problem, say
from .processes import free_port

LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \S+ \d+ (?P<level>[A-Z]+) \S+ (?P<rest>.*)")
STARTING = re.compile(r"odoo\.addons\.(\w+)\S*: Starting (\w+)\.")
TOTAL = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")
SKIPPED = re.compile(r": skipped (?P<test>\S+) : (?P<reason>.*)")
COUNTS = ("tests", "failures", "errors", "skipped")
NO_BROWSER = re.compile(r"chrome|websocket|dev ?tools", re.IGNORECASE)


@dataclass
class Outcome:
    """How many tests of one part passed, failed and were skipped."""

    part: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.passed and not self.failed:
            self.complaints.append("no test ran")

    @property
    def is_good(self) -> bool:
        """Tell whether tests ran and nothing is wrong."""
        return not self.failed and not self.complaints

    def __str__(self) -> str:
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"
        return "; ".join([f"{self.part}: {counts}", *self.complaints])


def run(tags: str) -> None:
    """Run the parts that ``tags`` chooses (all if empty); raise if one is not good."""
    outcomes = []
    for outcome in _parts(tags):
        say(str(outcome))
        outcomes.append(outcome)
    say()
    for outcome in outcomes:
        say(f"{'ok  ' if outcome.is_good else 'FAIL'} {outcome}")
    passed, failed, skipped = (
        sum(getattr(outcome, name) for outcome in outcomes)
        for name in ("passed", "failed", "skipped")
    )
    say(f"{passed} passed, {failed} failed, {skipped} skipped")
    if not all(outcome.is_good for outcome in outcomes):
        raise Problem(f"make test failed; logs are in {layout.LOG}")


def _parts(tags: str) -> Iterator[Outcome]:
    if tags in ("", "unit"):
        yield unit()
    if tags == "unit":
        return
    environment.ensure(with_browser=tags != "process")
    if tags == "":
        yield addon(f"/{layout.ADDON}")
        yield jobs_addon(f"/{layout.JOBS_ADDON}")
    if tags in ("", "process"):
        yield process()
    if tags == "":
        yield installed_module("crm", "/crm")
    elif tags != "process":
        yield odoo_tests(tags)


def unit() -> Outcome:
    """Run the tests that need no Odoo: tools, sandbox, providers, engine."""
    folders = [layout.ROOT / name / "tests" for name in (".", "sandbox", "benchmarks")]
    found = [str(folder) for folder in folders if folder.exists()]
    return _pytest("unit", *found, f"--ignore={layout.ROOT / 'tests' / 'process'}")


def process() -> Outcome:
    """Run the tests with real Odoo server processes, a sandbox and ``kill -9``."""
    return _pytest("process", str(layout.ROOT / "tests" / "process"))


def odoo_tests(tags: str) -> Outcome:
    """Run Odoo's tests of any tags: of the addon, or of one other module beside it."""
    modules = re.findall(r"/(\w+)", tags) or [layout.ADDON]
    if layout.ADDON in modules:
        return addon(tags)
    if layout.JOBS_ADDON in modules:
        return jobs_addon(tags)
    return installed_module(modules[0], tags)


def addon(tags: str) -> Outcome:
    """Run Odoo's tests while the addon is installed in a database with ``crm``."""
    template = odoo.template("crm", ["crm"])
    return _odoo("addon", tags, template, "-i", layout.ADDON)


def jobs_addon(tags: str) -> Outcome:
    """Run Odoo's tests while the addon for queue jobs is installed beside ours."""
    environment.ensure(with_oca=True)
    template = odoo.template("addon", ["crm", layout.ADDON])
    return _odoo("jobs", tags, template, "-i", layout.JOBS_ADDON)


def installed_module(module: str, tags: str) -> Outcome:
    """Run the tests of one of Odoo's modules on a database that has the addon."""
    template = odoo.template("addon", ["crm", layout.ADDON])
    return _odoo(module, tags, template, "-u", module)


def _pytest(part: str, *arguments: str) -> Outcome:
    report = layout.LOG / f"test-{part}.xml"
    report.unlink(missing_ok=True)
    say(f"… pytest: {part}")
    command = [venv.PYTHON, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
    code = subprocess.run(command, cwd=layout.ROOT, check=False).returncode
    if not report.exists():
        return Outcome(part, complaints=[f"pytest ended with code {code}"])
    outcome = read_junit(part, report)
    if code and not outcome.failed:
        outcome.complaints.append(f"pytest ended with code {code}")
    return outcome


def read_junit(part: str, report: Path) -> Outcome:
    """Return the outcome that pytest wrote to a JUnit file."""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    count = {name: int(suite.get(name, 0)) for name in suite.keys() if name in COUNTS}
    failed = count["failures"] + count["errors"]
    passed = count["tests"] - failed - count["skipped"]
    return Outcome(part, passed, failed, count["skipped"])


def _odoo(part: str, tags: str, template: str, option: str, module: str) -> Outcome:
    say(f"… Odoo: {tags}")
    database = postgres.database_name(f"test_{part}_{os.getpid()}")
    odoo.copy(template, database)
    tests = [f"--test-tags={tags}", f"--http-port={free_port()}", "--workers=0"]
    command = odoo.command(database, option, module, *tests)
    log = layout.LOG / f"test-{part}.log"
    try:
        reader = LogReader(part)
        code = _follow(command, log, reader)
    finally:
        odoo.drop(database)
    outcome = reader.outcome()
    if code and not outcome.failed:
        outcome.complaints.append(f"Odoo ended with code {code}: {log}")
    return outcome


def _follow(command: list[str], log: Path, reader: "LogReader") -> int:
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            env=odoo.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as child,
    ):
        for line in child.stdout:
            file.write(line)
            if shown := reader.read(line.rstrip("\n")):
                say(shown)
    return child.returncode


class LogReader:
    """What Odoo's log says about its tests, line by line."""

    def __init__(self, part: str) -> None:
        self.part = part
        self._in_error = False
        self._class = None
        self._total = None
        self._skipped = 0
        self._complaints = []

    def read(self, line: str) -> str | None:
        """Take one line in; return what of it the person at the terminal should see."""
        entry = LOG_LINE.match(line)
        if not entry:
            return line if self._in_error else None
        self._in_error = entry["level"] in ("ERROR", "CRITICAL")
        if total := TOTAL.search(line):
            self._total = tuple(map(int, total.groups()))
        if skip := SKIPPED.search(line):
            self._skip(**skip.groupdict())
        return line if self._in_error else self._new_class(line)

    def _skip(self, test: str, reason: str) -> None:
        self._skipped += 1
        if NO_BROWSER.search(reason):
            self._complaints.append(f"{test} needs the browser: {reason}")

    def _new_class(self, line: str) -> str | None:
        starting = STARTING.search(line)
        if not starting or starting.groups() == self._class:
            return None
        self._class = starting.groups()
        return f"  {starting[1]}: {starting[2]}"

    def outcome(self) -> Outcome:
        """Return the sum of what was read."""
        if self._total is None:
            return Outcome(self.part, complaints=["Odoo's log has no result"])
        failures, errors, ran = self._total
        failed = failures + errors
        passed = max(0, ran - failed - self._skipped)
        return Outcome(self.part, passed, failed, self._skipped, self._complaints)
