"""What a submitted modal holds (`view.state.values`), by input. Every value is data from outside and is checked."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.grammar import is_user_id, parse_role
from bot.ids import Input
from bot.views.access import NO_END
from core.access.model import Role
from core.durations import parse_duration
from core.errors import InvalidInputError, NotFoundError

View = Mapping[str, Any]

_USD = re.compile(r"\$?\s*(?P<usd>\d{1,6}(\.\d{1,4})?)", re.ASCII)
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{1,30}", re.ASCII)


def text_of(view: View, name: Input) -> str:
    """Raises InvalidInputError for what Postgres cannot keep."""
    value = _element(view, name).get("value")
    if not isinstance(value, str):
        return ""
    if "\x00" in value:
        raise InvalidInputError("That holds a character that cannot be kept. Please type it anew.", field=name)
    return value


def choice_of(view: View, name: Input) -> str:
    """Raises InvalidInputError if nothing was chosen."""
    value = optional_choice_of(view, name)
    if value is None:
        raise InvalidInputError("Please choose one.", field=name)
    return value


def optional_choice_of(view: View, name: Input) -> str | None:
    option = _element(view, name).get("selected_option")
    value = option.get("value") if isinstance(option, Mapping) else None
    return value if isinstance(value, str) else None


def number_of(view: View, name: str) -> int | None:
    """None if it was left empty. Raises InvalidInputError for what is no whole number."""
    text = str(_element(view, name).get("value") or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InvalidInputError("Enter a whole number.", field=name)
    return int(text)


def usd_of(view: View, name: Input, *, example: str) -> Decimal | None:
    """US dollars; None if it was left empty. Raises InvalidInputError."""
    text = text_of(view, name).strip()
    if not text:
        return None
    match = _USD.fullmatch(text)
    if match is None:
        raise InvalidInputError(f"Give US dollars, such as {example}.", field=name)
    return Decimal(match["usd"])


def person_of(view: View, name: Input) -> str | None:
    """A user id; None if nobody was chosen. Raises InvalidInputError for what is none."""
    user = _element(view, name).get("selected_user")
    if user is None:
        return None
    if not isinstance(user, str) or not is_user_id(user):
        raise InvalidInputError("Please choose a person.", field=name)
    return user


def channel_of(view: View, name: Input) -> str | None:
    """A channel's id; None if none was chosen. Raises InvalidInputError for what is none."""
    channel = _element(view, name).get("selected_conversation")
    if channel is None:
        return None
    if not isinstance(channel, str) or _CHANNEL_ID.fullmatch(channel) is None:
        raise InvalidInputError("Please choose a channel.", field=name)
    return channel


def moment_of(view: View, name: Input) -> datetime | None:
    """None if it was left empty. Raises InvalidInputError for what is no time."""
    seconds = _element(view, name).get("selected_date_time")
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise InvalidInputError("Please choose a time.", field=name) from error


def role_of(view: View) -> Role:
    return parse_role(choice_of(view, Input.ROLE))


def duration_of(view: View) -> timedelta | None:
    """None: without an end date."""
    value = choice_of(view, Input.DURATION)
    return None if value == NO_END else parse_duration(value)


def is_changed(view: View, name: Input) -> bool:
    """Whether it was entered otherwise than it was shown: what another ADMIN changed meanwhile is to stay."""
    blocks = [block for block in view.get("blocks") or () if input_of(str(block.get("block_id"))) == name]
    shown: Mapping[str, Any] = blocks[0].get("element") or {} if blocks else {}
    given = _element(view, name)
    was_typed = (given.get("value") or "") != (shown.get("initial_value") or "")
    return was_typed or given.get("selected_conversation") != shown.get("initial_conversation")


def is_ticked(view: View, name: Input) -> bool:
    return bool(_element(view, name).get("selected_options"))


def number_in(text: object) -> int:
    """An id from a button's value or a modal's metadata. Raises NotFoundError for what is none."""
    digits = str(text)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise NotFoundError("This button belongs to something that does not exist any more; nothing was changed.")
    return int(digits)


def machine_in(text: object) -> tuple[str, str]:
    """Provider and machine id, as number_in. Whether there is such a machine is looked up."""
    provider, bar, machine_id = str(text).partition("|")
    if not bar or not f"{provider}{machine_id}".isprintable() or len(machine_id) > 100:
        raise NotFoundError("This button belongs to something that does not exist any more; nothing was changed.")
    return provider, machine_id


def input_of(block_id: str) -> str:
    """The input's name. A block whose options change gets another id, by which Slack forgets the old choice: the name
    with something behind a colon."""
    return block_id.partition(":")[0]


def _element(view: View, name: str) -> Mapping[str, Any]:
    values: Mapping[str, Any] = (view.get("state") or {}).get("values") or {}
    elements = next((elements for block_id, elements in values.items() if input_of(block_id) == name), None)
    return next(iter((elements or {}).values()), None) or {}
