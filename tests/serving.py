"""Small web servers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

MOST_BYTES = 10_000_000


@asynccontextmanager
async def served(*routes: web.AbstractRouteDef, port: int = 0) -> AsyncIterator[str]:
    """The URL of a server on loopback. A handler whose client leaves is cancelled."""
    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
