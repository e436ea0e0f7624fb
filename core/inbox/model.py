"""Work that must not be lost: what Slack delivered, and what Prime itself owes to Slack."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DeliveryKind(StrEnum):
    EVENT = "event"
    """An Events API callback."""
    COMMAND = "command"
    """A slash command that takes longer than its acknowledgement."""
    INTERACTION = "interaction"
    """A button, select or shortcut."""
    NOTICE = "notice"
    """A message that Prime owes to somebody, written in the transaction of the change that it tells of."""


class DeliveryState(StrEnum):
    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    FAILED = "failed"
    """Its work ended in an error that the person was told of."""
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something to store before it is acknowledged."""

    kind: DeliveryKind
    payload: dict[str, Any]
    """The body as it came (JSON values); encrypted at rest and wiped when the work ends."""
    event_id: str | None = None
    """Slack's id of the delivery: the same again is a retry."""
    work_key: str | None = None
    """What is to be done once, however many deliveries tell of it: `prompt/<team>/<channel>/<ts>/<edited ts or ->`."""
    order_key: str | None = None
    """Deliveries with the same order key are worked on one at a time, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A delivery that this worker holds until `lease_until`; `attempt` counts from 1."""

    id: int
    kind: DeliveryKind
    payload: dict[str, Any]
    received_at: datetime
    attempt: int
    tries: int = 1
    """How often it was taken up, those times too that count as no attempt: above 1 some of its work may be done."""
    lease_until: datetime
    holder: str
