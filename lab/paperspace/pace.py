"""How long things take, in seconds on the lab's clock. May be changed at any time."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Pace:
    boot_seconds: float = 2.0
    """From order or start to ready."""
    stop_seconds: float = 1.0
    """From the call to off; and how long a deleted machine can still be seen."""
    pull_seconds: float = 1.0
    """For an engine's image."""
    loading_seconds: float = 1.0
    """For an engine's weights."""
