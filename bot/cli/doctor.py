import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import click
from slack_sdk.errors import SlackApiError

from bot.budgets import LocalBudgets
from bot.database import Database, open_database
from bot.identity import who_am_i
from bot.main import open_sender
from bot.manifest import declared_scopes
from bot.sender import Sender
from bot.settings import Settings
from core.clock import SystemClock
from core.errors import ConfigurationError, PrimeError
from db.migrate import head_revision


class Finding(NamedTuple):
    wire: str
    ok: bool
    words: str


@click.command
def doctor() -> None:
    """Check every wire: Slack, database, keys."""
    settings = Settings.load()
    for row in settings.describe():
        print(f"     {row.variable}: {row.value}")
    print()
    findings = asyncio.run(_collect(settings))
    for finding in findings:
        print(f"{'ok' if finding.ok else 'FAIL':<5}{finding.wire}: {finding.words}")
    if not all(finding.ok for finding in findings):
        raise click.exceptions.Exit(1)


async def _collect(settings: Settings) -> list[Finding]:
    return [finding async for finding in _examine(settings)]


async def _examine(settings: Settings) -> AsyncIterator[Finding]:
    async for finding in _examine_slack(settings):
        yield finding
    async for finding in _examine_database(settings):
        yield finding
    for wire, secret in (("Paperspace key", settings.paperspace_api_key), ("Hugging Face", settings.hf_token)):
        yield Finding(wire, ok=True, words="not set" if secret is None else "set; nothing uses it yet")


async def _examine_slack(settings: Settings) -> AsyncIterator[Finding]:
    try:
        settings.check_slack()
    except ConfigurationError as error:
        yield Finding("Slack", ok=False, words=str(error))
        return
    async with open_sender(settings, LocalBudgets(), SystemClock()) as sender:
        try:
            identity = await who_am_i(sender)
        except PrimeError as error:
            yield Finding("Slack bot token", ok=False, words=str(error))
        else:
            yield Finding("Slack bot token", ok=True, words=f"works in the workspace {identity.team_name}")
            missing = sorted(declared_scopes() - identity.scopes)
            words = (
                "all there"
                if not missing
                else (f"{', '.join(missing)} missing. Update the app from `prime manifest`, then reinstall it.")
            )
            yield Finding("Slack scopes", ok=not missing, words=words)
        if settings.slack_app_token is None:
            yield Finding("Slack deliveries", ok=True, words="by HTTP, checked with SLACK_SIGNING_SECRET")
        else:
            yield await _examine_app_token(sender, settings.slack_app_token.get_secret_value())


async def _examine_app_token(sender: Sender, token: str) -> Finding:
    try:
        await sender.apps_connections_open(app_token=token)
    except SlackApiError as error:
        words = (
            f"Slack does not accept SLACK_APP_TOKEN ({error.response['error']}). Make one with the scope "
            "connections:write at https://api.slack.com/apps, on the page of your app, under Basic Information."
        )
        return Finding("Slack app token", ok=False, words=words)
    except PrimeError as error:
        return Finding("Slack app token", ok=False, words=str(error))
    return Finding("Slack app token", ok=True, words="opens Socket Mode connections")


async def _examine_database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        async with open_database(settings, migrate=False) as database:
            where = "embedded" if database.embedded else "DATABASE_URL"
            current = await database.storage.schema_is_current()
            yield Finding("Database", ok=True, words=f"answers ({where})")
            yield _examine_schema(database, current=current)
            if current:
                yield await _examine_key(database)
    except PrimeError as error:
        yield Finding("Database", ok=False, words=str(error))


def _examine_schema(database: Database, *, current: bool) -> Finding:
    if current:
        return Finding("Schema", ok=True, words=f"revision {head_revision()}")
    words = f"not at revision {head_revision()}. "
    if database.embedded:
        return Finding("Schema", ok=True, words=words + "`prime run` will bring it there.")
    return Finding("Schema", ok=False, words=words + "Run `prime migrate`.")


async def _examine_key(database: Database) -> Finding:
    """The audit chain's newest row and every sealed value name their key."""
    async with database.storage.transaction(snapshot=True) as stores:
        head = await stores.audit.head()
    signed_by_another = head.key_id != "" and head.key_id not in database.keys.audit.by_id
    if signed_by_another or await database.unreadable():
        words = "what is stored was encrypted with another key. Add that one to PRIME_SECRET_KEY, after a comma."
        return Finding("Secret key", ok=False, words=words)
    return Finding("Secret key", ok=True, words="opens what is stored" if head.key_id else "nothing is stored yet")
