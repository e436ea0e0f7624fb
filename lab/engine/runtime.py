"""The part that makes tokens, the same in every engine."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.clock import LabClock
from lab.engine.answers import Said, echo
from lab.engine.faults import FaultName
from lab.engine.launch import Launch
from lab.engine.meter import Meter, Run
from lab.engine.slots import OverloadedError, Slots
from lab.engine.tokens import Step, count, steps
from lab.faults import Faults


class GenerationFailedError(Exception):
    """The model failed."""


class PromptRefusedError(Exception):
    """The model does not take this prompt: only one that is elsewhere says so as late as this."""


class ConnectionCutError(Exception):
    """The connection shall break now."""


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
    is_chat: bool = True
    """Else the one message is a text to be gone on with."""
    goes_on: bool = False
    """The last message of the chat is the beginning of the answer."""
    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What else was asked for, in OpenAI's and vLLM's words. The lab's own models have no use for it."""


class Model(Protocol):
    """A model that is elsewhere."""

    def answering(self, job: Job, run: Run) -> AbstractAsyncContextManager[AsyncIterator[Step]]:
        """Steps as they come; `run` learns what the model counted. Raises PromptRefusedError, OverloadedError,
        GenerationFailedError, ConnectionCutError."""
        ...


def templated(messages: Sequence[Said], *, goes_on: bool = False) -> str:
    """The prompt that the chat template makes of them."""
    text = "".join(f"<|{said.role}|>\n{said.text}\n" for said in messages)
    return text.removesuffix("\n") if goes_on else f"{text}<|assistant|>\n"


def chat_tokens(messages: Sequence[Said], *, goes_on: bool = False) -> int:
    return count(templated(messages, goes_on=goes_on))


class Runtime:
    def __init__(
        self,
        launch: Launch,
        *,
        clock: LabClock,
        faults: Faults,
        slots: Slots,
        meter: Meter,
        tokens_per_second: float,
        model: Model | None,
    ) -> None:
        """`model` answers in place of the lab's own."""
        self.launch = launch
        self.clock = clock
        self.faults = faults
        self.slots = slots
        self.meter = meter
        self.tokens_per_second = tokens_per_second
        self.model = model
        self.answer: Callable[[Sequence[Said]], str] = echo
        self.requests: list[EngineRequest] = []
        self.dropped = 0
        """Requests whose client went away before the end."""

    @asynccontextmanager
    async def generation(self, job: Job) -> AsyncIterator[tuple[Run, AsyncIterator[Step]]]:
        """Its steps at their pace. Leaving early frees the slot. Raises OverloadedError; its steps raise
        GenerationFailedError and ConnectionCutError. Where the model is elsewhere both may raise all of them, and
        PromptRefusedError."""
        run = Run(asked_at=self.clock.time(), prompt_tokens=job.prompt_tokens, most=job.most)
        self.meter.requested()
        try:
            is_full = self.faults.options(FaultName.OVERLOADED) is not None
            with self.slots.admission(most=0 if is_full else self.launch.settings.max_admitted):
                async with self._answering(job, run) as made, aclosing(self._steps(made, run)) as steps:
                    yield run, steps
        except OverloadedError:
            self.meter.failed("overloaded")
            raise
        except PromptRefusedError:
            self.meter.failed("validation")
            raise
        except GenerationFailedError:
            self.meter.failed("generation")
            raise
        except (asyncio.CancelledError, ConnectionError):
            self.dropped += 1
            self.meter.failed("dropped")
            raise
        self.meter.succeeded(run)

    def _answering(self, job: Job, run: Run) -> AbstractAsyncContextManager[AsyncIterator[Step]]:
        return self.model.answering(job, run) if self.model else aclosing(self._own(job, run))

    async def _steps(self, made: AsyncIterator[Step], run: Run) -> AsyncGenerator[Step]:
        async with self.slots.turn():
            run.started_at = self.clock.time()
            number = 0
            async for step in made:
                await self._strike(number)
                number += 1
                run.first_token_at = run.first_token_at or self.clock.time()
                run.ended_at, run.finish = self.clock.time(), step.finish
                run.generated += 1
                yield step

    async def _own(self, job: Job, run: Run) -> AsyncGenerator[Step]:
        """Of the lab's own model, each when it is due."""
        for number, step in enumerate(steps(self._text(job), most=job.most, stop=job.stop, end=self._end_token())):
            assert run.started_at is not None
            due = run.started_at + (number + 1) / self.tokens_per_second
            await self.clock.sleep(due - self.clock.time())
            yield step

    def _text(self, job: Job) -> str:
        if job.goes_on:
            *messages, begun = job.messages
            text = self.answer(messages).removeprefix(begun.text)
        else:
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
