"""Links in messages that lead through our own address, so that clicks can be counted.

A link is ``<base><code>-<key>``: the code says where it leads (``link.tracker.code``),
the key who got it. All of it is one path segment, because a template's button takes no
more than the end of an address, percent-encoded.
"""

import re

#: Behind the server's own address.
PATH = "/w/"
#: What ends a sentence, or marks it, is not part of an address.
LINK = re.compile(r"""https?://[^\s<>"]*[^\s<>".,:;!?'*_~`()\[\]{}]""")
#: Characters of a token's random part: enough that nobody guesses another one's link.
SECRET_LENGTH = 10
#: The longest code and key that a text must have room for.
CODE_ROOM, KEY_ROOM = "c" * 8, "k" * 24

_KEY = re.compile(rf"r(\d{{1,10}})-[0-9a-f]{{{SECRET_LENGTH}}}")


def find_links(text):
    """Return the addresses in a text, each once, in its order."""
    return list(dict.fromkeys(LINK.findall(text or "")))


def key_of(token):
    """Return what names whoever got the message: ``r<row>-<secret>``.

    A second try has another token, so that each message has links of its own.
    """
    row, _dash, secret = token.partition("-")
    return f"{row}-{secret[:SECRET_LENGTH]}"


def split_address(address):
    """Return (code, key, id of the recipient) of what stands behind :data:`PATH`.

    Key and id are None unless a recipient is named as :func:`key_of` does it.
    """
    code, _dash, key = address.partition("-")
    found = _KEY.fullmatch(key)
    return code, found and key, found and int(found[1])


def track_text(text, links, key=""):
    """Return the text with those of its addresses that are tracked as our links.

    :param dict links: ``{"base": "https://erp.example.com/w/", "codes": {address:
        code}}``
    :param str key: see :func:`key_of`; none: clicks are nobody's
    """

    def tracked(match):
        suffix = track_value(match[0], links, key)
        return match[0] if suffix == match[0] else links["base"] + suffix

    return LINK.sub(tracked, text or "")


def track_value(value, links, key=""):
    """Return the end of our link for an address that is tracked, else ``value``."""
    code = links["codes"].get(value)
    return "-".join(filter(None, (code, key))) if code else value
