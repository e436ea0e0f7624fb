"""The words in which `block_kit.py` writes Slack's rules down: what a value may look like, and what is wrong with it.

A check looks at one value and yields an error for each fault. It never raises and never changes the value, whatever
JSON the value is. The sentences are Slack's own where they are known.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class BlockError:
    """`pointer` is a JSON pointer from the arguments of the call, such as `/blocks/0/text`."""

    pointer: str
    message: str
    code: str = "invalid_blocks"


Check = Callable[[object, str], Iterator[BlockError]]
"""The value and where it stands."""

Rule = Callable[[Json, str], Iterator[BlockError]]
"""A check of fields against each other, made only where each is right by itself."""


# --- single values -------------------------------------------------------------------------------


def string(most: int, *, least: int = 1) -> Check:
    def check(value: object, at: str) -> Iterator[BlockError]:
        if not isinstance(value, str):
            yield BlockError(at, "must provide a string")
        elif len(value) < least:
            yield BlockError(at, f"must be more than {least - 1} characters")
        elif len(value) > most:
            yield BlockError(at, f"must be less than {most + 1} characters")

    return check


def matching(pattern: str, says: str, *, most: int = 3000) -> Check:
    expression = re.compile(pattern)
    length = string(most)

    def check(value: object, at: str) -> Iterator[BlockError]:
        yield from length(value, at)
        if isinstance(value, str) and not expression.fullmatch(value):
            yield BlockError(at, says)

    return check


def integer(least: int, most: int) -> Check:
    def check(value: object, at: str) -> Iterator[BlockError]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield BlockError(at, "must provide an integer")
        elif value < least:
            yield BlockError(at, f"must be at least {least}")
        elif value > most:
            yield BlockError(at, f"must be at most {most}")

    return check


def number(value: object, at: str) -> Iterator[BlockError]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield BlockError(at, "must provide a number")


def flag(value: object, at: str) -> Iterator[BlockError]:
    if not isinstance(value, bool):
        yield BlockError(at, "must provide a boolean")


def one_of(*words: str) -> Check:
    def check(value: object, at: str) -> Iterator[BlockError]:
        if not isinstance(value, str) or value not in words:
            yield BlockError(at, f"must be a valid enum value: {', '.join(words)}")

    return check


# --- values made of values -----------------------------------------------------------------------


def array(item: Check, *, most: int, least: int = 1) -> Check:
    def check(value: object, at: str) -> Iterator[BlockError]:
        if not isinstance(value, list):
            yield BlockError(at, "must provide an array")
            return
        if len(value) < least:
            yield BlockError(at, f"no fewer than {least} items allowed")
        if len(value) > most:
            yield BlockError(at, f"no more than {most} items allowed")
        for index, entry in enumerate(value[:most]):
            yield from item(entry, f"{at}/{index}")

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *rules: Rule) -> Check:
    """An object of these fields and no others, which keeps to the rules between them."""
    fields = {**required, **(optional or {})}

    def check(value: object, at: str) -> Iterator[BlockError]:
        if not isinstance(value, dict):
            yield BlockError(at, "must provide an object")
            return
        errors = [BlockError(at, f"missing required field: {name}") for name in required if name not in value]
        for name, entry in value.items():
            if name in fields:
                errors += fields[name](entry, f"{at}/{name}")
            else:
                errors.append(BlockError(at, f"invalid additional property: {name}"))
        yield from errors
        if not errors:
            for rule in rules:
                yield from rule(value, at)

    return check


def kinds(checks: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of the checks holds for its other fields."""

    def check(value: object, at: str) -> Iterator[BlockError]:
        if not isinstance(value, dict):
            yield BlockError(at, "must provide an object")
        elif "type" not in value:
            yield BlockError(at, "missing required field: type")
        elif not isinstance(value["type"], str) or value["type"] not in checks:
            yield BlockError(f"{at}/type", f"unsupported type: {value['type']}")
        else:
            yield from checks[value["type"]]({name: entry for name, entry in value.items() if name != "type"}, at)

    return check


def either(first: Check, second: Check) -> Check:
    """What the second says counts, unless the first has nothing to say."""

    def check(value: object, at: str) -> Iterator[BlockError]:
        if any(first(value, at)):
            yield from second(value, at)

    return check


def nothing(value: object, at: str) -> Iterator[BlockError]:
    if value is not None:
        yield BlockError(at, "must be null")


# --- rules between fields ------------------------------------------------------------------------


def some_of(*names: str) -> Rule:
    def rule(value: Json, at: str) -> Iterator[BlockError]:
        if not any(name in value for name in names):
            yield BlockError(at, f"must provide at least one of: {', '.join(names)}")

    return rule


def exactly_one_of(*names: str) -> Rule:
    def rule(value: Json, at: str) -> Iterator[BlockError]:
        if sum(name in value for name in names) != 1:
            yield BlockError(at, f"must provide exactly one of: {', '.join(names)}")

    return rule


def in_order(*names: str) -> Rule:
    """Those of the fields that are given rise; they are numbers, or strings that hold one."""

    def rule(value: Json, at: str) -> Iterator[BlockError]:
        given = [name for name in names if name in value]
        for low, high in itertools.pairwise(given):
            if Decimal(value[low]) > Decimal(value[high]):
                yield BlockError(f"{at}/{low}", f"{low} must not be greater than {high}")

    return rule
