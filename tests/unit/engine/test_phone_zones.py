"""Phone numbers' zones."""

import phonenumbers
import pytest
from engine.phone_zones import PREFIX, timezones


@pytest.mark.parametrize(
    ("phone", "expected"),
    [
        ("+12125550100", "America/New_York"),
        ("+16025550100", "America/Phoenix"),
        ("+4930123456", "Europe/Berlin"),
        ("+491701234567", "Europe/Berlin"),
        ("+551155256325", "America/Sao_Paulo"),
        ("+18762101234", "America/Jamaica"),
        # One clock in London, on Guernsey, Jersey and the Isle of Man.
        ("+442079460000", "Europe/London"),
        ("+447400123456", "Europe/London"),
        # Given to nobody, but its area is known.
        ("+12121550100", "America/New_York"),
    ],
)
def test_one_zone(phone, expected):
    assert timezones(phone) == expected


@pytest.mark.parametrize(
    ("phone", "some"),
    [
        # A mobile phone may be anywhere in its country …
        ("+61412345678", ["Australia/Perth", "Australia/Adelaide"]),
        ("+79123456789", ["Asia/Anadyr", "Asia/Omsk", "Europe/Kaliningrad"]),
        ("+34612345678", ["Africa/Ceuta", "Atlantic/Canary"]),
        # … and one without an area, too.
        ("+18005550100", ["America/Chicago", "Pacific/Honolulu"]),
    ],
)
def test_several_zones(phone, some):
    found = timezones(phone).split(",")
    assert found == sorted(found)
    assert set(some) <= set(found)
    assert len(found) < 12


def test_a_mobile_phone_of_another_country_with_the_same_code():
    assert "Europe/Moscow" not in timezones("+77710009998")


@pytest.mark.parametrize("phone", ["+88212345678", "+999123456789", "12", "", "x"])
def test_nothing_is_known(phone):
    assert timezones(phone) is None


def test_the_prefix_decides():
    for region in phonenumbers.SUPPORTED_REGIONS:
        number = phonenumbers.example_number(region)
        phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        other = phone[:-2] + ("34" if phone.endswith("12") else "12")
        if len(phone) - 2 >= PREFIX and phonenumbers.is_valid_number(
            phonenumbers.parse(other)
        ):
            assert timezones(phone) == timezones(other)
