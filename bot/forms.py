"""What a submitted modal holds (`view.state.values`), by input. Every value is data from outside and is checked."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.grammar import parse_role
from bot.ids import Input
from bot.views.access import NO_END
from core.access.model import Role
from core.durations import parse_duration
from core.errors import InvalidInputError, NotFoundError

View = Mapping[str, Any]


def text_of(view: View, name: Input) -> str:
    return str(_element(view, name).get("value") or "")


def choice_of(view: View, name: Input) -> str:
    """Raises InvalidInputError if nothing was chosen."""
    option: Mapping[str, Any] = _element(view, name).get("selected_option") or {}
    value = option.get("value")
    if not isinstance(value, str):
        raise InvalidInputError("Please choose one.", field=name)
    return value


def role_of(view: View) -> Role:
    return parse_role(choice_of(view, Input.ROLE))


def duration_of(view: View) -> timedelta | None:
    """None: without an end date."""
    value = choice_of(view, Input.DURATION)
    return None if value == NO_END else parse_duration(value)


def is_ticked(view: View, name: Input) -> bool:
    return bool(_element(view, name).get("selected_options"))


def number_in(text: object) -> int:
    """An id from a button's value or a modal's metadata. Raises NotFoundError for what is none."""
    digits = str(text)
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise NotFoundError("This button belongs to something that does not exist any more; nothing was changed.")
    return int(digits)


def _element(view: View, name: Input) -> Mapping[str, Any]:
    values: Mapping[str, Any] = (view.get("state") or {}).get("values") or {}
    return (values.get(name) or {}).get(name) or {}
