"""Where a message stands that shows something, so that it can be edited when that changes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedAt:
    channel: str
    ts: str
