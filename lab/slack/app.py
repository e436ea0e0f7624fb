"""The app that is installed in the workspace: who it is and what it may do."""

from dataclasses import dataclass, field

from lab.slack.manifest import Manifest
from lab.slack.people import APP_BOT_ID, APP_USER_ID, TEAM_ID, Person

APP_ID = "A0PRIME"

_EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "team_join": "users:read",
    "user_change": "users:read",
    "subteam_created": "usergroups:read",
    "subteam_updated": "usergroups:read",
    "subteam_members_changed": "usergroups:read",
}


@dataclass(slots=True)
class InstalledApp:
    """The manifest is the truth: what it does not declare is not delivered and not permitted."""

    manifest: Manifest
    bot_token: str = "xoxb-lab-bot-token"
    app_token: str = "xapp-1-A0PRIME-lab-app-token"
    signing_secret: str = "lab-signing-secret"
    verification_token: str = "lab-verification-token"
    refused: str | None = None
    """The error that the bot token gives once it was revoked or the app removed."""
    installed_scopes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.installed_scopes = self.manifest.bot_scopes

    def hears(self, event: str, *, scope: str | None = None) -> bool:
        """Whether the app is subscribed to the event and holds the scope for it."""
        needed = scope or _EVENT_SCOPES.get(event)
        return (
            self.refused is None
            and event in self.manifest.bot_events
            and (needed is None or needed in self.installed_scopes)
        )

    def as_person(self) -> Person:
        name = self.manifest.name
        return Person(
            id=APP_USER_ID,
            name=name.lower(),
            real_name=name,
            kind="app",
            color="4a3aff",
            is_bot=True,
            bot_id=APP_BOT_ID,
        )

    def authorship(self) -> dict[str, object]:
        """What marks a message as this app's."""
        return {
            "user": APP_USER_ID,
            "bot_id": APP_BOT_ID,
            "app_id": APP_ID,
            "team": TEAM_ID,
            "bot_profile": {
                "id": APP_BOT_ID,
                "app_id": APP_ID,
                "user_id": APP_USER_ID,
                "name": self.manifest.name,
                "team_id": TEAM_ID,
                "deleted": False,
                "updated": 1_760_000_000,
            },
        }
