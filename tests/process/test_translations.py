"""The templates for translators are those of the present texts."""

import pytest

from tools import layout, translations


@pytest.mark.parametrize("addon", layout.ADDONS)
def test_the_pot_is_current(addon):
    assert translations.export(addon) == translations.pot(addon).read_text(), (
        "run make pot"
    )
