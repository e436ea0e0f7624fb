"""What keys need from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.keys.model import ProviderKey


class KeyStore(Protocol):
    """One key per cloud, encrypted, inside the caller's transaction."""

    async def list(self) -> Sequence[ProviderKey]: ...

    async def get_locked(self, provider: str) -> ProviderKey | None: ...

    async def hold(self, provider: str) -> bool:
        """Whether there is a key, which then stays until the transaction ends; a rotation waits too. For who is about
        to write down that a machine will be ordered with it."""
        ...

    async def secret(self, provider: str) -> str | None:
        """Raises UnreadableSecretError, whose sentence is for an operator."""
        ...

    async def put(self, key: ProviderKey, *, secret: str) -> None:
        """Adds it or takes the place of the cloud's key."""
        ...

    async def add(self, key: ProviderKey, *, secret: str) -> bool:
        """False if the cloud has a key already, which is left as it is."""
        ...

    async def note_check(self, provider: str, *, at: datetime) -> None: ...

    async def remove(self, provider: str) -> bool:
        """False if there is none."""
        ...
