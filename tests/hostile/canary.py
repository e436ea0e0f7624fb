"""A listener that nobody may ever come to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Canary:
    host: str = ""
    visits: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    async def meet(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@asynccontextmanager
async def canary_listening() -> AsyncIterator[Canary]:
    """Nobody came, by the end of the block."""
    canary = Canary()
    server = await asyncio.start_server(canary.meet, "127.0.0.1", 0)
    canary.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield canary
        await asyncio.sleep(0)
    assert canary.visits == 0
