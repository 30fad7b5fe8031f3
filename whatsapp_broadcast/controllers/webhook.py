"""The door: find the account, verify, store, answer."""

from werkzeug.exceptions import Forbidden

from odoo import SUPERUSER_ID, http
from odoo.http import request

#: Meta sends 3 MB at most.
MAX_BYTES = 4 * 1024 * 1024


class WhatsappBroadcastWebhook(http.Controller):
    # auth="none" saves the look-up of the public user; readonly=False, because such
    # routes begin read-only and the INSERT would be tried twice.

    @http.route(
        "/whatsapp_broadcast/webhook/<string:token>",
        type="http",
        auth="none",
        methods=["GET"],
        csrf=False,
        save_session=False,
        readonly=False,
    )
    def handshake(self, token, **params):
        """Confirm the address to the provider; 403 unless it knows the verify token."""
        answer = _as_system("whatsapp.broadcast.account")._answer_handshake(
            token, params
        )
        if answer is None:
            raise Forbidden()
        return request.make_response(answer, [("Content-Type", "text/plain")])

    @http.route(
        "/whatsapp_broadcast/webhook/<string:token>",
        type="http",
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        max_content_length=MAX_BYTES,
    )
    def receive(self, token, **_params):
        """Store a signed delivery; 403 without a row for anything else."""
        body = request.httprequest.get_data()
        account_id = _as_system("whatsapp.broadcast.account")._verify_webhook(
            token, request.httprequest.headers, body
        )
        if account_id is None:
            raise Forbidden()
        _as_system("whatsapp.broadcast.event")._receive(account_id, body)
        return request.make_response("")


def _as_system(model):
    return request.env(user=SUPERUSER_ID)[model]
