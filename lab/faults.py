"""Faults that people and tests switch on by name. Each part of the lab has its own; a page can show those of all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

Options = dict[str, Any]


class UnknownFaultError(ValueError):
    """There is no such fault, or it has no such option."""


@dataclass(slots=True, kw_only=True)
class Fault:
    name: str
    description: str
    """One sentence for people."""
    options: Options = field(default_factory=dict)
    """What it takes, with the values it has now."""
    act: Callable[[Options], None] | None = None
    """Given for a fault of one moment, which is off again at once; None for one that lasts until it is switched off."""
    on: bool = False


class Faults:
    """Parts that `add` the faults of another part share them: who switches one switches it for both."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called after each switch."""
        self._changed = changed
        self._faults: dict[str, Fault] = {}

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._faults.values())

    def add(self, *faults: Fault) -> None:
        self._faults |= {fault.name: fault for fault in faults}

    def switch(self, name: str, *, on: bool = True, **options: Any) -> None:
        """Raises UnknownFaultError for a name or an option that does not exist."""
        fault = self._faults.get(name)
        if fault is None or not options.keys() <= fault.options.keys():
            raise UnknownFaultError("There is no such fault, or it has no such option.")
        fault.options |= options
        if fault.act is None:
            fault.on = on
        elif on:
            fault.act(fault.options)
        self._changed()

    def options(self, name: str) -> Options | None:
        """The options of a fault that is on; None while it is off."""
        fault = self._faults[name]
        return fault.options if fault.on else None

    def listing(self) -> list[dict[str, Any]]:
        return [{"name": fault.name, "description": fault.description, "on": fault.on} for fault in self]
