"""The persons behind phone numbers: who they are and how they behave.

Everything about a person follows from the phone (or user id) and the seed, so that
a run can be repeated whatever the order in which messages arrive.
"""

import hashlib
import re
import struct
from dataclasses import dataclass

FIRST_NAMES = "Ann Ben Carla David Elena Farid Grace Hugo Ines Jonas Kim Lucía".split()
LAST_NAMES = "Becker Costa Duarte Evans Fischer García Haddad Ito Jensen Khan".split()

# Calling code to ISO country, for the prefix of business-scoped user ids.
COUNTRIES = dict(
    pair.split(":")
    for pair in (
        "1:US 7:RU 20:EG 27:ZA 30:GR 31:NL 32:BE 33:FR 34:ES 36:HU 39:IT 40:RO 41:CH "
        "43:AT 44:GB 45:DK 46:SE 47:NO 48:PL 49:DE 51:PE 52:MX 53:CU 54:AR 55:BR "
        "56:CL 57:CO 58:VE 60:MY 61:AU 62:ID 63:PH 64:NZ 65:SG 66:TH 81:JP 82:KR "
        "84:VN 86:CN 90:TR 91:IN 92:PK 93:AF 94:LK 95:MM 98:IR 212:MA 213:DZ 216:TN "
        "221:SN 225:CI 233:GH 234:NG 251:ET 254:KE 255:TZ 256:UG 351:PT 352:LU "
        "353:IE 354:IS 358:FI 359:BG 370:LT 371:LV 372:EE 380:UA 381:RS 385:HR "
        "386:SI 420:CZ 421:SK 502:GT 503:SV 504:HN 505:NI 506:CR 507:PA 591:BO "
        "593:EC 595:PY 598:UY 852:HK 880:BD 886:TW 961:LB 962:JO 965:KW 966:SA "
        "971:AE 972:IL 974:QA 977:NP"
    ).split()
)
UNKNOWN_COUNTRY = "ZZ"
USER_ID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")


@dataclass(slots=True)
class Person:
    """Someone on WhatsApp.

    ``wa_id``: digits, None for a person known by user id only.
    ``draws``: 16 numbers from 0 to 1 that settle what this person does.
    """

    wa_id: str | None
    user_id: str
    draws: tuple

    def name(self):
        number = int(self.draws[0] * len(FIRST_NAMES) * len(LAST_NAMES))
        last, first = divmod(number, len(FIRST_NAMES))
        return f"{FIRST_NAMES[first]} {LAST_NAMES[last]}"


class People:
    """Knows persons by phone or user id."""

    def __init__(self, seed):
        self._key = str(seed).encode()[:64]

    def by_phone(self, digits):
        """Person with this phone, digits with country code."""
        wa_id = wa_id_of(digits)
        digest = hashlib.blake2b(wa_id.encode(), digest_size=8).digest()
        user_id = f"{country_of(wa_id)}.{int.from_bytes(digest, 'big')}"
        return Person(wa_id, user_id, self._draws(user_id))

    def by_user_id(self, user_id):
        return Person(None, user_id, self._draws(user_id))

    def _draws(self, user_id):
        digest = hashlib.blake2b(user_id.encode(), key=self._key).digest()
        return tuple(number / 2**32 for number in struct.unpack("16I", digest))


def country_of(digits):
    """ISO code of the country of a number, ``ZZ`` when it is not in the list."""
    for length in (1, 2, 3):
        if country := COUNTRIES.get(digits[:length]):
            return country
    return UNKNOWN_COUNTRY


def wa_id_of(digits):
    """WhatsApp's id of a phone; differs from it in Brazil, Mexico, Argentina.

    Known quirks: Brazilian mobiles outside the area codes 11 to 28 have no ninth
    digit, Mexican ones a 1 and Argentine ones a 9 after the country code.
    """
    if re.fullmatch(r"55[3-9]\d9\d{8}", digits):
        return digits[:4] + digits[5:]
    if re.fullmatch(r"52[2-9]\d{9}", digits):
        return "521" + digits[2:]
    if re.fullmatch(r"54[1-8]\d{9}", digits):
        return "549" + digits[2:]
    return digits


def dialled(to, sender_dial_code):
    """Digits that Meta dials for the ``to`` of a request.

    Without a ``+`` the sender's own country code is put first, unless the number
    already begins with it and is long enough for an international one. None if
    ``to`` is no phone number.
    """
    digits = re.sub(r"[\s().-]", "", to)
    international = digits.startswith("+")
    digits = digits.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return None
    if not international and not is_complete(digits, sender_dial_code):
        digits = sender_dial_code + digits
    return digits if 7 <= len(digits) <= 15 else None


def is_complete(digits, dial_code):
    return digits.startswith(dial_code) and len(digits) >= 11
