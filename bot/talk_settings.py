"""The form for how answers are generated: drawn for a place, and read back."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bot.forms import number_in, optional_choice_of, text_of
from bot.ids import Input
from bot.views.talk_settings import INHERITED, build_settings_modal
from core.access.model import Principal
from core.errors import InvalidInputError, NotFoundError
from core.services import Services
from core.talk.model import Conversation, Mode, Settings
from core.talk.rules import may_steer, merge
from core.talk.tuning import Scope

IN_THREAD = (Scope.NEXT, Scope.THREAD, Scope.PERSON)
"""What may be chosen at an answer, the narrowest first."""

_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_PART = re.compile(r"\d{1,6}([.,]\d{1,4})?", re.ASCII)

View = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPlace:
    """Where the form was opened: at an answer of this conversation, or nowhere (None)."""

    turn_id: int | None
    conversation: Conversation | None

    @property
    def scopes(self) -> Sequence[Scope]:
        return (Scope.PERSON,) if self.conversation is None else IN_THREAD

    def id_of(self, scope: Scope) -> int | None:
        """What `Talk.settings` calls the place."""
        if self.conversation is None or scope is Scope.PERSON:
            return None
        return self.conversation.server_id if scope is Scope.SERVER else self.conversation.id


async def settings_place(services: Services, text: object) -> SettingsPlace:
    """From a button's value or a modal's metadata: a turn's id, or nothing. Raises NotFoundError."""
    if not text:
        return SettingsPlace(turn_id=None, conversation=None)
    turn, conversation = await services.talk.turn(number_in(text))
    return SettingsPlace(turn_id=turn.id, conversation=conversation)


async def draw_settings(
    services: Services, actor: Principal, place: SettingsPlace, scope: Scope, *, drawing: str = ""
) -> dict[str, Any]:
    """`drawing`: see `build_settings_modal`."""
    found = await services.tuning.settings(actor, scope, place_id=place.id_of(scope))
    wider = [one for one in (*place.scopes, Scope.SERVER) if _is_wider(one, scope)]
    layers = [
        await services.tuning.settings(actor, one, place_id=place.id_of(one))
        for one in wider
        if one is Scope.PERSON or place.id_of(one) is not None
    ]
    return build_settings_modal(
        scope,
        found,
        merge(layers),
        scopes=place.scopes,
        place="" if place.turn_id is None else str(place.turn_id),
        drawing=drawing,
        can_forget=await _can_forget(services, actor, place.conversation),
    )


def scope_of(view: View, place: SettingsPlace) -> Scope:
    """What is chosen in the form. Raises NotFoundError for what cannot be."""
    return scope_in(optional_choice_of(view, Input.SCOPE) or place.scopes[-1], place)


def scope_in(text: object, place: SettingsPlace) -> Scope:
    """Raises NotFoundError."""
    scope = next((one for one in place.scopes if one == text), None)
    if scope is None:
        raise NotFoundError("These settings do not exist here. Nothing was changed.")
    return scope


def read_settings(view: View) -> Settings:
    """What was filled in. Raises InvalidInputError with the input as its `field`."""
    max_tokens, seed = _whole(view, Input.MAX_TOKENS), _whole(view, Input.SEED)
    return Settings(
        max_tokens=max_tokens,
        temperature=_part(view, Input.TEMPERATURE),
        top_p=_part(view, Input.TOP_P),
        repetition_penalty=_part(view, Input.REPETITION_PENALTY),
        seed=seed,
        stop=_stop(view),
        mode=_mode(view),
    )


async def _can_forget(services: Services, actor: Principal, conversation: Conversation | None) -> bool:
    if conversation is None:
        return False
    server = None
    if conversation.server_id is not None:
        with suppress(NotFoundError):  # it may be deleted by now
            server = await services.servers.get(conversation.server_id)
    return may_steer(actor, conversation.starter, server)


def _is_wider(one: Scope, than: Scope) -> bool:
    order = (*IN_THREAD, Scope.SERVER)
    return order.index(one) > order.index(than)


def _whole(view: View, name: Input) -> int | None:
    text = text_of(view, name).strip()
    if not text:
        return None
    if _WHOLE.fullmatch(text) is None:
        raise InvalidInputError("Enter a whole number, such as 512.", field=name)
    return int(text)


def _part(view: View, name: Input) -> float | None:
    text = text_of(view, name).strip()
    if not text:
        return None
    if _PART.fullmatch(text) is None:
        raise InvalidInputError("Enter a number, such as 0.7.", field=name)
    return float(text.replace(",", "."))


def _stop(view: View) -> tuple[str, ...] | None:
    r"""One a line. `\n` is a line break, and `\\` a backslash."""
    lines = [line for line in text_of(view, Input.STOP).splitlines() if line]
    unescaped = (re.sub(r"\\([\\n])", lambda found: "\n" if found[1] == "n" else "\\", line) for line in lines)
    return tuple(unescaped) or None


def _mode(view: View) -> Mode | None:
    text = optional_choice_of(view, Input.MODE)
    if text is None or text == INHERITED:
        return None
    mode = next((one for one in Mode if one == text), None)
    if mode is None:
        raise InvalidInputError("Please choose one.", field=Input.MODE)
    return mode
