"""The archive's address is found in what Debian machines have as apt sources."""

import pytest

from tools import archive, machine
from tools.console import Problem

DEBIAN = {"ID": "debian", "VERSION_CODENAME": "bookworm"}
DEB822 = """\
# written by the installer
Types: deb deb-src
# an old address
URIs: mirror+file:/etc/apt/mirror.list
 http://archive.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
"""
ONE_LINE = """\
# deb http://comment.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb cdrom:[Debian 12]/ bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://archive.example/debian bookworm main
deb http://archive.example/security bookworm-security main
"""


@pytest.fixture
def etc_apt(tmp_path, monkeypatch):
    monkeypatch.delenv("DEBIAN_MIRROR", raising=False)
    monkeypatch.setattr(machine, "os_release", lambda: DEBIAN)
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_deb822_gives_each_address_with_each_suite():
    assert list(archive.deb822_sources(DEB822)) == [
        ("mirror+file:/etc/apt/mirror.list", "bookworm"),
        ("mirror+file:/etc/apt/mirror.list", "bookworm-updates"),
        ("http://archive.example/debian", "bookworm"),
        ("http://archive.example/debian", "bookworm-updates"),
    ]


def test_mirror_from_deb822(etc_apt):
    (etc_apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert archive.find_mirror(etc_apt) == "mirror+file:/etc/apt/mirror.list"


def test_mirror_from_one_line_sources(etc_apt):
    (etc_apt / "sources.list").write_text(ONE_LINE)
    assert archive.find_mirror(etc_apt) == "http://archive.example/debian"


def test_other_repositories_are_not_taken_for_the_archive(etc_apt):
    other = "deb http://other.example nodistro main\n"
    (etc_apt / "sources.list").write_text(other)
    (etc_apt / "sources.list.d" / "debian.list").write_text(ONE_LINE)
    assert archive.find_mirror(etc_apt) == "http://archive.example/debian"


def test_debian_mirror_goes_first(etc_apt, monkeypatch):
    (etc_apt / "sources.list").write_text(ONE_LINE)
    monkeypatch.setenv("DEBIAN_MIRROR", "http://mine.example/debian")
    assert archive.find_mirror(etc_apt) == "http://mine.example/debian"


def test_ubuntu_is_asked_for_a_mirror_in_one_line(etc_apt, monkeypatch):
    ubuntu = {"ID": "ubuntu", "VERSION_CODENAME": "noble"}
    monkeypatch.setattr(machine, "os_release", lambda: ubuntu)
    source = "deb http://archive.example/ubuntu noble main\n"
    (etc_apt / "sources.list").write_text(source)
    with pytest.raises(Problem) as problem:
        archive.find_mirror(etc_apt)
    assert "DEBIAN_MIRROR=" in str(problem.value)
    assert "\n" not in str(problem.value)
