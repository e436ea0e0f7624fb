"""Slow questions, of which nobody waits for the answer longer than they want."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

import structlog

from core.errors import PrimeError

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class Lookups(Generic[T]):
    """Asks once at a time for each key; whoever comes meanwhile waits for the same answer."""

    def __init__(self, ask: Callable[[str], Coroutine[Any, Any, T]]) -> None:
        """`ask` keeps what it finds, for those who did not wait."""
        self._ask = ask
        self._running: dict[str, asyncio.Task[T]] = {}

    async def answer(self, key: str, *, patience_seconds: float | None) -> T | None:
        """None if it takes longer than that; it goes on then. Raises what asking raises."""
        task = self._running.get(key)
        if task is None:
            task = self._running[key] = asyncio.create_task(self._ask(key))
            task.add_done_callback(lambda done: self._ended(key, done))
        await asyncio.wait({task}, timeout=patience_seconds)
        return task.result() if task.done() else None

    async def aclose(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, key: str, task: asyncio.Task[T]) -> None:
        del self._running[key]
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, PrimeError):
            # Perhaps nobody waits any more who would see it.
            _log.error("lookup_failed", error=type(error).__name__)
