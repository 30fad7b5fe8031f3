"""What the machine is and has, and how to add a package to it."""

import os
import shutil
import subprocess
from pathlib import Path

from .console import Problem, run_logged, step


def os_release() -> dict[str, str]:
    """Return the fields of ``/etc/os-release`` (``ID``, ``VERSION_CODENAME`` …)."""
    path = Path("/etc/os-release")
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key: value.strip("\"'") for key, _, value in pairs}


def is_debian() -> bool:
    """Tell whether this is Debian itself (not Ubuntu or another relative)."""
    return os_release().get("ID") == "debian"


def need_apt() -> None:
    """Raise unless the machine has apt."""
    if not shutil.which("apt-get"):
        raise Problem(
            "apt-get is missing: use Debian 12/13 or Ubuntu, or set ODOO_BIN and "
            "PGHOST and install Chromium and Python's venv yourself."
        )


def as_root(command: list[str], packages: str) -> list[str]:
    """Return the command, which helps to install packages, as root must call it."""
    if os.geteuid() == 0:
        return command
    if shutil.which("sudo"):
        return ["sudo", *command]
    raise Problem(f"{packages} is missing; run as root: apt-get install {packages}")


def install(*packages: str) -> None:
    """Install packages of the machine's own distribution."""
    need_apt()
    words = " ".join(packages)
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]
    apt = as_root([*quiet, "apt-get", "-qq"], words)
    if apt[0] == "sudo":
        # Asked for here, where the question is visible, not inside the log.
        subprocess.run(["sudo", "-v"], check=False)
    failure = f"Cannot install {words}; run as root: apt-get install {words}"
    with step(f"installing {words} with apt-get"):
        run_logged([*apt, "update"], "apt.log", failure)
        options = ["-y", "--no-install-recommends", "install"]
        run_logged([*apt, *options, *packages], "apt.log", failure)
