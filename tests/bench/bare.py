"""Baseline: a web server on the same libraries that parses the JSON, stores nothing, answers 200.

`python -m tests.bench.bare PORT`. The difference from the router's rate is the cost of deciding
and storing.
"""

import sys

import msgspec
import uvloop
from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    if content := await request.read():
        msgspec.json.decode(content)
    return web.Response(body=b"{}", content_type="application/json")


def main(port: int) -> None:
    app = web.Application(client_max_size=2**24)
    app.add_routes([web.get("/{path:.*}", answer), web.post("/{path:.*}", answer)])
    web.run_app(
        app, host="127.0.0.1", port=port, access_log=None, print=None, loop=uvloop.new_event_loop()
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
