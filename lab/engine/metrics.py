"""Prometheus metrics as text. A series is there from the moment something touches it."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Labels = tuple[tuple[str, str], ...]

SECONDS = tuple(0.00015 * 1.5**step for step in range(35))


@dataclass(slots=True)
class Histogram:
    bounds: Sequence[float]
    counts: list[int] = field(default_factory=list[int])
    total: float = 0.0

    def observe(self, value: float) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metrics:
    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        """`labels` stand on every series."""
        self._labels = dict(labels or {})
        self._types: dict[str, str] = {}
        self._numbers: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        series = self._series(name, "counter")
        key = self._key(labels)
        series[key] = series.get(key, 0) + by

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self._series(name, "gauge")[self._key(labels)] = value

    def observe(self, name: str, value: float, bounds: Sequence[float] = SECONDS, **labels: str) -> None:
        self._types[name] = "histogram"
        histograms = self._histograms.setdefault(name, {})
        histograms.setdefault(self._key(labels), Histogram(bounds)).observe(value)

    def text(self) -> str:
        lines: list[str] = []
        for name, kind in self._types.items():
            lines.append(f"# TYPE {name} {kind}")
            lines += [f"{name}{_braces(labels)} {value}" for labels, value in self._numbers.get(name, {}).items()]
            for labels, histogram in self._histograms.get(name, {}).items():
                lines += _histogram(name, labels, histogram)
            lines.append("")
        return "\n".join(lines) + "\n"

    def _series(self, name: str, kind: str) -> dict[Labels, float]:
        self._types[name] = kind
        return self._numbers.setdefault(name, {})

    def _key(self, labels: Mapping[str, str]) -> Labels:
        return tuple((self._labels | dict(labels)).items())


def _histogram(name: str, labels: Labels, histogram: Histogram) -> list[str]:
    lines: list[str] = []
    below = 0
    for bound, number in zip([*histogram.bounds, None], histogram.counts, strict=True):
        below += number
        shown = "+Inf" if bound is None else f"{bound:.12g}"
        lines.append(f"{name}_bucket{_braces((*labels, ('le', shown)))} {below}")
    return [*lines, f"{name}_sum{_braces(labels)} {histogram.total}", f"{name}_count{_braces(labels)} {below}"]


def _braces(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}" if labels else ""
