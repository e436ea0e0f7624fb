"""Prometheus' text format, as far as it is needed: one number per metric."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.watch.model import EngineLook

MOST = 10.0**15
"""No engine ever counted so far; one that says so is wrong, and its word must fit into a column all the same."""

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{.*\})?[ \t]+(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricNames:
    """What an engine calls them."""

    queued: str
    running: str
    prompt_tokens: str
    generated_tokens: str
    requests_done: str

    def read(self, text: str, *, model: str) -> EngineLook:
        """A metric that is not there was not touched yet, which is 0."""
        sums = sum_samples(text)
        return EngineLook(
            model=model,
            queued=_whole(sums, self.queued),
            running=_whole(sums, self.running),
            prompt_tokens=_whole(sums, self.prompt_tokens),
            generated_tokens=_whole(sums, self.generated_tokens),
            requests_done=_whole(sums, self.requests_done),
        )


def sum_samples(text: str) -> dict[str, float]:
    """Sample name -> its value, summed over all labels. Lines that are no sample are passed over."""
    sums: dict[str, float] = {}
    for line in text.split("\n"):
        sample = _SAMPLE.match(line)
        if sample is None:
            continue
        try:
            value = float(sample[2])
        except ValueError:
            continue
        if math.isfinite(value):
            sums[sample[1]] = sums.get(sample[1], 0) + value
    return sums


def _whole(sums: Mapping[str, float], name: str) -> int:
    value = sums.get(name, 0)
    return int(min(max(value, 0), MOST)) if math.isfinite(value) else 0
