"""The process that draws one chart: `python -m bot.plot`, bot.charts' JSON on stdin, a PNG on stdout. The only importer
of matplotlib."""

import json
import math
import sys
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

DPI = 160
SIZE_INCHES = (7.5, 3.75)
"""1200 x 600 px, read at half of that on a phone."""

_INK, _PALE, _GRID = "#1d1c1d", "#616061", "#e4e4e7"
_COLOURS = ("#4a62d8", "#e8912d", "#2f9e77", "#b04a8f")
_MOST_TICKS = 7


def main() -> None:
    order: dict[str, Any] = json.load(sys.stdin)
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(order["title"], loc="left", fontsize=13, fontweight="bold", color=_INK, pad=12, parse_math=False)
    if order["kind"] == "Bars":
        _draw_bars(axes, order)
        figure.legend(loc="outside lower left", ncols=4, frameon=False, fontsize=10, labelcolor=_INK)
    else:
        _draw_lines(axes, order)
    image = BytesIO()
    canvas.print_png(image)
    sys.stdout.buffer.write(image.getvalue())


def _draw_bars(axes: Axes, order: Mapping[str, Any]) -> None:
    days = [datetime.fromisoformat(day) for day in order["days"]]
    places = range(len(days))
    floor = [0.0] * len(days)
    for colour, (label, amounts) in zip(_COLOURS, order["parts"].items(), strict=False):
        axes.bar(places, amounts, width=0.72, bottom=floor, color=colour, label=label, zorder=2)
        floor = [below + amount for below, amount in zip(floor, amounts, strict=True)]
    step = max(1, math.ceil(len(days) / _MOST_TICKS))
    # Counted from the newest, which is the one that is looked for.
    ticks = sorted(range(len(days) - 1, -1, -step))
    axes.set_xticks(ticks, [f"{days[at]:%b} {days[at].day}" for at in ticks])
    axes.set_xlim(-0.6, max(len(days), 4) - 0.4)
    _dress(axes, order["unit"])
    axes.set_ylim(0, max(floor, default=0) * 1.12 or 1)


def _draw_lines(axes: Axes, order: Mapping[str, Any]) -> None:
    times = date2num([datetime.fromisoformat(time) for time in order["times"]])
    other = axes.twinx()
    for side, curve, colour, style in (
        (axes, order["left"], _COLOURS[0], "solid"),
        (other, order["right"], _COLOURS[1], "dashed"),
    ):
        values = [math.nan if value is None else value for value in curve["values"]]
        side.plot(times, values, color=colour, linestyle=style, linewidth=2, label=curve["label"], zorder=3)
        # A value between two gaps is a line of no length.
        alone = [at for at, value in enumerate(values) if _is_alone(values, at) and not math.isnan(value)]
        side.plot([times[at] for at in alone], [values[at] for at in alone], ".", color=colour, markersize=6)
        _dress(side, curve["label"], colour=colour)
        side.set_ylim(0, max((value for value in values if not math.isnan(value)), default=0) * 1.12 or 1)
    other.grid(visible=False)
    other.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    locator = AutoDateLocator(maxticks=_MOST_TICKS)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))
    axes.set_xlabel("UTC", fontsize=9, color=_PALE)
    if len(times):
        axes.set_xlim(times[0], max(times[-1], times[0] + 1 / 24))


def _is_alone(values: list[float], at: int) -> bool:
    before = values[at - 1] if at > 0 else math.nan
    after = values[at + 1] if at + 1 < len(values) else math.nan
    return math.isnan(before) and math.isnan(after)


def _dress(axes: Axes, unit: str, *, colour: str = _PALE) -> None:
    axes.set_ylabel(unit, fontsize=10, color=colour, parse_math=False)
    axes.tick_params(labelsize=10, colors=_PALE, length=0)
    axes.tick_params(axis="y", labelcolor=colour)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.grid(visible=True, axis="y", color=_GRID, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


if __name__ == "__main__":
    main()
