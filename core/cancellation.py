"""What must not be broken off in the middle."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Runs something short and bounded to its end, such as a call of the database, also if the caller is cancelled
    meanwhile; the caller's cancellation then comes after it. Broken off, a claim would be taken and not known, and a
    connection that is being opened would stay open."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # nobody is left to be told of it
        raise
