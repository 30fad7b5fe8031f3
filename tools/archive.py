"""Packages of the Debian archive, unpacked below ``.odoo/``.

apt works here in folders of our own: the machine's lists, caches and installed
packages stay as they are. The archive's address comes from ``DEBIAN_MIRROR`` or
from the machine's apt sources, the keyring from the machine.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from . import layout, machine
from .console import Problem, run_logged

ETC_APT = Path("/etc/apt")
KEYRINGS = Path("/usr/share/keyrings")


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each stanza of a deb822 file, names in lower case."""
    text = re.sub(r"^#.*\n?", "", text, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n", text):
        joined = re.sub(r"\n[ \t]+", " ", block)
        pairs = (line.partition(":") for line in joined.splitlines() if ":" in line)
        fields = {key.strip().lower(): value.strip() for key, _, value in pairs}
        if fields:
            yield fields


def deb822_sources(text: str) -> Iterator[tuple[str, str]]:
    """Yield (address, suite) for each enabled binary source of a deb822 file."""
    for fields in _stanzas(text):
        enabled = fields.get("enabled", "yes").lower() not in ("no", "false", "0")
        if enabled and "deb" in fields.get("types", "").split():
            for address in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield address, suite


def one_line_sources(text: str) -> Iterator[tuple[str, str]]:
    """Yield (address, suite) for each ``deb`` line of a sources.list file."""
    pattern = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", re.MULTILINE)
    yield from pattern.findall(text)


def machine_sources(etc_apt: Path = ETC_APT) -> Iterator[tuple[str, str]]:
    """Yield (address, suite) for each enabled binary source of the machine."""
    for path in [etc_apt / "sources.list", *sorted(etc_apt.glob("sources.list.d/*"))]:
        if path.suffix == ".sources":
            yield from deb822_sources(path.read_text())
        elif path.suffix == ".list" and path.exists():
            yield from one_line_sources(path.read_text())


def find_mirror(etc_apt: Path = ETC_APT) -> str:
    """Return the address of the Debian archive that this machine uses."""
    if address := os.environ.get("DEBIAN_MIRROR"):
        return address
    codename = machine.os_release().get("VERSION_CODENAME", "stable")
    suites = {codename, "stable", "testing", "unstable", "sid"}
    if machine.is_debian():
        for address, suite in machine_sources(etc_apt):
            if suite in suites:
                return address
    raise Problem(
        "No Debian archive is known on this machine: set DEBIAN_MIRROR=<address of a "
        "Debian archive>, or ODOO_BIN=<an Odoo 19 that is here>."
    )


def find_keyring() -> Path:
    """Return the machine's keyring of the Debian archive; install it if missing."""
    candidates = [
        KEYRINGS / f"debian-archive-keyring.{suffix}" for suffix in ("pgp", "gpg")
    ]
    if not any(path.exists() for path in candidates):
        machine.install("debian-archive-keyring")
    for path in candidates:
        if path.exists():
            return path
    raise Problem("The archive's keyring is missing: install debian-archive-keyring.")


class Archive:
    """A private apt for some suites of the Debian archive."""

    def __init__(self, *suites: str) -> None:
        machine.need_apt()
        self.suites = suites
        self.folder = layout.APT / "-".join(suites)

    def update(self) -> None:
        """Write the source and fetch its lists."""
        for name in ("lists/partial", "cache/archives/partial", "sources"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "status").touch()
        (self.folder / "sources" / "debian.sources").write_text(
            "Types: deb\n"
            f"URIs: {find_mirror()}\n"
            f"Suites: {' '.join(self.suites)}\n"
            "Components: main\n"
            f"Signed-By: {find_keyring()}\n"
        )
        failure = (
            "Cannot read the Debian archive: check DEBIAN_MIRROR or apt's sources, and "
            "that the archive has not expired."
        )
        run_logged(self._apt("apt-get", "update", "-qq"), "apt.log", failure)

    def _apt(self, program: str, *arguments: str) -> list[str]:
        settings = {
            "Dir::Etc::sourcelist": "/dev/null",
            "Dir::Etc::sourceparts": self.folder / "sources",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": self.folder / "status",
            "Dir::Cache": self.folder / "cache",
            "Acquire::Languages": "none",
            # apt's own download user cannot enter a private checkout.
            "APT::Sandbox::User": "root",
        }
        options = [f"-o{key}={value}" for key, value in settings.items()]
        return [program, *options, *arguments]

    def unpack(self, packages: list[str], target: Path) -> None:
        """Download packages (``name`` or ``name/suite``) and unpack them together."""
        downloads = self.folder / "downloads"
        shutil.rmtree(downloads, ignore_errors=True)
        downloads.mkdir(parents=True)
        failure = f"The Debian archive did not give {shlex.join(packages)}"
        command = self._apt("apt-get", "-qq", "download", *packages)
        run_logged(command, "apt.log", failure, cwd=downloads)
        target.mkdir(parents=True, exist_ok=True)
        for package in sorted(downloads.glob("*.deb")):
            failure = f"Cannot unpack {package.name}: is the disk full?"
            run_logged(["dpkg-deb", "-x", package, target], "apt.log", failure)
        shutil.rmtree(downloads)

    def with_dependencies(self, package: str) -> list[str]:
        """Return the names of all packages that ``package`` needs, itself included."""
        command = self._apt("apt-get", "--simulate", "--no-install-recommends")
        result = subprocess.run(
            [*command, "install", package], capture_output=True, text=True, check=False
        )
        names = re.findall(r"^Inst (\S+)", result.stdout, flags=re.MULTILINE)
        if not names:
            raise Problem(f"The Debian archive cannot give {package}: {result.stderr}")
        return names
