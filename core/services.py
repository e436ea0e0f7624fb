"""The wired use cases, handed to the Slack surface and to the jobs."""

from dataclasses import dataclass

from core.clock import Clock
from core.inbox.service import Inbox
from core.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    clock: Clock
    storage: Storage
    inbox: Inbox
