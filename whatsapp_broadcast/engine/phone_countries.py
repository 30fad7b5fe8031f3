"""In which country a phone number is, as a provider bills and limits it."""

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    PhoneMetadata,
)

#: First characters of an E.164 number that decide: "+1212", "+3491". They hold a whole
#: area code of North America; elsewhere a country's code has three digits at most.
PREFIX = 5


def prefixes():
    """Return {first characters of an E.164 number: ISO code of its country}.

    Of countries that share a code and are told apart further behind, such as Jersey,
    the main one is named.
    """
    found = {}
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        if regions[0] == REGION_CODE_FOR_NON_GEO_ENTITY:
            continue
        width = PREFIX - 1 - len(str(code))
        for tail in range(10**width):
            prefix = f"{code}{tail:0{width}}"
            found[f"+{prefix}"] = _region(code, regions, prefix[len(str(code)) :])
    return found


def _region(code, regions, digits):
    """Return the region of a number that begins with ``digits`` after its code."""
    if code == 1:
        # Canada and the United States are told apart by whole numbers only.
        number = phonenumbers.parse(f"+1{digits}2345678")
        return phonenumbers.region_code_for_number(number) or regions[0]
    for region in regions[1:]:
        leading = PhoneMetadata.metadata_for_region(region).leading_digits
        if leading and digits.startswith(leading):
            return region
    return regions[0]
