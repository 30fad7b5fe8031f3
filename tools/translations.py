"""``make pot``: the addons' texts as templates for translators."""

import re
from pathlib import Path

from . import environment, layout, odoo, odoo_source
from .console import run_logged, say

#: Lines that differ from day to day without a text having changed.
DATES = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date): .*\n', re.MULTILINE)


def pot(addon: str) -> Path:
    """Return the file with an addon's texts."""
    return layout.ROOT / addon / "i18n" / f"{addon}.pot"


def write() -> None:
    """Export the texts into our addons."""
    for addon in layout.ADDONS:
        pot(addon).parent.mkdir(exist_ok=True)
        pot(addon).write_text(export(addon))
        say(f"{pot(addon).relative_to(layout.ROOT)} written")


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
