"""A line of the table that `make bench` prints."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    what: str
    figure: float
    unit: str
    beside: float
    """The goal, or what a peer reached in the same run."""
    beside_name: str
    """`goal`, or the peer's name."""
