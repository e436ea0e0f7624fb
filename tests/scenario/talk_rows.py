"""Rows of the matrix of access for talking: the buttons of answers, settings, questions from outside a thread."""

from bot.ids import Action, Input, Modal, Shortcut
from bot.views import kit
from tests.scenario.access_rows import (
    ADMINS,
    BUILDERS,
    READERS,
    Gone,
    Row,
    Value,
    choice,
    command,
    message_shortcut,
    press,
    put,
    submit,
)
from tests.scenario.access_world import ROOM, SERVER, Place, World

TEMPERATURE = kit.labelled(
    "Temperature", kit.text_input(Input.TEMPERATURE, initial="0.5"), block_id=Input.TEMPERATURE, optional=True
)
PROMPT = kit.labelled("Question", kit.text_input(Input.PROMPT, initial="why?"), block_id=Input.PROMPT, optional=True)
WRONG_TEMPERATURES = {
    f"temperature {how}": put(Input.TEMPERATURE, wrong)
    for how, wrong in {"high": "2.1", "negative": "-1", "rubbish": "warm", "huge": "9" * 9000, "nul": "1\x00"}.items()
}


def _turn(state: str, *, kind: str = "prompt", end: str = "stop") -> Value:
    return lambda world, user: world.turn_of(user, state, kind=kind, end=end)


def _to_choose(world: World, user: str) -> str:
    turn = world.turn_of(user, "offered", is_bound=False)
    return f"{turn}|{world.server('stopped')}"


def _coming_up(world: World, user: str) -> str:
    world.server("starting")
    return world.turn_of(user, "waking")


def _ready(world: World, _user: str) -> str:
    return world.server("ready")


def _somewhere(world: World, _user: str) -> str:
    return f"{ROOM}|{world.thread()}"


def _default(world: World, _user: str) -> str:
    world.server("ready")
    return f"default {SERVER}"


def _forgotten(world: World, _user: str, _value: str) -> None:
    world.forget_talk()


def _answered_again(world: World, _user: str, value: str) -> None:
    world.answer_again(value)


def _chosen(world: World, _user: str, value: str) -> None:
    world.office.rows("UPDATE turn SET state = 'waking' WHERE id = %s RETURNING 1", value.partition("|")[0])


def _running(world: World, _user: str, value: str) -> None:
    world.office.rows("UPDATE turn SET state = 'waking' WHERE id = %s RETURNING 1", value)


def _deleted(world: World, _user: str, _value: str) -> None:
    world.server("deleted")


FORGOTTEN: dict[str, Gone] = {"forgotten": _forgotten}
NOT_LAST: dict[str, Gone] = {**FORGOTTEN, "answered again": _answered_again, "running": _running}
DELETED: dict[str, Gone] = {"deleted": _deleted}

TALK_ROWS: list[Row] = [
    press(Action.TALK_STOP, READERS, Place.CHANNEL, value=_turn("waking"), is_talk=True, gone=FORGOTTEN),
    press(Action.TALK_RETAKE, READERS, Place.CHANNEL, value=_turn("done"), is_talk=True, gone=NOT_LAST),
    press(Action.TALK_RETRY, READERS, Place.CHANNEL, value=_turn("failed"), is_talk=True, gone=NOT_LAST),
    press(Action.TALK_MORE, READERS, Place.CHANNEL, value=_turn("done", end="length"), is_talk=True, gone=NOT_LAST),
    press(Action.TALK_READ_THREAD, READERS, Place.CHANNEL, value=_turn("done"), is_talk=True, gone=NOT_LAST),
    press(Action.TALK_UNDO, READERS, Place.CHANNEL, value=_turn("done"), is_talk=True, gone=NOT_LAST),
    press(Action.TALK_CLEAR, READERS, Place.CHANNEL, value=_turn("done"), is_talk=True, gone=FORGOTTEN),
    press(Action.TALK_UP, READERS, Place.CHANNEL, value=_turn("done"), is_talk=True, gone=FORGOTTEN),
    press(Action.TALK_DOWN, READERS, Place.CHANNEL, value=_turn("done"), is_talk=True, gone=FORGOTTEN),
    press(Action.TALK_ASK_EDITED, READERS, Place.PRIVATE, value=_turn("offered", kind="edit"), is_talk=True,
          gone={**FORGOTTEN, "answered again": _answered_again}),
    press(Action.TALK_CHOOSE, READERS, Place.CHANNEL, element=choice, value=_to_choose, is_talk=True, fine=("huge",),
          gone={**FORGOTTEN, **DELETED, "chosen": _chosen}),
    # What a start itself may cost, and who may not start, is told in test_talk_waking.py.
    press(Action.TALK_START, READERS, Place.CHANNEL, value=_coming_up, gone=FORGOTTEN),

    press(Action.TALK_SETTINGS, READERS, Place.CHANNEL, value=_turn("done"), gone=FORGOTTEN),
    press(Action.TALK_SCOPE, READERS, Place.MODAL, element=choice, value=lambda *_: "person",
          fine=("huge",)),  # which no option takes
    press(Action.TALK_RESET, READERS, Place.MODAL, is_talk=True),
    submit(Modal.TALK_SETTINGS, READERS, [TEMPERATURE], is_talk=True, forged=WRONG_TEMPERATURES),
    press(Action.TALK_SERVER, ADMINS, Place.PRIVATE, value=_ready, gone=DELETED),
    submit(Modal.TALK_SERVER, ADMINS, [TEMPERATURE], value=_ready, audit=("server.answers",), gone=DELETED,
           forged=WRONG_TEMPERATURES),

    message_shortcut(Shortcut.ASK_ABOUT, READERS),
    submit(Modal.ASK_ABOUT, READERS, [PROMPT], value=_somewhere, is_talk=True,
           forged={"question of nul": put(Input.PROMPT, "why\x00"), "no question": put(Input.PROMPT, None)}),
    command("chat", READERS, is_talk=True),
    command("chat prompt", READERS, value=lambda *_: "chat what is a &lt;llama&gt;?", is_talk=True),
    command("settings", READERS),
    command("default", BUILDERS, value=_default, audit=("talk.channel_server",), forged={
        "nothing": "default",
        "of nobody": "default nobody",
        "of nul": f"default {SERVER}\x00",
        "of a mention": "default <!channel>",
        "huge": "default " + "x" * 5000,
    }),
]  # fmt: skip
