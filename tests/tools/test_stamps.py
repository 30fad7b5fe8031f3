"""A thing is made again when what it was made from changed, not otherwise."""

import pytest

from tools import layout, stamps


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "STAMPS", tmp_path)


def test_nothing_is_fresh_before_it_was_made():
    assert not stamps.is_fresh("thing", stamps.digest("a"))


def test_fresh_until_an_input_changes():
    stamps.write("thing", stamps.digest("a", ["b"]))
    assert stamps.is_fresh("thing", stamps.digest("a", ["b"]))
    assert not stamps.is_fresh("thing", stamps.digest("a", ["c"]))


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_files_are_told_apart_by_name_and_content(tmp_path, change):
    files = [tmp_path / "one", tmp_path / "two"]
    for path in files:
        path.write_text(path.name)
    before = stamps.digest_files(files)
    assert stamps.digest_files(reversed(files)) == before
    if change == "content":
        files[0].write_text("eno")
    elif change == "name":
        files[0] = files[0].rename(tmp_path / "three")
    else:
        files.append(tmp_path / "empty")
        files[-1].touch()
    assert stamps.digest_files(files) != before
