"""Webhooks that do less than any real one could."""

from odoo import http
from odoo.http import request

OPTIONS = {
    "type": "http",
    "auth": "none",
    "methods": ["POST"],
    "csrf": False,
    "save_session": False,
    "readonly": False,
}


class BenchRoutes(http.Controller):
    @http.route("/bench/nothing", **OPTIONS)
    def nothing(self):
        """Answer."""
        return request.make_response("")

    @http.route("/bench/insert", **OPTIONS)
    def insert(self):
        """Store the body unseen, and answer."""
        request.env.cr.execute(
            "INSERT INTO bench_delivery (payload) VALUES (%s)",
            [request.httprequest.get_data()],
        )
        return request.make_response("")
