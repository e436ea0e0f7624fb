"""What is filled in about redaction. Every value is data from outside and is checked."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.forms import number_of
from bot.ids import Input
from bot.views.redaction import ALLOW, INHERITED, REMOVE
from bot.views.warning import TERM_LENGTH, VALUES_SHOWN
from core.errors import InvalidInputError, NotFoundError
from core.redaction.model import Disposition, EntityType

_CHANNEL_ID = re.compile(r"[CGD][A-Z0-9]{1,30}", re.ASCII)

View = Mapping[str, Any]


def dispositions_of(view: View) -> dict[EntityType, Disposition]:
    """What is chosen for each type; without those that are as elsewhere. Raises InvalidInputError."""
    chosen: dict[EntityType, Disposition] = {}
    for kind, element in _each(view, Input.DISPOSITION):
        option = element.get("selected_option")
        value = option.get("value") if isinstance(option, Mapping) else None
        disposition = next((one for one in Disposition if one == value), None)
        if disposition is not None:
            chosen[kind] = disposition
        elif value != INHERITED:
            raise InvalidInputError("Please choose one.", field=Input.DISPOSITION)
    return chosen


def changed_in(view: View) -> tuple[dict[EntityType, Disposition], int | None]:
    """What was chosen otherwise than it was shown, so that what another ADMIN changed meanwhile stays; and so the days
    after which threads are forgotten. Raises InvalidInputError."""
    shown = {block["block_id"]: block["element"] for block in view.get("blocks") or () if block["type"] == "input"}
    chosen = {
        kind: one
        for kind, one in dispositions_of(view).items()
        if shown[f"{Input.DISPOSITION}:{kind}"]["initial_option"]["value"] != one
    }
    days = number_of(view, Input.RETENTION_DAYS)
    if days is None:
        raise InvalidInputError("Enter a whole number of days.", field=Input.RETENTION_DAYS)
    return chosen, None if shown[Input.RETENTION_DAYS]["initial_value"] == str(days) else days


def proposed_in(view: View) -> Sequence[tuple[EntityType, str]]:
    """The ticked values, with the type that they were found as. Raises InvalidInputError."""
    proposed: list[tuple[EntityType, str]] = []
    for kind, element in _each(view, Input.TERMS):
        for option in (element.get("selected_options") or ())[:VALUES_SHOWN]:
            value = option.get("value") if isinstance(option, Mapping) else None
            named, _, term = str(value).partition("|")
            if named != kind or not term.strip() or len(term) > TERM_LENGTH or not term.isprintable():
                raise InvalidInputError("Please choose again.", field=Input.TERMS)
            proposed.append((kind, term))
    if not proposed:
        raise InvalidInputError("Please choose at least one.", field=Input.TERMS)
    return proposed


def listed_as(value: str) -> EntityType | None:
    """What terms are replaced as; None: they are allowed. Raises InvalidInputError. `REMOVE` is for the caller."""
    assert value != REMOVE, "that lists nothing"
    if value == ALLOW:
        return None
    return _type_in(value, Input.LISTED_AS)


def files_of(view: View) -> Sequence[Mapping[str, Any]]:
    """As Slack describes them."""
    values: Mapping[str, Any] = (view.get("state") or {}).get("values") or {}
    found = [
        element.get("files") or []
        for block_id, elements in values.items()
        if block_id.partition(":")[0] == Input.FILE
        for element in elements.values()
    ]
    return [file for files in found for file in files if isinstance(file, Mapping)]


def channel_in(text: object) -> str:
    """Where a modal was opened, from its metadata. Raises NotFoundError for what is no channel."""
    if not isinstance(text, str) or _CHANNEL_ID.fullmatch(text) is None:
        raise NotFoundError("This channel does not exist any more. Nothing was changed.")
    return text


def _each(view: View, name: Input) -> list[tuple[EntityType, Mapping[str, Any]]]:
    """The inputs of this name, of which there is one a type: `<name>:<type>`."""
    values: Mapping[str, Any] = (view.get("state") or {}).get("values") or {}
    return [
        (_type_in(kind, name), element)
        for block_id, elements in values.items()
        for named, _, kind in [block_id.partition(":")]
        if named == name
        for element in elements.values()
    ]


def _type_in(text: str, name: Input) -> EntityType:
    kind = next((one for one in EntityType if one == text), None)
    if kind is None:
        raise InvalidInputError("Please choose one.", field=name)
    return kind
