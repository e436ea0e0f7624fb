"""The table of routes, and what a handler is given."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from lab.paperspace.cloud import Cloud
from lab.paperspace.errors import CloudError, invalid, not_found
from lab.paperspace.model import Team
from lab.paperspace.power import Power

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Call:
    """One call by a team. What came by path, query and body is one set of inputs; unknown ones are never looked at."""

    cloud: Cloud
    power: Power
    team: Team
    path: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]

    @property
    def id(self) -> str:
        return self.path["id"]

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid(f"{name}: Required")
        return value

    def text(self, name: str) -> str | None:
        value = self._value(name)
        if value is not None and not isinstance(value, str):
            raise invalid(f"{name}: Expected string")
        return value

    def number(self, name: str) -> float | None:
        """Only a query may hold it as text."""
        value = self._value(name)
        if name in self.query and name not in self.body:
            try:
                return float(self.query[name])
            except ValueError:
                raise invalid(f"{name}: Expected number, received nan") from None
        if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
            raise invalid(f"{name}: Expected number")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._value(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise invalid(f"{name}: Expected boolean")
        return value

    def word(self, name: str, words: type[Word], *, default: Word) -> Word:
        value = self.text(name)
        if value is None:
            return default
        try:
            return words(value)
        except ValueError:
            raise invalid(f"{name}: Invalid enum value") from None

    def _value(self, name: str) -> Any:
        return self.body.get(name, self.query.get(name))


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    method: str
    path: re.Pattern[str]
    handler: Handler


ROUTES: list[Route] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Registers a handler, which gives the JSON of a 200 or raises CloudError. `{name}` in the path is an input."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method=method, path=pattern, handler=handler))
        return handler

    return register


def find(method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """A trailing slash changes nothing. Raises CloudError."""
    matches = [(each, match) for each in ROUTES if (match := each.path.fullmatch(path.rstrip("/")))]
    if not matches:
        raise not_found("Route")
    for each, match in matches:
        if each.method == method:
            return each.handler, match.groupdict()
    raise CloudError("METHOD_NOT_SUPPORTED", "Method not supported")
