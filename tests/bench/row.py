"""A line of the table that `make bench` prints."""

import asyncio
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    what: str
    figure: float
    unit: str
    beside: float
    """The goal, or what a peer reached in the same run."""
    beside_name: str
    """`goal`, or the peer's name."""


def rows_of(name: str) -> list[Row]:
    """What a module of this folder measures."""
    return asyncio.run(import_module(f"tests.bench.{name}").run())
