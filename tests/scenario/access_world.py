"""An office with somebody of every kind in it, acting through the lab's Slack itself: for the matrix of access."""

from collections.abc import Callable
from enum import StrEnum
from itertools import count
from typing import Any

from bot.views import kit
from core.access.model import Role
from lab.slack import people
from lab.slack.deliveries import Kind
from lab.slack.interactivity import Spot
from lab.slack.people import APP_USER_ID
from lab.slack.screen import Json, words
from tests.scenario.access import Office

ROOM = "C0GENERAL"


class Who(StrEnum):
    NONE = "none"
    READ = "read"
    READ_WRITE = "read_write"
    ADMIN = "admin"
    GUEST = "guest"
    STRANGER = "stranger"
    DEACTIVATED = "deactivated"


USERS = {who: f"U0{who.name.replace('_', '')}" for who in Who}
FLAGS: dict[Who, Json] = {
    Who.GUEST: {"is_restricted": True},
    Who.STRANGER: {"team_id": people.OTHER_TEAM_ID},
    Who.DEACTIVATED: {"deleted": True},
}


class Place(StrEnum):
    CHANNEL = "in a channel"
    PRIVATE = "in an ephemeral message"
    MODAL = "in a modal"
    HOME = "in App Home"


class World:
    """Each act returns when Prime has acknowledged it; what people have before them is read where the lab keeps it."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.lab = office.lab
        self._numbers = count(1)
        for who, user in USERS.items():
            self.add(user, **FLAGS.get(who, {}))
            if who not in (Who.NONE, Who.READ, Who.READ_WRITE, Who.ADMIN):
                self.give(user, Role.ADMIN)  # whatever they hold, they are NONE
            elif who is not Who.NONE:
                self.give(user, Role[who.name])

    # --- people and things

    def add(self, user: str, **flags: Any) -> None:
        given = {"id": user, "name": user.lower(), "real_name": user, "kind": "", **flags}
        self.lab.workspace.people[user] = people.Person(**given)
        self.lab.workspace.channels[ROOM].members.append(user)

    def somebody(self, role: Role = Role.NONE) -> str:
        user = f"U0SOME{next(self._numbers)}"
        self.add(user)
        if role is not Role.NONE:
            self.give(user, role)
        return user

    def give(self, user: str, role: Role) -> None:
        self.office.rows(
            'INSERT INTO role_grant (team, "user", role, granted_by, reason, since, announced) '
            "VALUES ('T0ACME', %s, %s, 'cli:test', '', '2026-01-01', false) RETURNING id",
            user,
            role.name,
        )

    def take(self, user: str) -> None:
        self.office.rows('DELETE FROM role_grant WHERE "user" = %s RETURNING id', user)

    def request_of(self, user: str) -> str:
        """A new open request; its id."""
        self.forget_request_of(user)
        [(number,)] = self.office.rows(
            'INSERT INTO access_request (team, "user", role, duration_seconds, reason, state, created_at, '
            "denial_reason) VALUES ('T0ACME', %s, 'READ', 3600, 'because', 'open', %s, '') RETURNING id",
            user,
            self.lab.clock.now(),
        )
        return str(number)

    def forget_request_of(self, user: str) -> None:
        query = "UPDATE access_request SET state = 'withdrawn' WHERE \"user\" = %s AND state = 'open' RETURNING id"
        self.office.rows(query, user)

    def mapping(self, group: str, role: Role) -> str:
        self.office.rows(
            "INSERT INTO role_mapping (subject, role) VALUES (%s, %s) ON CONFLICT (subject) DO UPDATE SET role = %s "
            "RETURNING subject",
            f"group:{group}",
            role.name,
            role.name,
        )
        return f"group:{group}"

    # --- acting

    def draw(self, user: str, blocks: list[Json], place: Place) -> Callable[[], Spot]:
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
                view_id = self.open(user, kit.modal("drawn", "Drawn", blocks))["id"]
                return lambda: act.spot_in_view(user, view_id)
            case Place.HOME:
                view_id = self.lab.platform.views.publish(user, {"type": "home", "blocks": blocks})["id"]
                return lambda: act.spot_in_view(user, view_id)

    def open(self, user: str, view: Json) -> Json:
        return self.lab.platform.views.open(user, view, channel=ROOM, within_modal=False)

    async def again(self) -> None:
        """The newest interaction comes a second time."""
        attempt = next(one for one in reversed(self.lab.record.deliveries) if one.kind == Kind.INTERACTIVE)
        await self.lab.platform.deliveries.ask(Kind.INTERACTIVE, attempt.name, attempt.payload)

    # --- seeing

    def own(self, user: str) -> dict[str, str]:
        """What this person alone has before them, by where it stands."""
        found = {
            f"{channel.id}/{ts}": words(message)
            for channel in self.lab.workspace.channels.values()
            for ts, (owner, message) in channel.ephemerals.items()
            if owner == user
        }
        direct = self.lab.workspace.direct_message([user, APP_USER_ID])
        found |= {f"{direct.id}/{ts}": words(message) for ts, message in direct.messages.items()}
        if modal := self.lab.platform.views.top(user):
            found[modal.view["hash"]] = words(modal.view)
        if home := self.lab.platform.views.home(user):
            found[home["hash"]] = words(home)
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


def _with_ids(blocks: list[Json]) -> list[Json]:
    return [{"block_id": f"b{number}", **block} for number, block in enumerate(blocks)]
