"""Addresses in texts, and the links that lead through ours."""

import pytest
from engine import links

TRACKED = {
    "base": "https://erp.example.com/w/",
    "codes": {"https://shop.example/a": "aB3", "https://shop.example/a?b=1": "xY9"},
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Look: https://shop.example/a.", ["https://shop.example/a"]),
        ("(https://shop.example/a), or not?", ["https://shop.example/a"]),
        ("*https://shop.example/a*", ["https://shop.example/a"]),
        ("http://shop.example/a?b=1&c=%20#d!", ["http://shop.example/a?b=1&c=%20#d"]),
        ("https://shop.example/מבצע ועוד", ["https://shop.example/מבצע"]),
        ("twice https://a.b/ https://a.b/", ["https://a.b/"]),
        ("shop.example, ftp://shop.example, https://", []),
        (None, []),
    ],
)
def test_what_an_address_is(text, found):
    assert links.find_links(text) == found


def test_each_address_is_replaced_whole_or_not_at_all():
    text = "https://shop.example/a, https://shop.example/a?b=1 https://shop.example/ab"
    assert links.track_text(text, TRACKED, "r7-0123456789") == (
        "https://erp.example.com/w/aB3-r7-0123456789, "
        "https://erp.example.com/w/xY9-r7-0123456789 https://shop.example/ab"
    )


def test_without_a_key_a_link_is_nobodys():
    assert links.track_text("https://shop.example/a!", TRACKED) == (
        "https://erp.example.com/w/aB3!"
    )


def test_a_button_takes_the_end_of_the_link():
    value = "https://shop.example/a"
    assert links.track_value(value, TRACKED, "r7-0123456789") == "aB3-r7-0123456789"
    assert links.track_value("SO123", TRACKED, "r7-0123456789") == "SO123"


def test_a_link_names_the_row_and_a_part_of_its_token_that_nobody_guesses():
    key = links.key_of("r7-0123456789abcdef0123456789abcdef")
    assert key == "r7-0123456789"
    assert links.split_address(f"aB3-{key}") == ("aB3", key, 7)


@pytest.mark.parametrize(
    "address",
    ["aB3", "aB3-", "aB3-m7-0123456789", "aB3-r7", "aB3-r7-012345678", "aB3-r-0123"],
)
def test_other_addresses_name_nobody(address):
    assert links.split_address(address) == ("aB3", None, None)
