"""Charts, drawn by a process of their own."""

import struct
from datetime import UTC, datetime, timedelta

import pytest

from bot.charts import Bars, Curve, Lines, draw
from core.errors import UnavailableError

DAYS = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=day) for day in range(7)]
BARS = Bars(title="Cost", unit="USD", days=DAYS, parts={"machines": [1.0] * 7, "disks": [0.5] * 7})
LINES = Lines(
    title="llama",
    times=DAYS,
    left=Curve(label="tokens", values=[1.0, None, 3.0, None, None, 6.0, 7.0]),
    right=Curve(label="queue", values=[None] * 7),
)


def size_of(image: bytes) -> tuple[int, int]:
    """PNG's own header: https://www.w3.org/TR/png/#11IHDR."""
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", image[16:24])
    return width, height


@pytest.mark.parametrize(
    "chart",
    [
        BARS,
        LINES,
        Bars(title="$x^2 <b>", unit="$", days=DAYS[:1], parts={"_hidden $1$": [0.0]}),
        Lines(title="one", times=DAYS[:1], left=Curve(label="a", values=[1.0]), right=Curve(label="b", values=[2.0])),
    ],
    ids=["bars", "lines with gaps", "names that mean something to matplotlib", "one moment"],
)
async def test_a_chart_is_an_image(chart: Bars | Lines) -> None:
    assert size_of(await draw(chart)) == (1200, 600)


async def test_what_cannot_be_drawn_is_told() -> None:
    uneven = Bars(title="Cost", unit="USD", days=DAYS, parts={"machines": [1.0]})

    with pytest.raises(UnavailableError, match="could not be drawn"):
        await draw(uneven)
