"""One process that looks for personal data, as Prime sees it. Nothing that it says is believed unchecked."""

import asyncio
import json
import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Self, cast

from core.cancellation import to_its_end
from core.errors import ConfigurationError
from core.redaction.detector_process import frame
from core.redaction.model import EntityType, Finding

MOST_FRAME = 64 * 1024 * 1024


class DetectorChild:
    """Whatever it raises, it is of no use any more: `end` it."""

    def __init__(
        self, process: subprocess.Popen[bytes], source: asyncio.StreamReader, sink: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._source = source
        self._sink = sink
        self.reading = asyncio.create_task(_read(source))
        """Of what it says next. Done while nothing was asked: it has ended, or speaks out of turn."""
        self.is_spent = False
        """It has done enough, and ends by itself."""
        self._asked = 0

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Raises OSError."""
        # A socket pair and Popen, not asyncio's own: that reaps a child twice when it is killed as it dies.
        here, there = socket.socketpair()
        with there:
            source, sink = await asyncio.open_connection(sock=here)
            try:
                process = subprocess.Popen(  # noqa: ASYNC220, S603 back in milliseconds; the command is Prime's own
                    command,
                    stdin=there.fileno(),
                    stdout=there.fileno(),
                    stderr=subprocess.DEVNULL,  # a library's stack trace may hold the text
                    env=dict(environment),
                    start_new_session=True,  # a Ctrl-C is for Prime, which ends it
                )
            except OSError:
                sink.close()
                raise
        return cls(process, source, sink)

    async def load(self) -> None:
        """Raises ConfigurationError if it can never work as it is set up."""
        told = await self._heard()
        if told.get("ready") is not True:
            raise ConfigurationError(str(told.get("problem")))

    async def ask(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        """One call at a time; without texts it is a sign of life."""
        self._asked += 1
        self._sink.write(frame({"asked": self._asked, "texts": list(texts)}))
        await self._sink.drain()
        told = await self._heard()
        if told.get("asked") != self._asked:
            raise ValueError("an answer to something else")
        self.is_spent = told.get("last") is True
        return _checked(told.get("found"), texts)

    async def end(self) -> int:
        """How it ended: its exit code, or a signal's number below zero."""
        self.reading.cancel()
        await asyncio.gather(self.reading, return_exceptions=True)
        self._sink.close()
        self._process.kill()
        return await to_its_end(asyncio.to_thread(self._process.wait))

    async def _heard(self) -> dict[str, Any]:
        told = await self.reading
        self.reading = asyncio.create_task(_read(self._source))
        return told


async def _read(source: asyncio.StreamReader) -> dict[str, Any]:
    """Raises EOFError, OSError, and ValueError for what is no frame."""
    (length,) = struct.unpack(">I", await source.readexactly(4))
    if length > MOST_FRAME:
        raise ValueError("a frame that is too long")
    told = json.loads(await source.readexactly(length))
    if not isinstance(told, dict):
        raise ValueError("not a frame of a detector")  # noqa: TRY004 garbage from outside, as above
    return cast("dict[str, Any]", told)


def _checked(found: Any, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
    """Raises ValueError or TypeError for anything but findings inside these texts."""
    return [[_finding(one, text) for one in some] for some, text in zip(found, texts, strict=True)]


def _finding(told: Any, text: str) -> Finding:
    start, end, kind, score = told
    if not (type(start) is int and type(end) is int and 0 <= start < end <= len(text) and 0 <= score <= 1):
        raise ValueError("a finding outside the text")
    return Finding(start=start, end=end, type=EntityType(kind), score=float(score))
