"""What engines log, and where it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """In the order of their weight."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """A row of fluent-bit's table."""

    at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """What a row says, fit to be shown: short, without control characters and without what looks like a key."""

    at: datetime
    level: Level
    text: str
    """May hold line breaks: a traceback is one entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """Where a machine sends its engine's log, and as whom."""

    host: str
    port: int
    database: str
    ssl_mode: str
    """libpq's: `prefer`, `require`, ..."""
    role: str
    """The role's name is also the tag of its rows, and the only tag that it may write."""
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """The newest lines of a server, oldest of them first, or why there are none."""

    lines: Sequence[LogLine]
    problem: str
    """One sentence; empty when the log database answered."""
