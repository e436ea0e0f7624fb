"""What addresses are put together from."""

from dataclasses import dataclass
from enum import Enum, auto


class Strength(Enum):
    ALONE = auto()
    """Is an address by itself."""
    STREET = auto()
    """Perhaps a street: believed beside another piece."""
    BESIDE_STREET = auto()
    """Perhaps a flat or a postcode: believed beside a street."""


@dataclass(frozen=True, slots=True)
class Piece:
    start: int
    end: int
    strength: Strength
