"""``make pot``: the addons' texts as templates, and in each language."""

import re
from pathlib import Path

import polib

from . import environment, layout, odoo, odoo_source
from .console import run_logged, say

#: Lines that differ from day to day without a text having changed.
DATES = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date): .*\n', re.MULTILINE)
#: The languages that the addons speak beside English.
LANGUAGES = ("ar", "de", "es", "fr", "he", "pt_BR")


def pot(addon: str) -> Path:
    """Return the file with an addon's texts."""
    return layout.ROOT / addon / "i18n" / f"{addon}.pot"


def po(addon: str, language: str) -> Path:
    """Return the file with an addon's texts in one of LANGUAGES."""
    return pot(addon).with_name(f"{language}.po")


def write() -> None:
    """Export the texts into our addons; bring the files of each language up to them."""
    for addon in layout.ADDONS:
        pot(addon).parent.mkdir(exist_ok=True)
        _write(pot(addon), export(addon))
        for language in LANGUAGES:
            _write(po(addon, language), merge(addon, language))


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    say(f"{path.relative_to(layout.ROOT)} written")


def merge(addon: str, language: str) -> str:
    """Return an addon's present texts with what is translated of them.

    A text that is new or was changed is empty: what stood there said something else.
    """
    texts = polib.pofile(pot(addon))
    texts.metadata["Language"] = language
    known = _translated(po(addon, language))
    for entry in texts:
        entry.msgstr = known.get(entry.msgid, "")
    return str(texts)


def _translated(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {
        entry.msgid: entry.msgstr for entry in polib.pofile(path).translated_entries()
    }


def export(addon: str) -> str:
    """Return an addon's texts as they are now, without dates."""
    environment.ensure(with_oca=True)
    database = odoo.template("texts", ["crm", *layout.ADDONS])
    output = layout.STATE / "texts.pot"
    options = ["-c", odoo.CONFIG, "-d", database, "-l", "pot", "-o", output]
    run_logged(
        [*odoo_source.ensure(), "i18n", "export", *options, addon],
        "i18n.log",
        "Odoo could not export the texts",
        env=odoo.environment(),
    )
    return DATES.sub("", output.read_text())
