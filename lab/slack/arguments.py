"""The arguments of a Web API call, the same whether they came in a query, a form or a JSON body."""

import json
from collections.abc import Mapping
from typing import Any

from lab.slack.errors import SlackError, invalid_arguments

_FALSE = {"", "0", "false", "False"}


class Arguments:
    """Forms know only strings: numbers, flags and structures are read from either form. Null is "not given"."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def optional_text(self, name: str) -> str | None:
        value = self.given.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int | float):
            return str(value)
        raise invalid_arguments(f"must be a string [json-pointer:/{name}]")

    def text(self, name: str) -> str:
        """Empty if not given."""
        return self.optional_text(name) or ""

    def required(self, name: str) -> str:
        if not (value := self.text(name)):
            raise invalid_arguments(f"missing required field: {name}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.given.get(name)
        return default if value is None else value is True or (value is not False and str(value) not in _FALSE)

    def number(self, name: str) -> int | None:
        value = self.text(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            raise invalid_arguments(f"must be an integer [json-pointer:/{name}]") from None

    def structure(self, name: str) -> Any:
        """A list or object, from JSON text where the call was a form. An empty text is "not given"."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(f"invalid_{name}" if name == "blocks" else "invalid_json") from None

    def names(self, name: str) -> list[str]:
        """A comma-separated list."""
        value = self.given.get(name)
        parts = value if isinstance(value, list) else self.text(name).split(",")
        return [part.strip() for part in map(str, parts) if part.strip()]
