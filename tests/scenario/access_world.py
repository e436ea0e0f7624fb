"""An office with somebody of every kind in it, acting through the lab's Slack itself: for the matrix of access."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any

from bot.views import kit
from core.access.model import Role
from db.secrets import Cell, SecretBox, SecretKeys
from lab.slack import people
from lab.slack.interactivity import Spot
from lab.slack.people import APP_USER_ID
from lab.slack.screen import Json, words
from tests.prime import eventually
from tests.scenario.access import Office
from tests.scenario.wire import Wire

ROOM = "C0GENERAL"
PASSERS_BY = "U0SOME"
"""How the ids of those begin who are here for one case only."""


CLOUD = "paperspace"
SERVER = "matrix"
"""What the one server is called; nobody whom Slack knows owns it."""


class Who(StrEnum):
    NONE = "none"
    READ = "read"
    READ_WRITE = "read_write"
    ADMIN = "admin"
    GUEST = "guest"
    SINGLE_CHANNEL_GUEST = "single_channel_guest"
    STRANGER = "stranger"
    BOT = "bot"
    DEACTIVATED = "deactivated"

    @property
    def role(self) -> Role:
        """What they may do as; whoever is no member is NONE, whatever they hold."""
        return Role.__members__.get(self.name, Role.NONE)


USERS = {who: f"U0{who.name.replace('_', '')}" for who in Who}
FLAGS: dict[Who, Json] = {
    Who.GUEST: {"is_restricted": True},
    Who.SINGLE_CHANNEL_GUEST: {"is_restricted": True, "is_ultra_restricted": True},
    Who.STRANGER: {"team_id": people.OTHER_TEAM_ID},
    Who.BOT: {"is_bot": True},
    Who.DEACTIVATED: {"deleted": True},
}
"""What makes somebody no member."""


class Place(StrEnum):
    CHANNEL = "in a channel"
    PRIVATE = "in an ephemeral message"
    MODAL = "in a modal"
    HOME = "in App Home"


@dataclass(frozen=True)
class Shown:
    words: str
    is_sentence: bool
    """Words and no more, as Prime says what is wrong; else a view, or a message with blocks."""


class World:
    """Each act returns when Prime has acknowledged it; what people have before them is read where the lab keeps it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.lab = office.lab
        self.wire = Wire(self.lab.platform.socket_mode)
        self._numbers = count(1)
        self._groups = dict(self.lab.workspace.groups)
        for who, user in USERS.items():
            self.add(user, **FLAGS.get(who, {}))
            self.give(user, Role.ADMIN if who in FLAGS else who.role)

    async def clear(self) -> None:
        """Nothing of the case before is left, nor what Slack's limits remember of it."""
        await self.office.settled()
        self.lab.clock.jump(20)
        workspace = self.lab.workspace
        workspace.groups.update(self._groups)
        for user in [user for user in workspace.people if user.startswith(PASSERS_BY)]:
            del workspace.people[user]
        for channel in workspace.channels.values():
            channel.members = [user for user in channel.members if user in workspace.people]
            for kept in (channel.messages, channel.replies, channel.ephemerals):
                kept.clear()
        for user in USERS.values():
            self.lab.platform.views.clear(user)
        self.server()
        self.office.rows("UPDATE server SET state = 'deleted' WHERE name <> %s RETURNING 1", SERVER)
        self.office.rows("DELETE FROM unknown_machine RETURNING 1")
        self.forget_talk()
        for table in ("provider_key", "catalog_model", "catalog_offer", "catalog_template", "catalog_limit"):
            self.office.rows(f"DELETE FROM {table} RETURNING 1")
        for table in ("spend_request_message", "spend_request", "spend_limit"):
            self.office.rows(f"DELETE FROM {table} RETURNING 1")
        for table in (
            "term_proposal_message",
            "term_proposal",
            "redaction_term",
            "channel_redaction",
            "redaction_setting",
        ):
            self.office.rows(f"DELETE FROM {table} RETURNING 1")
        self.office.rows("DELETE FROM access_request_message RETURNING 1")
        self.office.rows("DELETE FROM access_request RETURNING 1")
        self.office.rows("DELETE FROM role_mapping RETURNING 1")
        self.office.rows('DELETE FROM role_grant WHERE starts_with("user", %s) RETURNING 1', PASSERS_BY)

    # --- people

    def add(self, user: str, **flags: Any) -> None:
        given = {"id": user, "name": user.lower(), "real_name": user, "kind": "", **flags}
        self.lab.workspace.people[user] = people.Person(**given)
        self.lab.workspace.channels[ROOM].members.append(user)

    def somebody(self, role: Role = Role.NONE) -> str:
        user = f"{PASSERS_BY}{next(self._numbers)}"
        self.add(user)
        self.give(user, role)
        return user

    async def turn(self, user: str, who: Who) -> None:
        """A member becomes somebody of that kind, and Prime has heard so from Slack."""
        self.take(user)
        self.give(user, Role.ADMIN if who in FLAGS else who.role)
        if who in FLAGS:
            carried = self.wire.carried
            self.lab.workspace.change_person(user, **FLAGS[who])
            await eventually(lambda: self.wire.carried > carried)
            await self.office.settled()

    def leave_slack(self, user: str) -> None:
        """They are deactivated, as Prime knows already."""
        self.office.rows(
            'INSERT INTO person (team, "user", standing, name, is_workspace_admin, is_workspace_owner, checked_at) '
            "VALUES ('T0ACME', %s, 'deactivated', %s, false, false, %s) RETURNING 1",
            user,
            user,
            self.lab.clock.now(),
        )

    def give(self, user: str, role: Role) -> None:
        if role is not Role.NONE:
            self.office.give(user, role.name)

    def take(self, user: str) -> None:
        self.office.rows('DELETE FROM role_grant WHERE "user" = %s RETURNING id', user)

    # --- things

    def request_of(self, user: str) -> str:
        """A new open request; its id."""
        [(number,)] = self.office.rows(
            'INSERT INTO access_request (team, "user", role, duration_seconds, reason, state, created_at, '
            "denial_reason) VALUES ('T0ACME', %s, 'READ', 3600, 'because', 'open', %s, '') RETURNING id",
            user,
            self.lab.clock.now(),
        )
        return str(number)

    def settle(self, request: str, state: str) -> None:
        query = (
            "UPDATE access_request SET state = %s, settled_at = %s, settled_by = 'U0ADAM' WHERE id = %s RETURNING id"
        )
        self.office.rows(query, state, self.lab.clock.now(), request)

    def outdate(self, request: str) -> None:
        """It is eight days old, and nobody has looked at it since."""
        query = "UPDATE access_request SET created_at = created_at - interval '8 days' WHERE id = %s RETURNING id"
        self.office.rows(query, request)

    def delete_request(self, request: str) -> None:
        self.office.rows("DELETE FROM access_request WHERE id = %s RETURNING id", request)

    def mapping(self, group: str, role: Role) -> str:
        self.office.rows(
            "INSERT INTO role_mapping (subject, role) VALUES (%s, %s) RETURNING subject", f"group:{group}", role.name
        )
        return f"group:{group}"

    def remove_mappings(self) -> None:
        self.office.rows("DELETE FROM role_mapping RETURNING subject")

    def remove_group(self, group: str) -> None:
        """In Slack, unheard."""
        del self.lab.workspace.groups[group]

    def server(self, state: str = "stopped", *, direct: bool = False) -> str:
        """The one server, with a machine, in this state; its id. `direct`: direct access is allowed."""
        [(number,)] = self.office.rows(
            "UPDATE server SET state = %s, allows_direct_access = %s, machine_id = 'ps1', version = version + 1, "
            "due_at = NULL, holder = NULL, lease_until = NULL, progress = '', failure_kind = NULL, keep_until = NULL, "
            "cloud_asked_at = NULL, desired = %s WHERE name = %s RETURNING id",
            state,
            direct,
            "stopped" if state in ("stopping", "stopped") else "running",
            SERVER,
        )
        return str(number)

    def unknown_machine(self, fate: str = "open") -> str:
        """A machine that no server has, of which this was decided; what a button about it holds."""
        now = self.lab.clock.now()
        self.office.rows(
            "INSERT INTO unknown_machine VALUES (%s, 'ps-strange', 'notebook', 'A4000', 'NY2', %s, %s, %s, true) "
            "ON CONFLICT (provider, machine_id) DO UPDATE SET fate = EXCLUDED.fate RETURNING 1",
            CLOUD,
            now,
            now,
            fate,
        )
        return f"{CLOUD}|ps-strange"

    def key(self) -> None:
        """Of the cloud; one that it does not accept."""
        sealed = SecretBox(SecretKeys([b"k" * 32])).seal(b"key-of-before", Cell("provider_key", "secret", (CLOUD,)))
        self.office.rows(
            "INSERT INTO provider_key VALUES (%s, %s, 'fore', 'Lab', 'T0ACME/U0ADAM', %s, %s) RETURNING 1",
            CLOUD,
            sealed.data,
            self.lab.clock.now(),
            self.lab.clock.now(),
        )

    def proposal(self, user: str) -> str:
        """Of this person, that something is not personal; its id."""
        [(number,)] = self.office.rows("SELECT nextval(pg_get_serial_sequence('term_proposal', 'id'))")
        term = SecretBox(SecretKeys([b"k" * 32])).seal(b"Ada Lovelace", Cell("term_proposal", "term", (str(number),)))
        self.office.rows(
            "INSERT INTO term_proposal (id, term, type, asker_team, asker_user, asked_at) VALUES "
            "(%s, %s, 'PERSON', 'T0ACME', %s, %s) RETURNING 1",
            number,
            term.data,
            user,
            self.lab.clock.now(),
        )
        return str(number)

    # --- conversations

    def thread(self) -> str:
        """Of a message of somebody else, in ROOM; its ts."""
        room = self.lab.workspace.channels[ROOM]
        return str(self.lab.workspace.post(room, {"user": USERS[Who.ADMIN], "text": "a question"})["ts"])

    def turn_of(self, user: str, state: str, *, kind: str = "prompt", end: str = "stop", is_bound: bool = True) -> str:
        """A turn that they asked, in a thread of its own, of the one server unless no server is chosen; its id."""
        now, thread_ts = self.lab.clock.now(), self.thread()
        [(conversation,)] = self.office.rows(
            "INSERT INTO conversation (team, channel, thread_ts, server_id, starter_user, created_at, began_in_thread, "
            "cleared_ts, asked_at) SELECT 'T0ACME', %s, %s, CASE WHEN %s THEN id END, %s, %s, true, '', %s "
            "FROM server WHERE name = %s RETURNING id",
            ROOM,
            thread_ts,
            is_bound,
            user,
            now,
            now,
            SERVER,
        )
        first = self._turn(conversation, user, "done" if kind == "edit" else state, thread_ts, end=end)
        if kind != "edit":
            return str(first)
        return str(self._turn(conversation, user, state, thread_ts, kind=kind, end=end, replaces=first))

    def answer_again(self, turn: str) -> None:
        """Another turn stands behind this one."""
        query = "SELECT conversation_id, author_user, prompt_ts FROM turn WHERE id = %s"
        [(conversation, user, prompt_ts)] = self.office.rows(query, turn)
        self._turn(conversation, user, "done", f"{prompt_ts}1", end="stop")

    def forget_talk(self) -> None:
        for table in (
            "turn_vote",
            "turn",
            "conversation_key",
            "conversation",
            "person_talk",
            "server_talk",
            "channel_server",
        ):
            self.office.rows(f"DELETE FROM {table} RETURNING 1")

    def _turn(
        self,
        conversation: int,
        user: str,
        state: str,
        prompt_ts: str,
        *,
        kind: str = "prompt",
        end: str,
        replaces: int | None = None,
    ) -> int:
        [(number,)] = self.office.rows("SELECT nextval(pg_get_serial_sequence('turn', 'id'))")
        prompt = SecretBox(SecretKeys([b"k" * 32])).seal(b"a question", Cell("turn", "prompt", (str(number),)))
        self.office.rows(
            "INSERT INTO turn (id, conversation_id, key, kind, state, author_user, prompt_ts, created_at, replaces, "
            "is_seen, prompt, is_redacted, parts, tries, end_reason, redactions, left_out, failure) VALUES "
            "(%s, %s, %s, %s, %s, %s, %s, %s, %s, true, %s, true, %s, 0, %s, 0, 0, '') RETURNING 1",
            number,
            conversation,
            f"test/{number}",
            kind,
            state,
            user,
            prompt_ts,
            self.lab.clock.now(),
            replaces,
            prompt.data,
            "[]" if kind == "edit" else '[["1.000001", 0]]',
            end,
        )
        return int(number)

    # --- acting

    def draw(self, user: str, blocks: list[Json], place: Place, *, metadata: str = "") -> Callable[[], Spot]:
        """Puts the blocks before somebody; finds them there again."""
        room, act = self.lab.workspace.channels[ROOM], self.lab.platform.interactivity
        message = {**self.lab.platform.app.authorship(), "text": "drawn", "blocks": _with_ids(blocks)}
        match place:
            case Place.CHANNEL:
                ts = self.lab.workspace.post(room, message)["ts"]
                return lambda: act.spot_in_message(user, room, ts)
            case Place.PRIVATE:
                ts = self.lab.workspace.show_ephemeral(room, user, message)["ts"]
                return lambda: act.spot_in_message(user, room, ts)
            case Place.MODAL:
                view_id = self.open(user, kit.modal("drawn", "Drawn", blocks, private_metadata=metadata))["id"]
                return lambda: act.spot_in_view(user, view_id)
            case Place.HOME:
                view_id = self.lab.platform.views.publish(user, {"type": "home", "blocks": blocks})["id"]
                return lambda: act.spot_in_view(user, view_id)

    def open(self, user: str, view: Json) -> Json:
        return self.lab.platform.views.open(user, view, channel=ROOM, within_modal=False)

    # --- seeing

    def own(self, user: str) -> dict[str, Shown]:
        """What this person alone has before them, by where it stands."""
        found = {
            f"{channel.id}/{ts}": _shown(message)
            for channel in self.lab.workspace.channels.values()
            for ts, (owner, message) in channel.ephemerals.items()
            if owner == user
        }
        direct = self.lab.workspace.direct_message([user, APP_USER_ID])
        found |= {f"{direct.id}/{ts}": _shown(message) for ts, message in direct.messages.items()}
        if modal := self.lab.platform.views.top(user):
            found[modal.view["hash"]] = Shown(words(modal.view), is_sentence=modal.view["callback_id"] == "problem")
        if home := self.lab.platform.views.home(user):
            found[home["hash"]] = Shown(words(home), is_sentence=False)
        return found

    def others(self, user: str) -> dict[str, str]:
        """What everybody else has before them."""
        direct = self.lab.workspace.direct_message([user, APP_USER_ID])
        return {
            f"{channel.id}/{ts}": words(message)
            for channel in self.lab.workspace.channels.values()
            if channel is not direct
            for ts, message in [
                *channel.messages.items(),
                *((ts, message) for ts, (owner, message) in channel.ephemerals.items() if owner != user),
            ]
        }


def _shown(message: Json) -> Shown:
    return Shown(words(message), is_sentence=not message.get("blocks"))


def _with_ids(blocks: list[Json]) -> list[Json]:
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]
