"""The template for translators is that of the present texts."""

from tools import translations


def test_the_pot_is_current():
    assert translations.export() == translations.POT.read_text(), "run make pot"
