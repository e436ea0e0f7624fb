"""The part that makes tokens, the same in every engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from lab.clock import LabClock
from lab.engine.faults import FaultName
from lab.engine.launch import Launch
from lab.engine.meter import Meter, Run
from lab.engine.slots import OverloadedError, Slots
from lab.engine.tokens import Step, count, steps
from lab.faults import Faults


class GenerationFailedError(Exception):
    """The model failed."""


class ConnectionCutError(Exception):
    """The connection shall break now."""


@dataclass(frozen=True, slots=True)
class Said:
    role: str
    text: str


@dataclass(slots=True, kw_only=True)
class EngineRequest:
    """What a request held."""

    method: str
    path: str
    has_key: bool
    """Whether it carried an Authorization header."""
    body: Any = None
    """The JSON; None if there was none that could be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    messages: Sequence[Said]
    prompt_tokens: int
    most: int
    """Tokens to generate at most."""
    stop: list[str] = field(default_factory=list[str])


def echo(messages: Sequence[Said]) -> str:
    """The answer of the lab's models: it shows what arrived."""
    asked = next((said.text for said in reversed(messages) if said.role == "user"), "")
    number = "1 message" if len(messages) == 1 else f"{len(messages)} messages"
    system = " One of them tells me how to behave." if any(said.role == "system" for said in messages) else ""
    return f"Happy to help! You wrote: “{asked}” I received {number} with this request.{system}"


def templated(messages: Sequence[Said]) -> str:
    """The prompt that the chat template makes of them."""
    return "".join(f"<|{said.role}|>\n{said.text}\n" for said in messages) + "<|assistant|>\n"


def chat_tokens(messages: Sequence[Said]) -> int:
    return count(templated(messages))


class Runtime:
    def __init__(
        self, launch: Launch, *, clock: LabClock, faults: Faults, slots: Slots, meter: Meter, tokens_per_second: float
    ) -> None:
        self.launch = launch
        self.clock = clock
        self.faults = faults
        self.slots = slots
        self.meter = meter
        self.tokens_per_second = tokens_per_second
        self.answer: Callable[[Sequence[Said]], str] = echo
        self.requests: list[EngineRequest] = []
        self.dropped = 0
        """Requests whose client went away before the end."""

    @asynccontextmanager
    async def generation(self, job: Job) -> AsyncIterator[tuple[Run, AsyncIterator[Step]]]:
        """Its steps at their pace. Leaving early frees the slot. Raises OverloadedError; its steps raise
        GenerationFailedError and ConnectionCutError."""
        run = Run(asked_at=self.clock.time(), prompt_tokens=job.prompt_tokens, most=job.most)
        self.meter.requested()
        try:
            is_full = self.faults.options(FaultName.OVERLOADED) is not None
            with self.slots.admission(most=0 if is_full else self.launch.settings.max_admitted):
                async with aclosing(self._steps(job, run)) as made:
                    yield run, made
        except OverloadedError:
            self.meter.failed("overloaded")
            raise
        except GenerationFailedError:
            self.meter.failed("generation")
            raise
        except (asyncio.CancelledError, ConnectionError):
            self.dropped += 1
            self.meter.failed("dropped")
            raise
        self.meter.succeeded(run)

    async def _steps(self, job: Job, run: Run) -> AsyncGenerator[Step]:
        async with self.slots.turn():
            run.started_at = self.clock.time()
            made = steps(self._text(job), most=job.most, stop=job.stop, end=self._end_token())
            for number, step in enumerate(made):
                await self._strike(number)
                due = run.started_at + (number + 1) / self.tokens_per_second
                await self.clock.sleep(due - self.clock.time())
                run.first_token_at = run.first_token_at or self.clock.time()
                run.ended_at, run.generated, run.finish = self.clock.time(), number + 1, step.finish
                yield step

    def _text(self, job: Job) -> str:
        text = self.answer(job.messages)
        if self.faults.options(FaultName.SPLIT_UTF8) is not None:
            text = f"Žluťoučký kůň 語 🦙 {text}"
        if self.faults.options(FaultName.LINE_SEPARATOR) is not None:
            text = f"One line\u2028another line. {text}"
        return text

    async def _strike(self, number: int) -> None:
        """What goes wrong before the token of this number, counted from 0."""
        for name, error in (
            (FaultName.ERROR_FRAME, GenerationFailedError),
            (FaultName.CUT_STREAM, ConnectionCutError),
        ):
            options = self.faults.options(name)
            if options is not None and number >= options["after"]:
                raise error
        options = self.faults.options(FaultName.STALL)
        if options is not None and number == options["after"]:
            await self.clock.sleep(options["seconds"])

    def _end_token(self) -> str:
        kind = (self.launch.settings.model.config or {}).get("model_type", "")
        if kind.startswith("qwen"):
            return "<|im_end|>"
        large = self.launch.settings.model.text_config.get("vocab_size", 0) > 100_000
        return "<|eot_id|>" if kind == "llama" and large else "</s>"
