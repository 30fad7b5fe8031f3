"""Each language says everything, and nothing that would break a screen."""

import polib
import pytest
from terms import differences

from tools import layout, translations

FILES = [(addon, name) for addon in layout.ADDONS for name in translations.LANGUAGES]


def texts(addon, language):
    return polib.pofile(translations.po(addon, language))


@pytest.mark.parametrize(("addon", "language"), FILES)
class TestFile:
    def test_it_has_the_texts_of_the_template_and_its_form(self, addon, language):
        path = translations.po(addon, language)
        assert path.read_text() == translations.merge(addon, language), "run make pot"

    def test_everything_is_translated(self, addon, language):
        missing = [entry.msgid for entry in texts(addon, language) if not entry.msgstr]
        shown = "\n".join(missing[:20])
        assert len(missing) == 0, f"{len(missing)} have no translation:\n{shown}"

    def test_what_is_not_words_stays(self, addon, language):
        wrong = {
            entry.msgid: found
            for entry in texts(addon, language).translated_entries()
            if (found := differences(entry.msgid, entry.msgstr))
        }
        assert not wrong


@pytest.mark.parametrize(
    ("text", "translation", "found"),
    [
        ("%s of %s", "%s", ["lacks '%s'"]),
        ("%(count)s left", "%(cuenta)s", ["lacks '%(count)s'", "adds '%(cuenta)s'"]),
        ("100%% of %d", "100% de %d", ["lacks '%%'"]),
        ("Hello {{1}} and {name}", "Hola {{2}}", None),
        ("<em>Now</em>", "<b>Ahora</b>", None),
        ('<i title="Done" t-if="a"/>', '<i title="Listo" t-if="b"/>', None),
        ('<i title="Done" t-if="a"/>', '<i title="Listo" t-if="a"/>', []),
        ("about ", "unos", ["lacks \"edge ' '\""]),
        ("one\ntwo", "uno dos", ["lacks '\\n'"]),
        ("*Bold*", "Negrita", ["lacks '*'", "lacks '*'"]),
        ("give lead_id", "indicar id", ["lacks 'lead_id'"]),
        ('{"body.1": "May 5"}', '{"cuerpo.1": "5 de mayo"}', None),
        ("50% of it", "el 50 %", []),
    ],
)
def test_differences(text, translation, found):
    assert differences(text, text) == []
    if found is None:
        assert len(differences(text, translation)) >= 2
    else:
        assert differences(text, translation) == found


def test_what_changed_is_empty_and_what_is_gone_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROOT", tmp_path)
    path = translations.po("addon", "es")
    path.parent.mkdir(parents=True)
    template = polib.POFile(check_for_duplicates=True)
    for msgid in ("Kept", "New", "Unsure"):
        template.append(polib.POEntry(msgid=msgid))
    template.save(translations.pot("addon"))
    known = polib.POFile()
    known.append(polib.POEntry(msgid="Kept", msgstr="Queda"))
    known.append(polib.POEntry(msgid="Gone", msgstr="Se fue"))
    known.append(polib.POEntry(msgid="Unsure", msgstr="¿?", flags=["fuzzy"]))
    known.save(path)

    merged = translations.merge("addon", "es")

    assert {entry.msgid: entry.msgstr for entry in polib.pofile(merged)} == {
        "Kept": "Queda",
        "New": "",
        "Unsure": "",
    }
    path.write_text(merged)
    assert translations.merge("addon", "es") == merged


def test_a_new_language_begins_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROOT", tmp_path)
    translations.pot("addon").parent.mkdir(parents=True)
    template = polib.POFile()
    template.append(polib.POEntry(msgid="New"))
    template.save(translations.pot("addon"))

    merged = polib.pofile(translations.merge("addon", "he"))

    assert merged.metadata["Language"] == "he"
    assert [(entry.msgid, entry.msgstr) for entry in merged] == [("New", "")]
