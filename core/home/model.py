"""What one person's App Home shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.access.model import Holder
from core.approvals.model import AccessRequest
from core.cost.model import HomeCosts
from core.redaction.policy import Policy
from core.servers.model import RunningCost, ServerPage
from core.watch.model import Vitals


@dataclass(frozen=True, slots=True, kw_only=True)
class ServersShown:
    page: ServerPage
    after: int | None
    """The page begins behind this server; None on the first one."""
    cost: RunningCost
    """Of all servers, not only of the page."""
    vitals: Mapping[int, Vitals]
    """Of those on the page, by server id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    holder: Holder
    own_request: AccessRequest | None
    """Their request that waits for an admin."""
    can_claim: bool
    """Whether they are offered the first ADMIN role."""
    open_requests: Sequence[AccessRequest]
    """What waits for this admin's decision, oldest first; empty for everybody else."""
    requests_after: int | None
    """The page begins behind this request; None on the first one."""
    next_after: int | None
    """Where the next page goes on; None on the last one."""
    servers: ServersShown | None
    """None for whoever may not see servers."""
    costs: HomeCosts | None
    """None for whoever may not see what servers cost."""
    policy: Policy | None
    """What is redacted; None for whoever may not see it."""
    as_of: datetime
