"""People who press the links of their messages."""

import urllib.error
import urllib.request

AGENT = {"User-Agent": "Mozilla/5.0 (Linux; Android 15) Mobile"}

#: Has the button of the sandbox's spring offer lead through Odoo.
TRACK_BUTTON = (
    "UPDATE whatsapp_broadcast_template_button SET is_tracked = TRUE"
    " WHERE url = 'https://shop.example/offer/{{1}}'"
)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """The shop is not there."""

    def redirect_request(self, *_arguments):
        return None


def press(url):
    """Open a link; return (HTTP status, where it leads)."""
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(urllib.request.Request(url, headers=AGENT), timeout=60) as one:
            return one.status, ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Location"] or ""
