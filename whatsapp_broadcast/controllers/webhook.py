"""The door: find the account, verify, store, answer."""

from werkzeug.exceptions import Forbidden

from odoo import http
from odoo.http import request

from ..tools.transactions import commit_each_statement

#: Meta sends 3 MB at most.
MAX_BYTES = 4 * 1024 * 1024


class WebhookDispatcher(http.HttpDispatcher):
    """Reads no form from body or address: the signature is over the bytes as they came.

    And names that somebody makes up are no arguments of ours.
    """

    routing_type = "whatsapp_broadcast_webhook"

    def dispatch(self, endpoint, args):
        """Call the endpoint with what the path holds, and nothing else."""
        self.request.params = args
        return self.request.registry["ir.http"]._dispatch(endpoint)


class WhatsappBroadcastWebhook(http.Controller):
    # auth="none" saves the look-up of the public user; readonly=False, because such
    # routes begin read-only and the INSERT would be tried twice.

    @http.route(
        "/whatsapp_broadcast/webhook/<string:token>",
        type=WebhookDispatcher.routing_type,
        auth="none",
        methods=["GET"],
        csrf=False,
        save_session=False,
        readonly=False,
    )
    def handshake(self, token):
        """Confirm the address to the provider; 403 unless it knows the verify token."""
        accounts = request.env["whatsapp.broadcast.account"]
        answer = accounts._answer_handshake(token, request.httprequest.args)
        if answer is None:
            raise Forbidden()
        return request.make_response(answer, [("Content-Type", "text/plain")])

    @http.route(
        "/whatsapp_broadcast/webhook/<string:token>",
        type=WebhookDispatcher.routing_type,
        auth="none",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
        max_content_length=MAX_BYTES,
    )
    def receive(self, token):
        """Store a signed delivery; 403 without a row for anything else."""
        body = request.httprequest.get_data()
        # Nobody's environment: what needs more, a rare case, asks for it itself. A new
        # one would cost a tenth of what the database does.
        account_id = request.env["whatsapp.broadcast.account"]._verify_webhook(
            token, request.httprequest.headers, body
        )
        if account_id is None:
            raise Forbidden()
        commit_each_statement(request.env.cr)
        request.env["whatsapp.broadcast.event"]._receive(account_id, body)
        return request.make_response("")
