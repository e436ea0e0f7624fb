"""Who did what to what."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import PrimeError


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change, as its use case reports it. `detail` holds ids, words and numbers, never text that a person typed
    to a model, personal data or secrets."""

    at: datetime
    actor: str
    """`<team id>/<user id>` of a person, or `prime:<job>`, `cli:<os user>` for what no person in Slack did."""
    action: str
    """`<area>.<thing>.<verb>`, such as `access.grant.add`."""
    target: str
    """What was changed: `<team id>/<user id>`, `server:<name>`, `setting:<name>`."""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])
    """JSON values only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """An entry as it stands in the chain. `mac` covers the entry, `seq`, `key_id` and the previous row's mac."""

    seq: int
    entry: AuditEntry
    key_id: str
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """Where the chain ends. Exported to log and metric: a tail cut off with the head turned back shows there."""

    seq: int
    """Number of the newest row; 0 before the first."""
    mac: bytes
    first_seq: int
    """The oldest row still kept: 1, or the one after the last retention checkpoint."""
    key_id: str
    """Empty before the first row."""
    seal: bytes
    """A mac over the above, so that nobody without the key can move the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheckpoint:
    """What retention leaves in the place of rows `from_seq` to `through_seq`."""

    from_seq: int
    through_seq: int
    through_mac: bytes
    """Of the last row that was deleted: the chain goes on from it."""
    kept_from: datetime
    """What retention was asked to keep."""
    key_id: str
    seal: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    records: tuple[AuditRecord, ...]
    """Newest first."""
    about: str | None
    """The actor or target that the page was asked for."""
    next_before: int | None
    """Where the next page goes on; None on the last one."""


class AuditBrokenError(PrimeError):
    """The chain's end is not as Prime left it. Nothing is written on top of it."""

    def __init__(self) -> None:
        super().__init__(
            "Prime's audit log was changed from outside, so Prime makes no changes now. An operator should run "
            "`prime audit verify`."
        )
