"""Rows of the matrix of access for watching: keeping a server, its chart, machines that no server has."""

from datetime import UTC, datetime, timedelta

from bot.ids import Action, Input, Modal
from bot.views import kit
from tests.scenario.access_rows import ADMINS, BUILDERS, READERS, Gone, Row, Value, command, press, submit
from tests.scenario.access_world import SERVER, Place, World

SOON = int((datetime.now(UTC) + timedelta(days=20)).timestamp())
"""Within what may be kept, also once the lab's clock has gone ahead."""
UNTIL = kit.labelled("Until", kit.datetime_picker(Input.UNTIL, initial=SOON), block_id=Input.UNTIL)
NAME = kit.labelled("Name", kit.text_input(Input.NAME, initial="adopted"), block_id=Input.NAME)


def _ready(behind: str = "") -> Value:
    return lambda world, _user: f"{world.server('ready')}{behind}"


def _typed(world: World, _user: str) -> str:
    world.server("ready")
    return f"keep {SERVER} 2 days"


def _unknown(world: World, _user: str) -> str:
    world.key()
    return world.unknown_machine()


def _now_in(state: str) -> Gone:
    def put(world: World, _user: str, _value: str) -> None:
        world.server(state)

    return put


def _decided(fate: str) -> Gone:
    def decide(world: World, _user: str, _value: str) -> None:
        world.unknown_machine(fate)

    return decide


DELETED = {"deleted": _now_in("deleted")}
NOT_TO_KEEP = {state: _now_in(state) for state in ("deleted", "deleting", "stopping", "gone")}
DECIDED = {fate: _decided(fate) for fate in ("ignored", "adopted")}
KEPT = ("server.keep",)

WATCH_ROWS: list[Row] = [
    press(Action.SERVER_KEEP, BUILDERS, Place.CHANNEL, value=_ready("|1h"), audit=KEPT, gone=NOT_TO_KEEP),
    press(Action.SERVER_KEEP_UNTIL, BUILDERS, Place.CHANNEL, value=_ready(), gone=DELETED),
    press(Action.SERVER_CHART, READERS, Place.PRIVATE, value=_ready(), gone=DELETED),
    press(Action.MACHINE_ADOPT, ADMINS, Place.CHANNEL, value=_unknown, gone=DECIDED),
    press(Action.MACHINE_IGNORE, ADMINS, Place.CHANNEL, value=_unknown, audit=("machine.ignore",), gone=DECIDED),
    submit(Modal.KEEP_SERVER, BUILDERS, [UNTIL], value=_ready(), audit=KEPT, gone=NOT_TO_KEEP),
    submit(Modal.ADOPT_MACHINE, ADMINS, [NAME], value=_unknown, audit=("machine.adopt",), gone=DECIDED,
           fine=("name of another",)),
    command("keep NAME DURATION", BUILDERS, value=_typed, audit=KEPT, forged={
        "nothing": "keep",
        "no duration": f"keep {SERVER}",
        "of nobody": "keep nobody 1h",
        "too long": f"keep {SERVER} 32d",
        "no time": f"keep {SERVER} 0s",
        "rubbish": f"keep {SERVER} until kumquat",
        "of nul": f"keep {SERVER}\x00 1h",
        "huge": f"keep {SERVER} {'9' * 5000}d",
    }),
]  # fmt: skip
