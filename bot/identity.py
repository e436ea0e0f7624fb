"""Who Prime is in the workspace."""

from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from core.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    team: str
    team_name: str
    bot_user: str
    bot: str
    """The id that marks messages of this app, `B…`."""
    scopes: frozenset[str]
    """What the token may do."""


async def who_am_i(client: AsyncWebClient) -> Identity:
    """Raises ConfigurationError if Slack does not take the bot token, SlackUnavailableError."""
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        raise ConfigurationError(
            f"Slack does not accept SLACK_BOT_TOKEN ({error.response['error']}). Copy the Bot User OAuth Token again "
            "from https://api.slack.com/apps, on the page of your app, under OAuth & Permissions."
        ) from error
    scopes = answer.headers.get("x-oauth-scopes", "")
    return Identity(
        team=str(answer["team_id"]),
        team_name=str(answer["team"]),
        bot_user=str(answer["user_id"]),
        bot=str(answer["bot_id"]),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )
