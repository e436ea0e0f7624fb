"""What a person has on their screen, kept up to date by the stream, and how they find things on it by their words."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.slack import block_state

Json = dict[str, Any]


@dataclass(slots=True)
class Screen:
    messages: dict[tuple[str, str], Json] = field(default_factory=dict)
    """By channel and ts, ephemeral ones included."""
    modals: list[Json] = field(default_factory=list)
    """The stack, the top one last."""
    home: Json | None = None
    channels: dict[str, Json] = field(default_factory=dict)
    typed: dict[str, Json] = field(default_factory=dict)
    """What was typed and chosen in each open modal, by view id, as `state.values`."""

    def take(self, event: Json) -> None:
        match event:
            case {"type": "message" | "message_changed" | "ephemeral", "channel": channel, "message": message}:
                self.messages[channel, message["ts"]] = message
            case {"type": "message_deleted" | "ephemeral_deleted", "channel": channel, "ts": ts}:
                self.messages.pop((channel, ts), None)
            case {"type": "view_opened", "view": view}:
                self.modals = [view]
            case {"type": "view_pushed", "view": view}:
                self.modals.append(view)
            case {"type": "view_updated", "view": view}:
                self.modals = [view if modal["id"] == view["id"] else modal for modal in self.modals]
            case {"type": "view_closed", "view_id": view_id, "all": whole_stack}:
                ids = [modal["id"] for modal in self.modals]
                if view_id in ids:
                    del self.modals[0 if whole_stack else ids.index(view_id) :]
            case {"type": "home", "view": view}:
                self.home = view
            case {"type": "channel", "channel": channel}:
                self.channels[channel["id"]] = channel
            case _:
                pass

    def state_of(self, view: Json) -> Json:
        """`state.values` as the person's client has it: what was typed stays only where both ids stay."""
        return block_state.read(view["blocks"], merged(view["state"]["values"], self.typed.get(view["id"], {})))

    def newest_first(self) -> list[Json]:
        return sorted(self.messages.values(), key=lambda message: message["ts"], reverse=True)


def merged(values: Json, newer: Json) -> Json:
    """Two `state.values`, the newer over the older."""
    blocks = {**values, **newer}
    return {block: {**values.get(block, {}), **newer.get(block, {})} for block in blocks}


def words(thing: Any) -> str:
    """All that can be read in a message or a view."""
    if isinstance(thing, dict) and thing.get("type") == "message" and thing.get("blocks"):
        thing = [thing["blocks"], thing.get("attachments")]
    return "\n".join(_texts(thing))


def find_element(blocks: list[Json], name: str) -> tuple[Json, Json] | None:
    """The interactive element, with its block, that is called so: by its words, its label or its action_id."""
    wanted = _plain(name)
    for block, element in block_state.elements(blocks):
        if wanted in {_plain(known) for known in _names(block, element)}:
            return block, element
    return None


def find_option(options: list[Json], name: str) -> Json | None:
    return next((option for option in options if name in (option["text"]["text"], option.get("value"))), None)


def all_options(answer: Json) -> list[Json]:
    groups = answer.get("option_groups") or []
    return [*(answer.get("options") or []), *(option for group in groups for option in group["options"])]


def _names(block: Json, element: Json) -> Iterator[str]:
    yield element["action_id"]
    yield element.get("accessibility_label", "")
    for holder in (element.get("text"), element.get("placeholder"), block.get("label"), block.get("text")):
        if isinstance(holder, dict):
            yield holder["text"]


def _plain(name: str) -> str:
    return name.strip().strip("*_").casefold()


def _texts(thing: Any) -> Iterator[str]:
    if isinstance(thing, list):
        for item in thing:
            yield from _texts(item)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if isinstance(value, str):
                if key in ("text", "alt_text", "initial_value"):
                    yield value
            elif key != "state":
                yield from _texts(value)
