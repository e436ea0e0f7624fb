"""Who the app is, and the way into Socket Mode."""

from lab.slack.app import APP_ID
from lab.slack.errors import SlackError
from lab.slack.limits import Tier
from lab.slack.people import APP_BOT_ID, APP_USER_ID, TEAM_DOMAIN, TEAM_ID, TEAM_NAME
from lab.slack.web_api.registry import Answer, Call, Token, method


@method("api.test", tier=Tier.HIGH)
def test_api(call: Call) -> Answer:
    return {"args": call.arguments.given}


@method("auth.test", tier=Tier.HIGH)
def test_auth(call: Call) -> Answer:
    return {
        "url": f"https://{TEAM_DOMAIN}.slack.com/",
        "team": TEAM_NAME,
        "user": call.platform.workspace.people[APP_USER_ID].name,
        "team_id": TEAM_ID,
        "user_id": APP_USER_ID,
        "bot_id": APP_BOT_ID,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", tier=Tier.T3, token=Token.APP)
def open_connection(call: Call) -> Answer:
    socket_mode = call.platform.socket_mode
    if call.platform.deliveries.transport is not socket_mode:
        raise SlackError("socket_mode_not_enabled")
    base = call.platform.response_urls.base.replace("http://", "ws://", 1)
    return {"url": f"{base}/link/?ticket={socket_mode.new_ticket()}&app_id={APP_ID}"}


@method("team.info", tier=Tier.T3, scopes=("team:read",))
def team_info(call: Call) -> Answer:
    team = call.arguments.text("team")
    if team and team != TEAM_ID:
        raise SlackError("team_not_found")
    return {"team": {"id": TEAM_ID, "name": TEAM_NAME, "domain": TEAM_DOMAIN, "email_domain": "", "icon": {}}}


@method("bots.info", tier=Tier.T3, scopes=("users:read",))
def bots_info(call: Call) -> Answer:
    bot_id = call.arguments.text("bot") or APP_BOT_ID
    for person in call.platform.workspace.people.values():
        if person.bot_id == bot_id:
            return {
                "bot": {
                    "id": bot_id,
                    "deleted": person.deleted,
                    "name": person.real_name,
                    "updated": person.updated,
                    "app_id": APP_ID if bot_id == APP_BOT_ID else "A0DEPLOY",
                    "user_id": person.id,
                    "icons": {},
                }
            }
    raise SlackError("bot_not_found")
