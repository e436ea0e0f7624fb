"""What watching needs from outside."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.watch.model import Load, MachineFate, Pulse, UnknownMachine


class WatchStore(Protocol):
    """Looks, loads and unknown machines, inside the caller's transaction."""

    async def pulses(self, server_ids: Collection[int]) -> Mapping[int, Pulse]:
        """By server id; those never looked at are missing."""
        ...

    async def save_pulses(self, pulses: Collection[Pulse]) -> None:
        """All but `used_at` and `active_at`, of which the later stays, since use is also noted by `used`."""
        ...

    async def checked(self, server_ids: Collection[int], *, at: datetime) -> None:
        """Their machines are as Prime has it; of those that have a pulse only this is written."""
        ...

    async def used(self, server_id: int, *, at: datetime) -> None:
        """Somebody talks to it through Prime."""
        ...

    async def add_loads(self, loads: Mapping[int, Load]) -> None:
        """By server id: added to what the same stretch has already."""
        ...

    async def loads(self, server_id: int, *, since: datetime) -> Sequence[Load]:
        """Oldest first; stretches without a look are missing."""
        ...

    async def drop_loads(self, *, before: datetime) -> int: ...

    async def saw_unknown(self, machines: Collection[UnknownMachine]) -> None:
        """Notes them, or for those known that they were seen again: only `last_seen_at` of those is taken."""
        ...

    async def unknown(self, provider: str, machine_id: str) -> UnknownMachine | None: ...

    async def untold(self, *, first_seen_before: datetime, seen_since: datetime) -> Sequence[UnknownMachine]:
        """Open ones that nobody was told of yet, locked."""
        ...

    async def told_unknown(self, provider: str, machine_id: str) -> None: ...

    async def decide_unknown(self, provider: str, machine_id: str, fate: MachineFate) -> bool:
        """False if it was decided already."""
        ...
