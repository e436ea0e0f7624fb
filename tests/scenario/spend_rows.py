"""Rows of the matrix of access for going beyond a budget: asking for a start, taking it back, deciding."""

from bot.ids import Action, Input, Modal
from bot.views import kit
from core.access.model import Role
from tests.scenario.access_rows import ADMINS, BUILDERS, EVERYBODY, Gone, Row, press, submit
from tests.scenario.access_world import SERVER, Place, World

REASON = kit.labelled("Reason", kit.text_input(Input.REASON), block_id=Input.REASON)
APPROVED, DENIED, WITHDRAWN, OPENED = (f"cost.request.{verb}" for verb in ("approve", "deny", "withdraw", "open"))


def _over_budget(world: World, _user: str) -> str:
    """A stopped server whose start nobody can afford."""
    world.office.rows("INSERT INTO spend_limit VALUES ('workspace', 0) ON CONFLICT (scope) DO NOTHING RETURNING 1")
    return world.server("stopped")


def _request_of(world: World, user: str) -> str:
    """An open one to start that server; its id."""
    server = world.server("stopped")
    [(number,)] = world.office.rows(
        "INSERT INTO spend_request (asker_team, asker_user, act, name, despite_misfit, server_id, owner_team, "
        "owner_user, excess, state, created_at, denial_reason) "
        "VALUES ('T0ACME', %s, 'start', %s, false, %s, 'T0ACME', %s, '[]', 'open', %s, '') RETURNING id",
        user,
        SERVER,
        int(server),
        user,
        world.lab.clock.now(),
    )
    return str(number)


def _request(world: World, _user: str) -> str:
    """Of somebody whom Prime knows, as it does whoever asked."""
    user = world.somebody(Role.READ_WRITE)
    world.office.rows(
        'INSERT INTO person (team, "user", standing, name, is_workspace_admin, is_workspace_owner, checked_at) '
        "VALUES ('T0ACME', %s, 'member', %s, false, false, %s) RETURNING 1",
        user,
        user,
        world.lab.clock.now(),
    )
    return _request_of(world, user)


def _settled(state: str) -> Gone:
    def settle(world: World, _user: str, request: str) -> None:
        world.office.rows("UPDATE spend_request SET state = %s WHERE id = %s RETURNING 1", state, int(request))

    return settle


def _now_in(state: str) -> Gone:
    def put(world: World, _user: str, _value: str) -> None:
        world.server(state)

    return put


def _outdate(world: World, _user: str, request: str) -> None:
    query = "UPDATE spend_request SET created_at = created_at - interval '8 days' WHERE id = %s RETURNING 1"
    world.office.rows(query, int(request))


def _delete(world: World, _user: str, request: str) -> None:
    world.office.rows("DELETE FROM spend_request WHERE id = %s RETURNING 1", int(request))


def _asked(world: World, user: str, _server: str) -> None:
    _request_of(world, user)


def _has_room(world: World, _user: str, _server: str) -> None:
    world.office.rows("DELETE FROM spend_limit RETURNING 1")


SETTLED = {state: _settled(state) for state in ("approved", "denied", "withdrawn", "expired")} | {"deleted": _delete}
NOT_TO_DECIDE = SETTLED | {"overdue": _outdate}
NOT_TO_APPROVE = NOT_TO_DECIDE | {f"server {state}": _now_in(state) for state in ("deleted", "ready")}
NOT_TO_ASK = {"deleted": _now_in("deleted"), "ready": _now_in("ready"), "asked already": _asked, "room": _has_room}

SPEND_ROWS: list[Row] = [
    press(Action.SPEND_ASK_START, BUILDERS, Place.PRIVATE, value=_over_budget, audit=(OPENED,), gone=NOT_TO_ASK),
    press(Action.SPEND_WITHDRAW, EVERYBODY, Place.CHANNEL, value=_request_of, audit=(WITHDRAWN,), gone=SETTLED),
    press(Action.SPEND_APPROVE, ADMINS, Place.CHANNEL, value=_request, audit=(APPROVED, "server.start"),
          gone=NOT_TO_APPROVE),
    press(Action.SPEND_DENY, ADMINS, Place.CHANNEL, value=_request, gone=NOT_TO_DECIDE),
    submit(Modal.ASK_START, BUILDERS, [kit.section("Sure?")], value=_over_budget, audit=(OPENED,), gone=NOT_TO_ASK),
    submit(Modal.DENY_SPEND, ADMINS, [REASON], value=_request, audit=(DENIED,), gone=NOT_TO_DECIDE),
]  # fmt: skip
