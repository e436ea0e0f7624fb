"""The people of the lab's workspace "Acme": one of every kind that an app can meet."""

from dataclasses import dataclass, field

TEAM_ID = "T0ACME"
TEAM_NAME = "Acme"
TEAM_DOMAIN = "acme"
OTHER_TEAM_ID = "T0GLOBEX"

APP_USER_ID = "U0PRIME"
APP_BOT_ID = "B0PRIME"
SLACKBOT_ID = "USLACKBOT"

Json = dict[str, object]


@dataclass(slots=True, kw_only=True)
class Person:
    id: str
    name: str
    real_name: str
    kind: str
    """What the page calls them, such as "workspace owner"."""
    display_name: str = ""
    title: str = ""
    color: str = "5b6770"
    team_id: str = TEAM_ID
    tz: str = "Europe/Helsinki"
    tz_offset: int = 7200
    is_admin: bool = False
    is_owner: bool = False
    is_primary_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_bot: bool = False
    is_app_user: bool = False
    deleted: bool = False
    bot_id: str | None = None
    updated: int = 1_760_000_000

    @property
    def is_guest(self) -> bool:
        return self.is_restricted or self.is_ultra_restricted

    @property
    def is_external(self) -> bool:
        return self.team_id != TEAM_ID

    @property
    def initials(self) -> str:
        return "".join(word[0] for word in self.real_name.split()[:2]).upper()

    @property
    def email(self) -> str:
        return f"{self.name}@{'globex' if self.is_external else 'acme'}.example"


@dataclass(slots=True, kw_only=True)
class Group:
    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    disabled_at: int = 0
    updated_at: int = 1_760_000_000


def cast() -> list[Person]:
    return [
        Person(
            id="U0OLIVIA", name="olivia", real_name="Olivia Brandt", kind="workspace owner", title="Head of research",
            color="b3446c", is_admin=True, is_owner=True, is_primary_owner=True,
        ),
        Person(
            id="U0ADAM", name="adam", real_name="Adam Okafor", kind="workspace admin", title="Platform lead",
            color="2d6cdf", is_admin=True,
        ),
        Person(
            id="U0BEA", name="bea", real_name="Bea Lindqvist", display_name="bea", kind="builder", title="ML engineer",
            color="3a8f5c",
        ),
        Person(
            id="U0RITA", name="rita", real_name="Rita Moreau", display_name="Rita", kind="reader", title="Data analyst",
            color="c9772b",
        ),
        Person(
            id="U0NILS", name="nils", real_name="Nils Aaltonen", kind="newcomer", title="Researcher, first week",
            color="7a5cc2",
        ),
        Person(
            id="U0GUS", name="gus", real_name="Gus Petrov", display_name="gus", kind="guest", title="Contractor",
            color="8a6d3b", is_restricted=True,
        ),
        Person(
            id="U0SAM", name="sam", real_name="Sam Whitfield", kind="Slack Connect stranger", title="Partner at Globex",
            color="16808a", team_id=OTHER_TEAM_ID,
        ),
        Person(id="U0DORA", name="dora", real_name="Dora Keller", kind="deactivated", deleted=True),
        # Slack's own oddity: Slackbot says that it is no bot.
        Person(id=SLACKBOT_ID, name="slackbot", real_name="Slackbot", kind="bot", color="757575"),
        Person(
            id="U0DEPLOY", name="deploybot", real_name="Deploybot", kind="bot", color="4a5568", is_bot=True,
            bot_id="B0DEPLOY",
        ),
    ]  # fmt: skip


def user_groups() -> list[Group]:
    return [
        Group(id="S0BUILDERS", handle="ml-builders", name="ML builders", users=["U0BEA", "U0ADAM"]),
        Group(id="S0READERS", handle="ml-readers", name="ML readers", users=["U0RITA"]),
    ]


def user_object(person: Person, *, with_email: bool, shares_channel: bool = False) -> Json:
    """The person in the shape of Slack's user object.

    Flags of deactivated people and of people from elsewhere are missing, not false (slack-platform.md section 15).
    `shares_channel`: whether an outsider is in a channel that the app sees; if not, they are a "stranger".
    """
    user: Json = {
        "id": person.id,
        "team_id": person.team_id,
        "name": person.name,
        "deleted": person.deleted,
        "profile": _profile(person, with_email=with_email and not person.is_external),
        "is_bot": person.is_bot,
        "is_app_user": person.is_app_user,
        "updated": person.updated,
    }
    if person.deleted:
        return user
    user |= {"color": person.color, "real_name": person.real_name}
    if person.is_external:
        return user if shares_channel else user | {"is_stranger": True}
    return user | {
        "tz": person.tz,
        "tz_label": person.tz,
        "tz_offset": person.tz_offset,
        "is_admin": person.is_admin,
        "is_owner": person.is_owner,
        "is_primary_owner": person.is_primary_owner,
        "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted,
        "is_email_confirmed": not person.is_bot,
    }


def group_object(group: Group, *, with_users: bool, with_count: bool = False) -> Json:
    shape: Json = {
        "id": group.id,
        "team_id": TEAM_ID,
        "is_usergroup": True,
        "is_subteam": True,
        "name": group.name,
        "description": "",
        "handle": group.handle,
        "is_external": False,
        "date_create": 1_760_000_000,
        "date_update": group.updated_at,
        "date_delete": group.disabled_at,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": "U0OLIVIA",
        "updated_by": "U0OLIVIA",
        "deleted_by": None,
        "prefs": {"channels": [], "groups": []},
    }
    if with_users:
        shape["users"] = list(group.users)
    if with_users or with_count:
        shape["user_count"] = len(group.users)
    return shape


def _profile(person: Person, *, with_email: bool) -> Json:
    profile: Json = {
        "real_name": person.real_name,
        "real_name_normalized": person.real_name,
        "display_name": person.display_name,
        "display_name_normalized": person.display_name,
        "title": person.title,
        "avatar_hash": person.color,
        "team": person.team_id,
    }
    if with_email:
        profile["email"] = person.email
    if person.bot_id:
        profile |= {"bot_id": person.bot_id, "api_app_id": "A0PRIME" if person.id == APP_USER_ID else "A0DEPLOY"}
    return profile
