"""Where the tracked links of messages lead through."""

from werkzeug.exceptions import NotFound

from odoo import http
from odoo.http import request

from ..engine.links import PATH
from ..tools.transactions import commit_each_statement


class WhatsappBroadcastLinks(http.Controller):
    # auth="none" and no session: whoever presses a link is nobody here. readonly=False,
    # because such routes begin read-only and the click would be tried twice.

    @http.route(
        f"{PATH}<string:address>",
        type="http",
        auth="none",
        methods=["GET"],
        save_session=False,
        readonly=False,
    )
    def follow(self, address, **_others):
        """Count the click and lead on; 404 if the link leads nowhere."""
        env = request.env(su=True)
        # Each click waits for at most its own row, and for no one's transaction.
        commit_each_statement(env.cr)
        target = env["link.tracker"]._follow_whatsapp_link(
            address,
            country_code=request.geoip.country_code,
            is_person=self._is_person(),
        )
        if not target:
            raise NotFound()
        answer = request.redirect(target, code=302, local=False)
        answer.headers["Cache-Control"] = "no-store"  # else the next is not seen
        return answer

    def _is_person(self):
        """Tell whether somebody pressed it: WhatsApp looks at links for previews."""
        return request.httprequest.method == "GET" and not (
            request.env["ir.http"].is_a_bot()
        )
