"""What the lab's models say: they echo, and know two other tricks, so that a person can ask for a long answer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lab.engine.long_answer import long_answer

LONG = re.compile(r"\blong answer\b", re.IGNORECASE)
COUNT = re.compile(r"\bcount to (\d{1,5})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    role: str
    text: str


def echo(messages: Sequence[Said]) -> str:
    """Shows what arrived. Where the last message of a user asks for a "long answer" it is one of about 30,000
    characters, to "count to 500" it counts."""
    asked = next((said.text for said in reversed(messages) if said.role == "user"), "")
    if LONG.search(asked):
        return long_answer()
    if count := COUNT.search(asked):
        return " ".join(str(number) for number in range(1, int(count[1]) + 1))
    number = "1 message" if len(messages) == 1 else f"{len(messages)} messages"
    system = " One of them tells me how to behave." if any(said.role == "system" for said in messages) else ""
    return f"Happy to help! You wrote: “{asked}” I received {number} with this request.{system}"
