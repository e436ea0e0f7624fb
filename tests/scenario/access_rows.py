"""What a row of the matrix of access is, a maker for each kind of act, and what can be forged in each."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.ids import Action, Command, Input, Modal
from bot.views import kit
from lab.slack.screen import Json
from tests.prime import eventually
from tests.scenario.access_world import ROOM, USERS, Place, Who, World

Click = Callable[[], Awaitable[Json | None]]
Value = Callable[[World, str], str]
"""Of the world and whoever will act: the id of something that exists, made for them."""
Gone = Callable[[World, str, str], None]
"""The same, and the value: it is not as it was any more."""
Forgery = str | Callable[[Json], None]
"""Another value, or a change of the payload on its way."""

EVERYBODY = frozenset(Who)
MEMBERS = frozenset({Who.NONE, Who.READ, Who.READ_WRITE, Who.ADMIN})
READERS = MEMBERS - {Who.NONE}
BUILDERS = READERS - {Who.READ}
ADMINS = BUILDERS - {Who.READ_WRITE}
NOBODY: frozenset[Who] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Row:
    """An act, and who may do it."""

    id: str
    of: str
    """What it is a row of, since an action and a modal may have the same id: `press <action>`, `submit <modal>`,
    `command <subcommand>`, `load <action>`, `shortcut <callback>`."""
    allowed: frozenset[Who]
    draw: Callable[[World, str, str], Click]
    """Puts it before somebody, with a value that comes back as they click; what clicks."""
    value: Value = lambda _world, _user: ""
    audit: tuple[str, ...] = ()
    """What its effect leaves; none for what only shows."""
    is_talk: bool = False
    """Its effect is one on a conversation, which all who are in it see and the audit log does not tell."""
    gone: Mapping[str, Gone] = field(default_factory=dict[str, Gone])
    """How what it is about can be gone by the time of the click: nobody may do it then."""
    forged: Mapping[str, Forgery] = field(default_factory=dict[str, Forgery])
    """What must not pass, whoever sends it."""


def button(action: Action, value: str) -> Json:
    return kit.button("Press", action, value=value)


def menu(action: Action, value: str) -> Json:
    return kit.overflow(action, [kit.option("Choose", value)])


def choice(action: Action, value: str) -> Json:
    return kit.select(action, [kit.option("Choose", value)])


def press(
    action: Action,
    allowed: frozenset[Who],
    place: Place,
    *,
    element: Callable[[Action, str], Json] = button,
    value: Value | None = None,
    metadata: str = "",
    audit: tuple[str, ...] = (),
    is_talk: bool = False,
    gone: Mapping[str, Gone] | None = None,
    fine: tuple[str, ...] = (),
) -> Row:
    """A button, an entry of an overflow menu, or a choice of a select; `metadata` is that of the modal which it stands
    in. `fine` are forged values that are as good as any: they only say where to go on reading."""

    def draw(world: World, user: str, text: str) -> Click:
        drawn = element(action, text)
        spot = world.draw(user, [kit.actions(drawn, block_id="b")], place, metadata=metadata)

        async def click() -> None:
            chosen = {"value": text} if drawn["type"] == "button" else {"selected_option": {"value": text}}
            await world.lab.platform.interactivity.act(user, spot(), "b", action, chosen, None)

        return click

    return Row(
        id=f"{action.name.lower()} {place}",
        of=f"press {action}",
        allowed=allowed,
        draw=draw,
        value=value or Row.value,
        audit=audit,
        is_talk=is_talk,
        gone=gone or {},
        forged={name: forged for name, forged in FORGED_VALUES.items() if name not in fine} if value else {},
    )


def load(action: Action, allowed: frozenset[Who], *, query: str, metadata: str = "") -> Row:
    """The options of a select in a modal, as somebody types. Who may not is offered none."""

    def draw(world: World, user: str, _text: str) -> Click:
        element = {"type": "external_select", "action_id": action, "min_query_length": 0}
        spot = world.draw(user, [kit.actions(element, block_id="b")], Place.MODAL, metadata=metadata)
        return lambda: world.lab.platform.interactivity.suggest(user, spot(), "b", action, query)

    return Row(id=f"{action.name.lower()} loads", of=f"load {action}", allowed=allowed, draw=draw)


def shortcut(callback: str, allowed: frozenset[Who]) -> Row:
    """A global one."""

    def draw(world: World, user: str, _text: str) -> Click:
        return lambda: world.lab.platform.interactivity.shortcut(user, callback, None, None)

    return Row(id=f"shortcut {callback}", of=f"shortcut {callback}", allowed=allowed, draw=draw)


def message_shortcut(callback: str, allowed: frozenset[Who]) -> Row:
    """On a message of somebody else."""

    def draw(world: World, user: str, _text: str) -> Click:
        room = world.lab.workspace.channels[ROOM]
        ts = world.lab.workspace.post(room, {"user": USERS[Who.ADMIN], "text": "a message"})["ts"]
        return lambda: world.lab.platform.interactivity.shortcut(user, callback, room, ts)

    return Row(id=f"shortcut {callback}", of=f"shortcut {callback}", allowed=allowed, draw=draw)


def submit(
    modal: Modal,
    allowed: frozenset[Who],
    inputs: list[kit.Block],
    *,
    value: Value | None = None,
    audit: tuple[str, ...] = (),
    is_talk: bool = False,
    gone: Mapping[str, Gone] | None = None,
    forged: Mapping[str, Forgery] | None = None,
    fine: tuple[str, ...] = (),
    typed: Mapping[str, Json] | None = None,
) -> Row:
    """A modal, filled in with what each input offers first, but for `typed`, by the input's block. Its
    `private_metadata` is the value. `forged` is what must not pass in it, or in an input, beside FORGED_VALUES and
    FORGED_INPUTS; `fine` is what may pass of those."""

    def draw(world: World, user: str, text: str) -> Click:
        view = world.open(user, kit.modal(modal, "Drawn", inputs, submit="Go", private_metadata=text))
        given = view["state"]["values"]
        if Input.REASON in given:
            given = {**given, Input.REASON: {Input.REASON: {"type": "plain_text_input", "value": "because"}}}
        given = {**given, **(typed or {})}
        return lambda: world.lab.platform.interactivity.submit(user, view["id"], given)

    required = [block["block_id"] for block in inputs if block["type"] == "input" and not block["optional"]]
    forgeries = {
        **(FORGED_VALUES if value else {}),
        **{f"{name} {how}": change for name in required for how, change in forgeries_of(name).items()},
        **(forged or {}),
    }
    return Row(
        id=f"{modal.name.lower()} submitted",
        of=f"submit {modal}",
        allowed=allowed,
        draw=draw,
        value=value or Row.value,
        audit=audit,
        is_talk=is_talk,
        gone=gone or {},
        forged={name: forgery for name, forgery in forgeries.items() if name not in fine},
    )


def command(
    text: str,
    allowed: frozenset[Who],
    *,
    value: Value | None = None,
    audit: tuple[str, ...] = (),
    is_talk: bool = False,
    forged: Mapping[str, Forgery] | None = None,
) -> Row:
    """`/prime` and this text, or what `value` makes in its place; it comes as it is, with whatever it holds."""

    def draw(world: World, user: str, line: str) -> Click:
        async def click() -> None:
            act, room = world.lab.platform.interactivity, world.lab.workspace.channels[ROOM]
            with world.wire.changing(lambda payload: payload.update(text=line)):
                await act.command(user, room, Command.PRIME, "", thread_ts=None)

        return click

    return Row(
        id=f"{Command.PRIME} {text}".strip(),
        of=f"command {text.partition(' ')[0]}",
        allowed=allowed,
        draw=draw,
        value=value or (lambda *_: text),
        audit=audit,
        is_talk=is_talk,
        forged=forged or {},
    )


def open_home() -> Row:
    def draw(world: World, user: str, _text: str) -> Click:
        async def click() -> None:
            carried = world.wire.carried
            world.lab.platform.interactivity.open_home(user, "home")
            await eventually(lambda: world.wire.carried > carried)

        return click

    return Row(id="App Home opened", of="event app_home_opened", allowed=EVERYBODY, draw=draw)


def put(name: Input, value: Any) -> Callable[[Json], None]:
    """Another value in an input of a submission."""

    def change(payload: Json) -> None:
        [element] = payload["view"]["state"]["values"][name].values()
        keys = ("selected_option", "selected_date_time")
        element[next((key for key in keys if key in element), "value")] = value

    return change


def leave_out(name: Input) -> Callable[[Json], None]:
    def change(payload: Json) -> None:
        del payload["view"]["state"]["values"][name]

    return change


def forgeries_of(name: str) -> dict[str, Callable[[Json], None]]:
    """Of a required input."""
    wrong = FORGED_INPUTS[Input(name)]
    return {"left out": leave_out(Input(name))} | {how: put(Input(name), value) for how, value in wrong.items()}


def sent_by_themself(payload: Json) -> None:
    """Whoever submits names themself as the one whom the form is about."""
    payload["view"]["private_metadata"] = payload["user"]["id"]


FORGED_VALUES = {
    "of nobody": "U0NOBODY",
    "of nothing": "123456789",
    "beyond the column": "99999999999",
    "beyond any column": "999999999999999999",
    "negative": "-1",
    "rubbish": "kumquat",
    "sql": "1'; DROP TABLE role_grant; --",
    "huge": "9" * 1900,
    "nul": "1\x00",
    "a verb": "change:U0NOBODY",
    "another verb": "remove:U0NOBODY|x",
    "a subject": "group:S0NOTHING",
    "a page of nul": "1|x\x00",
    "a mapping": '{"subject": "group:S0NOTHING", "role": "ADMIN"}',
    "a mapping of nul": '{"subject": "group:\\u0000", "role": "ADMIN"}',
    "a mapping to no role": '{"subject": "group:S0READERS", "role": "OWNER"}',
    "a mapping to NONE": '{"subject": "group:S0READERS", "role": "NONE"}',
    "a list": "[1]",
}  # fmt: skip
"""Of buttons, menus and private_metadata."""

PERSONS = {
    "of a guest": USERS[Who.GUEST],
    "of a single-channel guest": USERS[Who.SINGLE_CHANNEL_GUEST],
    "of a stranger": USERS[Who.STRANGER],
    "of a bot": USERS[Who.BOT],
    "of somebody deactivated": USERS[Who.DEACTIVATED],
    "of Slackbot": "USLACKBOT",
    "of Prime": "U0PRIME",
}
"""Who can hold no role, by id."""


def _option(value: Any) -> Json:
    return {"text": kit.plain("Forged"), "value": value}


_NO_OPTIONS: dict[str, Any] = {
    "none": None,
    "of another shape": "READ",
    "a list": [_option("READ")],
    "without a value": {"text": kit.plain("READ")},
    "a number": _option(5),
    "of nul": _option("READ\x00"),
    "empty": _option(""),
    "rubbish": _option("kumquat"),
    "huge": _option("9" * 100_000),
}

_NO_NUMBERS: dict[str, Any] = {
    "none": None,
    "empty": "",
    "zero": "0",
    "negative": "-1",
    "a fraction": "1.5",
    "rubbish": "kumquat",
    "beyond all": "999999999",
    "huge": "9" * 5000,
    "a list": ["1"],
    "of nul": "1\x00",
}

FORGED_INPUTS: dict[Input, dict[str, Any]] = {
    Input.ROLE: {**_NO_OPTIONS, "of NONE": _option("NONE"), "of no role": _option("OWNER")},
    Input.DURATION: {
        **_NO_OPTIONS,
        "zero": _option("0s"),
        "negative": _option("-5s"),
        "endless": _option("99999999999999d"),
        "over ten years": _option("3651d"),
    },
    Input.GROUP: {
        **_NO_OPTIONS,
        "of nothing": _option("group:S0NOTHING"),
        "of no group": _option("group:"),
        "of a person": _option("U0READ"),
        "of nul in a group": _option("group:S0\x00"),
    },
    Input.UNTIL: {
        "none": None,
        "over": 1,
        "too far": 9_999_999_999,
        "beyond all": 10**30,
        "negative": -1,
        "rubbish": "kumquat",
        "huge": "9" * 5000,
        "a list": [1],
        "of nul": "1\x00",
    },
    Input.NAME: {
        "none": None,
        "empty": "",
        "of another": "another",
        "huge": "x" * 200_000,
        "a number": 5,
        "a list": ["matrix"],
        "of nul": "matrix\x00",
    },
    Input.SECRET: {
        "none": None,
        "empty": "",
        "blank": " \n\t",
        "short": "x",
        "of two words": "one-key two-keys",
        "huge": "x" * 200_000,
        "a number": 1234567890,
        "a list": ["key-of-nobody"],
        "of nul": "key-of-nobody\x00",
    },
    Input.MODEL: {
        "none": None,
        "empty": "",
        "of no organisation": "kumquat",
        "of nobody": "nobody/nothing",
        "a path": "../../api/whoami",
        "a mention": "<!channel>/x",
        "huge": "x/" + "x" * 200_000,
        "a number": 5,
        "a list": ["a/b"],
        "of nul": "a/b\x00",
    },
    Input.MINIMUM: _NO_NUMBERS,
    Input.MAXIMUM: _NO_NUMBERS,
    Input.RETENTION_DAYS: _NO_NUMBERS,
    Input.LISTED_AS: {**_NO_OPTIONS, "of no type": _option("PASSPORT")},
    Input.TERMS: {
        "none": None,
        "empty": "",
        "blank": " \n\t",
        "a comment": "# Kumquat Rocketry",
        "short": "x",
        "too long": "x y" * 40,
        "of many words": "a term of nine whole words is a sentence",
        "a number": 5,
        "a list": ["Kumquat Rocketry"],
        "of nul": "Kumquat\x00 Rocketry",
    },
    Input.TEXT: {
        "none": None,
        "empty": "",
        "blank": " \n\t",
        "huge": "x" * 200_000,
        "a number": 5,
        "a list": ["a text"],
        "of nul": "a text\x00",
    },
    Input.REASON: {
        "none": None,
        "empty": "",
        "blank": " \n\t",
        "too long": "x" * 1001,
        "huge": "x" * 200_000,
        "a number": 5,
        "a list": ["because"],
        "a mapping": {"because": "so"},
        "of nul": "because\x00",
    },
}
"""Of `state.values`, by input: what its element's value must not be."""
