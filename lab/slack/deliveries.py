"""Bringing payloads to the app: three seconds to acknowledge, retries for events (slack-platform.md 11 to 13)."""

import asyncio
import random
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from lab.clock import LabClock
from lab.faults import Faults
from lab.slack.errors import SlackError
from lab.slack.faults import FaultName
from lab.slack.record import Attempt, Record

ACK_SECONDS = 3.0
WAIT_BEFORE_TRY = (0.0, 0.0, 60.0, 300.0)


class Kind(StrEnum):
    """The kinds of envelope."""

    EVENT = "events_api"
    COMMAND = "slash_commands"
    INTERACTIVE = "interactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    kind: Kind
    payload: dict[str, Any]
    envelope_id: str
    attempt: int = 0
    retry_reason: str = ""


class NotDeliveredError(Exception):
    """The app did not take the parcel. `final`: it asked for no retry."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class Transport(Protocol):
    timeout_reason: str

    @property
    def connected(self) -> bool: ...

    async def send(self, parcel: Parcel) -> dict[str, Any]:
        """The body of the acknowledgement, empty if it had none. Waits for it without end; raises NotDeliveredError."""
        ...

    async def close(self) -> None: ...


class Deliveries:
    def __init__(
        self, clock: LabClock, faults: Faults, record: Record, transport: Transport, *, dice: random.Random
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._record = record
        self._dice = dice
        self._tasks: set[asyncio.Task[None]] = set()
        self.transport = transport

    async def ask(self, kind: Kind, name: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Delivers what a person waits for, once. The acknowledgement's body, or the error that the person sees."""
        try:
            return await self._attempt(kind, name, payload)
        except NotDeliveredError as failure:
            if failure.reason == self.transport.timeout_reason:
                raise SlackError("operation_timeout", "The app did not answer in time.") from None
            raise SlackError("dispatch_failed", "The app could not be reached.") from None

    def tell(self, name: str, payload: dict[str, Any], *, retried: bool = True) -> None:
        """Delivers an event in the background, up to four times."""
        if (lost := self._faults.options(FaultName.LOST_EVENTS)) and self._strikes(lost):
            return
        for _ in range(2 if self._faults.options(FaultName.DUPLICATE_EVENTS) is not None else 1):
            self._spawn(self._deliver_event(name, payload, WAIT_BEFORE_TRY if retried else WAIT_BEFORE_TRY[:1]))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.transport.close()

    async def _deliver_event(self, name: str, payload: dict[str, Any], waits: tuple[float, ...]) -> None:
        if (delay := self._faults.options(FaultName.DELAYED_EVENTS)) is not None:
            await self._clock.sleep(delay["seconds"])
        reason = ""
        for number, wait in enumerate(waits):
            await self._clock.sleep(wait)
            try:
                await self._attempt(Kind.EVENT, name, payload, number=number, retry_reason=reason)
            except NotDeliveredError as failure:
                if failure.final:
                    return
                reason = failure.reason
            else:
                return

    async def _attempt(
        self, kind: Kind, name: str, payload: dict[str, Any], *, number: int = 0, retry_reason: str = ""
    ) -> dict[str, Any]:
        transport = self.transport
        parcel = Parcel(
            kind=kind, payload=payload, envelope_id=str(uuid.uuid4()), attempt=number, retry_reason=retry_reason
        )
        attempt = Attempt(
            kind=kind,
            name=name,
            payload=payload,
            envelope_id=parcel.envelope_id,
            number=number,
            retry_reason=retry_reason,
            sent_at=self._clock.time(),
        )
        self._record.deliveries.append(attempt)
        try:
            ack = await self._clock.within(ACK_SECONDS, self._answered(transport, parcel))
        except TimeoutError:
            attempt.failure = transport.timeout_reason
            raise NotDeliveredError(transport.timeout_reason) from None
        except NotDeliveredError as failure:
            attempt.failure = failure.reason
            raise
        attempt.acked_at, attempt.ack = self._clock.time(), ack
        return ack

    async def _answered(self, transport: Transport, parcel: Parcel) -> dict[str, Any]:
        ack = await transport.send(parcel)
        if (lost := self._faults.options(FaultName.LOST_ACKS)) and self._strikes(lost):
            await asyncio.Event().wait()  # until the time is up
        return ack

    def _strikes(self, options: dict[str, Any]) -> bool:
        return self._dice.random() < options["share"]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
