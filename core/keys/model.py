"""The keys with which Prime rents machines."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """What is known of a cloud's stored key; the secret itself is shown to nobody."""

    provider: str
    last_four: str
    account: str
    """The team's or account's name at the cloud."""
    added_by: str
    """`<team id>/<user id>`, or `prime:configuration`."""
    added_at: datetime
    checked_at: datetime
    """When the cloud last accepted it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderEntry:
    """A cloud, with its key if it has one."""

    provider: str
    label: str
    key: ProviderKey | None
