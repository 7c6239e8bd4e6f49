# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An aiohttp server that computes a little for each request: aio_server.py PORT"""
import hashlib
import sys

from aiohttp import web


async def answer(request):
    digest = request.path.encode()
    for _ in range(20):
        digest = hashlib.sha256(digest).digest()
    return web.Response(text=digest.hex())


app = web.Application()
app.router.add_get("/{tail:.*}", answer)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None, print=None)
