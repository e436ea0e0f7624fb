"""Who gets tokens now, who waits, who is refused."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class OverloadedError(Exception):
    """One request more than the engine takes."""


class Slots:
    def __init__(self, *, running: int | None) -> None:
        """How many run at most; None for any number."""
        self._free = asyncio.Semaphore(running) if running else None
        self.admitted = 0
        self.running = 0

    @property
    def waiting(self) -> int:
        return self.admitted - self.running

    @contextmanager
    def admission(self, *, most: int | None) -> Iterator[None]:
        """Raises OverloadedError at once where `most` are in already."""
        if most is not None and self.admitted >= most:
            raise OverloadedError
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until there is room to run."""
        if self._free is not None:
            await self._free.acquire()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            if self._free is not None:
                self._free.release()
