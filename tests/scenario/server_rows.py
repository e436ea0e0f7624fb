"""Rows of the matrix of access for servers: the list, the card, starting, stopping, deleting, usage, App Home."""

from bot.ids import Action, Input, Modal
from bot.views import kit
from tests.scenario.access_rows import ADMINS, BUILDERS, READERS, Gone, Row, Value, command, press, submit
from tests.scenario.access_world import SERVER, Place, World

NAME = kit.labelled("Name", kit.text_input(Input.NAME, initial=SERVER), block_id=Input.NAME)
PAGES = ("of nothing", "beyond the column", "beyond any column")
"""As good as any: they only say where to go on reading."""


def _in(state: str) -> Value:
    return lambda world, _user: world.server(state)


def _log(level: str) -> Value:
    return lambda world, _user: f"{world.server('ready')}|{level}|30"


def _direct(world: World, _user: str) -> str:
    return world.server("ready", direct=True)


def _typed(verb: str, state: str) -> Value:
    def line(world: World, _user: str) -> str:
        world.server(state)
        return f"{verb} {SERVER}"

    return line


def _gone(*states: str) -> dict[str, Gone]:
    return {state: _now_in(state) for state in states}


def _now_in(state: str) -> Gone:
    def put(world: World, _user: str, _server: str) -> None:
        world.server(state)

    return put


def _forged_name(verb: str) -> dict[str, str]:
    return {
        "nothing": verb,
        "of nobody": f"{verb} nobody",
        "of nul": f"{verb} {SERVER}\x00",
        "of a mention": f"{verb} <!channel>",
        "sql": f"{verb} {SERVER}'; DROP TABLE server; --",
        "huge": f"{verb} " + "x" * 5000,
    }


DELETED = _gone("deleted")
NOT_TO_START = _gone("deleted", "deleting", "starting", "ready", "gone")
NOT_TO_STOP = _gone("deleted", "deleting", "stopping", "stopped", "gone")
NOT_DIRECT = {**DELETED, "forbidden": _now_in("ready")}

STARTED, STOPPED, REVEALED = ("server.start",), ("server.stop",), ("server.reveal_key",)
ALLOWED, FORBIDDEN = ("server.allow_direct_access",), ("server.forbid_direct_access",)

SERVER_ROWS: list[Row] = [
    press(Action.SERVERS_PAGE, READERS, Place.PRIVATE, value=lambda *_: "5|", fine=PAGES),
    press(Action.SERVERS_FIRST, READERS, Place.PRIVATE, value=lambda *_: "|x", fine=PAGES),
    press(Action.HOME_SERVERS_PAGE, READERS, Place.HOME, value=lambda *_: "5", fine=PAGES),
    press(Action.HOME_SERVERS_FIRST, READERS, Place.HOME),
    press(Action.SERVER_OPEN, READERS, Place.PRIVATE, value=_in("stopped"), gone=DELETED),
    press(Action.SERVER_REFRESH, READERS, Place.PRIVATE, value=_in("stopped"), gone=DELETED),
    press(Action.SERVER_START, BUILDERS, Place.CHANNEL, value=_in("stopped"), audit=STARTED, gone=NOT_TO_START),
    press(Action.SERVER_START, BUILDERS, Place.HOME, value=_in("stopped"), audit=STARTED, gone=NOT_TO_START),
    press(Action.SERVER_STOP, BUILDERS, Place.PRIVATE, value=_in("ready"), audit=STOPPED, gone=NOT_TO_STOP),
    press(Action.SERVER_STOP, BUILDERS, Place.HOME, value=_in("ready"), audit=STOPPED, gone=NOT_TO_STOP),
    press(Action.SERVER_DELETE, BUILDERS, Place.CHANNEL, value=_in("ready"), gone=DELETED),
    press(Action.SERVER_DELETE, BUILDERS, Place.HOME, value=_in("ready"), gone=DELETED),
    press(Action.SERVER_DELETE, BUILDERS, Place.MODAL, value=_in("ready"), gone=DELETED),
    press(Action.SERVER_USAGE, READERS, Place.CHANNEL, value=_in("ready"), gone=DELETED),
    press(Action.SERVER_USAGE, READERS, Place.HOME, value=_in("ready"), gone=DELETED),
    press(Action.SERVER_LOGS, READERS, Place.CHANNEL, value=_in("ready"), gone=DELETED),
    press(Action.SERVER_LOGS, READERS, Place.HOME, value=_in("failed"), gone=DELETED),
    press(Action.LOGS_ALL, READERS, Place.PRIVATE, value=_log("TRACE"), gone=DELETED),
    press(Action.LOGS_WARNINGS, READERS, Place.PRIVATE, value=_log("WARN"), gone=DELETED),
    press(Action.LOGS_ERRORS, READERS, Place.MODAL, value=_log("ERROR"), gone=DELETED),
    press(Action.LOGS_REFRESH, READERS, Place.MODAL, value=_log("TRACE"), gone=DELETED),
    press(Action.LOGS_FOLLOW, READERS, Place.PRIVATE, value=_log("TRACE"), gone=DELETED),
    press(Action.LOGS_FOLLOW, READERS, Place.MODAL, value=_log("WARN"), gone=DELETED),
    press(Action.SERVER_ALLOW_DIRECT, ADMINS, Place.PRIVATE, value=_in("ready"), audit=ALLOWED, gone=DELETED),
    press(Action.SERVER_ALLOW_DIRECT, ADMINS, Place.MODAL, value=_in("ready"), audit=ALLOWED, gone=DELETED),
    press(Action.SERVER_FORBID_DIRECT, ADMINS, Place.MODAL, value=_direct, audit=FORBIDDEN, gone=DELETED),
    press(Action.SERVER_REVEAL_KEY, BUILDERS, Place.PRIVATE, value=_direct, audit=REVEALED, gone=NOT_DIRECT),
    press(Action.SERVER_REVEAL_KEY, BUILDERS, Place.MODAL, value=_direct, audit=REVEALED, gone=NOT_DIRECT),
    submit(Modal.START_SERVER, BUILDERS, [kit.section("Sure?")], value=_in("stopped"), audit=STARTED,
           gone=NOT_TO_START),
    submit(Modal.STOP_SERVER, BUILDERS, [kit.section("Sure?")], value=_in("ready"), audit=STOPPED, gone=NOT_TO_STOP),
    submit(Modal.DELETE_SERVER, BUILDERS, [NAME], value=_in("ready"), audit=("server.delete",), gone=DELETED),

    command("servers", READERS),
    command("servers text", READERS, value=lambda *_: "servers <!channel> \x00%_"),
    *[
        command(f"{verb} NAME", may, value=_typed(verb, state), forged=_forged_name(verb))
        for verb, may, state in (
            ("server", READERS, "ready"),
            ("usage", READERS, "ready"),
            ("logs", READERS, "ready"),
            ("start", BUILDERS, "stopped"),
            ("stop", BUILDERS, "ready"),
            ("delete", BUILDERS, "ready"),
        )
    ],
]  # fmt: skip
