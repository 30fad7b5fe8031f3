"""What the addons' tests of translations share."""

from pathlib import Path

from odoo.tests import TransactionCase
from odoo.tools.misc import file_path
from odoo.tools.translate import (
    PoFileReader,
    TranslationImporter,
    code_translations,
)

#: Odoo's code of the language that a file is for, where it is not the file's name.
CODES = {"ar": "ar_001", "de": "de_DE", "es": "es_ES", "fr": "fr_FR", "he": "he_IL"}


class TranslationsCase(TransactionCase):
    """Loads the languages of an addon as Odoo does when one is installed."""

    addon = None

    def load(self, path: Path) -> str:
        """Install a file's language and its texts; return the language's code."""
        code = CODES.get(path.stem, path.stem)
        self.env["res.lang"]._activate_lang(code)
        importer = TranslationImporter(self.env.cr, verbose=False)
        importer.load_file(str(path), code)
        importer.save(overwrite=True)
        return code

    def languages(self) -> list[Path]:
        """Return the addon's files of translations."""
        return sorted(Path(file_path(f"{self.addon}/i18n")).glob("*.po"))

    def check_every_text_arrives(self):
        """Read each text back, as the one who looks at a screen would get it."""
        for path in self.languages():
            with self.subTest(language=path.stem):
                code = self.load(path)
                rows = [row for row in PoFileReader(str(path)) if row["value"]]
                lost = [row["src"] for row in rows if not self._arrived(row, code)]
                self.assertTrue(rows)
                self.assertFalse(lost)

    def _arrived(self, row: dict, code: str) -> bool:
        if row["type"] == "code":
            return row["value"] == self._said_by_code(row, code)
        record = self.env.ref(f"{row['module']}.{row['imd_name']}")
        field = record._fields[row["name"].split(",")[1]]
        shown = record.with_context(lang=code)[field.name]
        if row["type"] == "model":
            return shown == row["value"]
        return row["value"] in field.get_trans_terms(shown)

    def _said_by_code(self, row: dict, code: str) -> str | None:
        if "odoo-python" in row["comments"]:
            texts = code_translations.get_python_translations(self.addon, code)
            return texts.get(row["src"])
        found = code_translations.get_web_translations(self.addon, code)["messages"]
        return next(
            (text["string"] for text in found if text["id"] == row["src"]), None
        )
