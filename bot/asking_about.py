"""A message that somebody asks a model about, carried through the form that asks what."""

import re
from collections.abc import Mapping
from typing import Any

from bot.views.asking import ABOUT
from core.errors import NotFoundError

_PLACE = re.compile(r"(?P<channel>[CDG][A-Z0-9]{1,30})\|(?P<thread_ts>\d{1,12}\.\d{1,9})", re.ASCII)


def place_in(text: object) -> tuple[str, str]:
    """The channel, and the ts of what the thread hangs on, from the form's metadata. Raises NotFoundError."""
    found = _PLACE.fullmatch(str(text))
    if found is None:
        raise NotFoundError("This form belongs to something that does not exist any more; nothing was asked.")
    return found["channel"], found["thread_ts"]


def about_of(view: Mapping[str, Any]) -> str:
    """The message, which the form shows."""
    shown = [block for block in view.get("blocks") or [] if str(block.get("block_id", "")).startswith(f"{ABOUT}:")]
    return "".join(str((block.get("text") or {}).get("text", "")) for block in shown)
