"""``make pot``: the addon's texts as a template for translators."""

import re

from . import environment, layout, odoo, odoo_source
from .console import run_logged, say

POT = layout.ROOT / layout.ADDON / "i18n" / f"{layout.ADDON}.pot"
#: Lines that differ from day to day without a text having changed.
DATES = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date): .*\n', re.MULTILINE)


def write() -> None:
    """Export the texts into the addon."""
    POT.parent.mkdir(exist_ok=True)
    POT.write_text(export())
    say(f"{POT.relative_to(layout.ROOT)} written")


def export() -> str:
    """Return the addon's texts as they are now, without dates."""
    environment.ensure()
    database = odoo.template("addon", ["crm", layout.ADDON])
    output = layout.STATE / "texts.pot"
    options = ["-c", odoo.CONFIG, "-d", database, "-l", "pot", "-o", output]
    run_logged(
        [*odoo_source.ensure(), "i18n", "export", *options, layout.ADDON],
        "i18n.log",
        "Odoo could not export the texts",
        env=odoo.environment(),
    )
    return DATES.sub("", output.read_text())
