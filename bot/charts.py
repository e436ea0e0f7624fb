"""Charts as small PNG images.

They are drawn by `bot.plot` in a process of its own that ends with the image: matplotlib stays in memory once it is
loaded, and a chart is wanted a few times a day."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from core.errors import UnavailableError

DRAW_SECONDS = 20.0

_ROOT = Path(__file__).parent.parent
_PASSED_ON = ("PATH", "HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "LANG", "SYSTEMROOT")
"""Of the environment. The rest has secrets, and drawing needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One bar a day, of parts that lie on each other."""

    title: str
    unit: str
    """What the axis says."""
    days: Sequence[datetime]
    parts: Mapping[str, Sequence[float]]
    """By its name in the legend, one amount a day; the first lies at the bottom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    label: str
    values: Sequence[float | None]
    """One a time; None where nothing is known, which is left blank."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Two curves over time in UTC, each with an axis of its own."""

    title: str
    times: Sequence[datetime]
    left: Curve
    right: Curve


Chart = Bars | Lines


async def draw(chart: Chart) -> bytes:
    """A PNG, legible at 600 px wide. Raises UnavailableError if it cannot be drawn."""
    order = json.dumps({"kind": type(chart).__name__, **asdict(chart)}, default=datetime.isoformat).encode()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.plot",
        cwd=_ROOT,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(DRAW_SECONDS):
            image, _ = await process.communicate(order)
    except TimeoutError as error:
        raise _failed() from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 or not image:
        raise _failed()
    return image


def _failed() -> UnavailableError:
    return UnavailableError("The chart could not be drawn. Please try again in a minute; the figures are all there.")
