"""What happens to a delivery between Slack and Prime: it comes twice, or not as it was sent."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from uuid import uuid4

from lab.slack.deliveries import Parcel
from lab.slack.screen import Json
from lab.slack.socket_mode import SocketMode


class Wire:
    """Sits where the lab sends over its sockets, and carries everything. Where a parcel comes twice, Slack acts on the
    first one's acknowledgement only."""

    def __init__(self, sockets: SocketMode) -> None:
        self._carry = sockets.send
        sockets.send = self.send
        self._copies = 1
        self._changes: list[Callable[[Json], None]] = []
        self.sent: list[Parcel] = []
        self.carried = 0
        """How many came to their acknowledgement."""

    async def send(self, parcel: Parcel) -> Json:
        parcel = replace(parcel, payload=deepcopy(parcel.payload))
        for change in self._changes:
            change(parcel.payload)
        self.sent.append(parcel)
        sends = [self._carry(parcel)] + [self.repeat(parcel) for _ in range(self._copies - 1)]
        ack, *_ = await asyncio.gather(*sends)
        self.carried += 1
        return ack

    async def repeat(self, parcel: Parcel) -> Json:
        """It comes once more, now."""
        return await self._carry(replace(parcel, envelope_id=str(uuid4())))

    @contextmanager
    def doubling(self) -> Iterator[None]:
        """Every parcel comes twice, at the same instant."""
        self._copies = 2
        try:
            yield
        finally:
            self._copies = 1

    @contextmanager
    def changing(self, change: Callable[[Json], None]) -> Iterator[None]:
        """Every payload is changed on its way; by who came last, first."""
        self._changes.insert(0, change)
        try:
            yield
        finally:
            self._changes.remove(change)
