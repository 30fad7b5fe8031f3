"""The Chromium that Odoo's browser tests drive."""

import os
import shutil
import subprocess

from . import layout, machine, stamps
from .archive import Archive
from .console import Problem, step

# The names that Odoo looks for, in its order.
NAMES = ["google-chrome", "chromium", "chromium-browser", "google-chrome-stable"]
SUITE = "bookworm"
WRAPPER = layout.BROWSER / "bin" / "chromium"
TREE = layout.BROWSER / "root"
# Of all that Chromium depends on, what a headless one opens …
KINDS = ("chromium", "lib", "fontconfig", "fonts-")
# … but for what must be the machine's own: a process has one C library.
OF_THE_MACHINE = {"libc6", "libc-bin", "libgcc-s1", "libstdc++6"}


def ensure() -> None:
    """Have a browser that starts; install it on Debian, unpack Debian's elsewhere."""
    with stamps.lock("browser"):
        if find():
            return
        if machine.is_debian():
            machine.install("chromium")
        else:
            with step("getting Chromium from the Debian archive"):
                _unpack()
        if not find():
            raise Problem("Chromium does not start: install chromium or google-chrome.")


def find() -> str | None:
    """Return the first browser that Odoo would take, if it starts."""
    path = f"{WRAPPER.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = [program for name in NAMES if (program := shutil.which(name, path=path))]
    # Ubuntu's chromium-browser is a script that only says how to get the snap.
    return found[0] if found and _starts(found[0]) else None


def _starts(program: str) -> bool:
    command = [program, "--headless", "--no-sandbox", "--version"]
    return not subprocess.run(command, capture_output=True, check=False).returncode


def _unpack() -> None:
    shutil.rmtree(layout.BROWSER, ignore_errors=True)
    archive = Archive(SUITE)
    archive.update()
    needed = set(archive.with_dependencies("chromium")) - OF_THE_MACHINE
    archive.unpack(sorted(name for name in needed if name.startswith(KINDS)), TREE)
    WRAPPER.parent.mkdir()
    WRAPPER.write_text(_wrapper())
    WRAPPER.chmod(0o755)


def _wrapper() -> str:
    folders = [*TREE.glob("lib/*-linux-gnu"), *TREE.glob("usr/lib/*-linux-gnu")]
    folders += [folder / "pulseaudio" for folder in folders]
    return (
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH='{':'.join(map(str, folders))}'\n"
        f"export FONTCONFIG_PATH='{TREE / 'etc' / 'fonts'}'\n"
        # Where fontconfig looks for fonts besides the machine's own folders.
        f"export XDG_DATA_HOME='{TREE / 'usr' / 'share'}'\n"
        f"exec '{TREE / 'usr' / 'lib' / 'chromium' / 'chromium'}' \"$@\"\n"
    )
