"""Command lines of engines: words and environment in, one value per option out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from lab.engine.settings import LaunchError


class Kind(StrEnum):
    TEXT = "text"
    WHOLE = "whole number"
    SIZE = "whole number, also as 8k or 1M"
    NUMBER = "number"
    TRUTH = "true or false, as a value"
    SWITCH = "bare"


@dataclass(frozen=True, slots=True)
class Flag:
    name: str
    """Without its dashes: `max-input-tokens`."""
    kind: Kind = Kind.TEXT
    default: Any = None
    choices: tuple[str, ...] = ()
    short: str = ""
    """A second spelling, without its dash."""

    @property
    def key(self) -> str:
        return self.name.replace("-", "_")


class Dialect(Protocol):
    """How a program's parser of arguments complains, and what it lets pass."""

    takes_underscores: bool
    takes_repetition: bool

    def unknown(self, word: str) -> LaunchError: ...
    def incomplete(self, flag: Flag) -> LaunchError: ...
    def repeated(self, flag: Flag) -> LaunchError: ...
    def invalid(self, flag: Flag, value: str) -> LaunchError: ...


class Parser:
    def __init__(self, flags: Iterable[Flag], dialect: Dialect) -> None:
        self._flags = list(flags)
        self._dialect = dialect
        self._by_word = {f"--{flag.name}": flag for flag in self._flags}
        self._by_word |= {f"-{flag.short}": flag for flag in self._flags if flag.short}

    def values(self, arguments: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
        """One value per option, by `Flag.key`; an argument wins over the variable of its name. Raises LaunchError."""
        given = self._given(arguments)
        values: dict[str, Any] = {}
        for flag in self._flags:
            raw = given.get(flag.name, environment.get(flag.key.upper()))
            values[flag.key] = flag.default if raw is None else self._value(flag, raw)
        return values

    def _given(self, arguments: Sequence[str]) -> dict[str, str]:
        given: dict[str, str] = {}
        words = iter(arguments)
        for word in words:
            name, equals, value = word.partition("=")
            if self._dialect.takes_underscores and name.startswith("--"):
                name = name.replace("_", "-")
            flag = self._by_word.get(name)
            if flag is None or (equals and flag.kind is Kind.SWITCH):
                raise self._dialect.unknown(word)
            if flag.name in given and not self._dialect.takes_repetition:
                raise self._dialect.repeated(flag)
            if flag.kind is Kind.SWITCH:
                value = "true"
            elif not equals:
                following = next(words, None)
                if following is None or following.startswith("--"):
                    raise self._dialect.incomplete(flag)
                value = following
            given[flag.name] = value
        return given

    def _value(self, flag: Flag, raw: str) -> Any:
        if flag.choices and raw not in flag.choices:
            raise self._dialect.invalid(flag, raw)
        try:
            match flag.kind:
                case Kind.TEXT:
                    return raw
                case Kind.WHOLE:
                    return int(raw) if raw.isdecimal() else int("")
                case Kind.SIZE:
                    return _size(raw)
                case Kind.NUMBER:
                    return float(raw)
                case Kind.TRUTH | Kind.SWITCH:
                    return {"true": True, "false": False}[raw.lower()]
        except (ValueError, KeyError):
            raise self._dialect.invalid(flag, raw) from None


def _size(raw: str) -> int:
    """`8192`, `8k` (thousands) or `8K` (1024s)."""
    factors = {"k": 1000, "m": 1000**2, "K": 1024, "M": 1024**2}
    factor = factors.get(raw[-1:], 1)
    return int(float(raw[:-1]) * factor) if factor > 1 else int(raw)
