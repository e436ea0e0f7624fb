"""Payloads that are not what they should be."""

import random
from copy import deepcopy
from typing import Any

DEEP: Any = []
for _ in range(100):
    DEEP = [DEEP]

JUNK: list[Any] = [
    *(None, True, 0, -1, 1e308, float("inf"), 10**40),
    *("", "x" * 5000, "\x00", "a\x00b", "\ud800", "\u202e", "<!channel>", "../../x", "1|2", "9" * 30, "{}"),
    *([], {}, [None], ["x"], {"id": None}, {"id": "U1"}, {"text": "x"}, {"value": 1}, DEEP),
]  # fmt: skip
"""In place of anything."""

Path = tuple[str | int, ...]


def mangled(payload: Any, chance: random.Random) -> Any:
    """A copy of which up to three things were taken or replaced."""
    payload = deepcopy(payload)
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        *way, last = chance.choice(paths(payload)[1:] or [("gone",)])
        place: Any = payload
        for step in way:
            place = place[step]
        if isinstance(place, dict) and chance.random() < 0.4:
            place.pop(last, None)
        else:
            place[last] = deepcopy(chance.choice(JUNK))
    return payload


def paths(value: Any, way: Path = ()) -> list[Path]:
    """Of everything in it, itself first."""
    found = [way]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        found += paths(one, (*way, step))
    return found
