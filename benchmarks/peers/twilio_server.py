"""Answers as Twilio's Messages API does: ``python -m … PORT LATENCY_SECONDS``.

https://www.twilio.com/docs/messaging/api/message-resource#create-a-message
"""

import asyncio
import secrets
import sys

from aiohttp import web


def application(latency: float) -> web.Application:
    """Return an application that takes every message after ``latency`` seconds."""

    async def take(_request: web.Request) -> web.Response:
        await asyncio.sleep(latency)
        answer = {"sid": f"SM{secrets.token_hex(16)}", "status": "queued"}
        return web.json_response(answer, status=201)

    app = web.Application()
    app.router.add_post("/2010-04-01/Accounts/{account}/Messages.json", take)
    return app


if __name__ == "__main__":
    web.run_app(
        application(float(sys.argv[2])),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        print=None,
    )
