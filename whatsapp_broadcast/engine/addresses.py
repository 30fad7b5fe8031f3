"""One key for every form in which a phone is written.

WhatsApp names some people by a number that nobody dials: Brazilian mobiles without
their ninth digit, Mexican ones with a 1 and Argentine ones with or without a 9 after
the country's code. What we keep is compared by the key; what people entered stays as
they entered it.
"""

import re

#: Pattern of a form → what makes the key of it.
_FORMS = (
    (re.compile(r"\+55([1-9]\d)([6-9]\d{7})\Z"), r"+55\g<1>9\g<2>"),
    (re.compile(r"\+54([1-8]\d{9})\Z"), r"+549\g<1>"),
    (re.compile(r"\+521(\d{10})\Z"), r"+52\g<1>"),
)


def canonical(address):
    """Return the key of an E.164 phone; a user id is its own."""
    for pattern, key in _FORMS:
        if pattern.match(address):
            return pattern.sub(key, address)
    return address
