"""The Slack app: what Bolt does with a request, wherever it came from."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext

from bot import listeners
from bot.actor import actor_middleware
from bot.errors import error_handler
from bot.identity import Identity
from bot.inbox import Intake, inbox_middleware
from bot.log_follows import LogFollows
from bot.replies import SlackReplies
from bot.sender import Sender
from core.services import Services


def build_app(
    *,
    sender: Sender,
    identity: Identity,
    services: Services,
    log_follows: LogFollows,
    replies: SlackReplies,
    intake: Intake,
) -> AsyncApp:
    async def use_sender(context: AsyncBoltContext, next_: Callable[[], Awaitable[None]]) -> None:
        # Bolt makes a plain client, and a plain webhook client, for each request: those would bypass the sender.
        context["client"] = sender
        context["log_follows"] = log_follows
        context["replies"] = replies
        context["respond"] = partial(sender.respond, context.response_url) if context.response_url else None
        await next_()

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team,
            bot_user_id=identity.bot_user,
            bot_id=identity.bot,
            bot_token=sender.token,
        )

    quiet = logging.getLogger("prime.bolt")
    quiet.setLevel(logging.ERROR)
    app = AsyncApp(
        name="prime",
        logger=quiet,
        client=sender,
        authorize=authorize,
        before_authorize=use_sender,
        process_before_response=True,  # CONTRIBUTING.md tells why
        raise_error_for_unhandled_request=True,  # so that the error handler answers those too
        # Both are done in bot.http, before a body is parsed; frames of Socket Mode are not signed.
        request_verification_enabled=False,
        ssl_check_enabled=False,
        signing_secret="",
    )
    app.use(inbox_middleware(intake))
    app.use(actor_middleware(services, team=identity.team))
    app.error(error_handler(sender))
    listeners.register(app)
    return app
