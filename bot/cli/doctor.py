import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple

import click
from slack_sdk.errors import SlackApiError

from bot.budgets import LocalBudgets
from bot.database import Database, open_database, open_log_database
from bot.identity import who_am_i
from bot.main import installed_providers, open_hub, open_sender
from bot.manifest import declared_scopes
from bot.sender import Sender
from bot.settings import Settings
from core.catalog.errors import HubTokenRefusedError
from core.clock import SystemClock
from core.errors import ConfigurationError, PrimeError, UnavailableError
from core.redaction.detector_process import open_reader
from core.redaction.model import EntityType
from db.migrate import head_revision

CLOCK_SECONDS = 5.0
PLANTED = "ada@example.com"
PUBLIC_MODEL = "Qwen/Qwen2.5-0.5B-Instruct"


class Finding(NamedTuple):
    wire: str
    ok: bool
    words: str


@click.command
def doctor() -> None:
    """Check every wire: Slack, database, clock, keys."""
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
    yield _examine_detectors(settings)
    yield await _examine_logs(settings)
    yield await _examine_hub(settings)


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
            fits = await database.storage.schema_fits()
            facts = await database.facts()
            tls = "embedded" if database.embedded else "with TLS" if facts.with_tls else "without TLS"
            yield Finding("Database", ok=True, words=f"Postgres {facts.version} answers ({tls})")
            yield _examine_clock(facts.now - SystemClock().now())
            yield _examine_schema(database, fits=fits)
            if fits:
                yield await _examine_key(database)
                async for finding in _examine_providers(settings, database):
                    yield finding
    except PrimeError as error:
        yield Finding("Database", ok=False, words=str(error))


def _examine_clock(ahead: timedelta) -> Finding:
    """Replicas compare times that others wrote into the database, whose own clock stands here for all of theirs."""
    seconds = abs(ahead.total_seconds())
    if seconds <= CLOCK_SECONDS:
        return Finding("Clock", ok=True, words="agrees with the database's")
    words = f"{seconds:,.0f} s off the database's. Let NTP set both: leases and grants end by the clock."
    return Finding("Clock", ok=False, words=words)


def _examine_schema(database: Database, *, fits: bool) -> Finding:
    if fits:
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


async def _examine_providers(settings: Settings, database: Database) -> AsyncIterator[Finding]:
    """Each installed cloud with its stored key, or with the one that is to be stored first."""
    providers = installed_providers(settings, SystemClock())
    for type_ in providers.types():
        async with database.storage.transaction(snapshot=True) as stores:
            secret = await stores.keys.secret(type_)
        if secret is None and type_ == "paperspace" and settings.paperspace_api_key is not None:
            secret = settings.paperspace_api_key.get_secret_value()
        wire = f"{providers.label(type_)} key"
        if secret is None:
            yield Finding(wire, ok=True, words="not given yet; an ADMIN adds one with `/prime keys`")
            continue
        provider = providers.open(type_, secret)
        try:
            yield Finding(wire, ok=True, words=f"works for the account {await provider.check_credentials()}")
        except PrimeError as error:
            yield Finding(wire, ok=False, words=str(error))
        finally:
            await provider.aclose()


def _examine_detectors(settings: Settings) -> Finding:
    engine, model = settings.prime_redaction_engine, settings.prime_redaction_model
    try:
        [found] = open_reader(engine, model).find([f"Mail {PLANTED}."])
    except PrimeError as error:
        return Finding("Redaction", ok=False, words=str(error))
    if EntityType.EMAIL not in {one.type for one in found}:
        return Finding("Redaction", ok=False, words="does not find an e-mail address. Install Prime anew.")
    return Finding("Redaction", ok=True, words=f"engine {engine}" + (f", model {model}" if engine == "spacy" else ""))


async def _examine_logs(settings: Settings) -> Finding:
    try:
        database = open_log_database(settings)
        if database is None:
            return Finding("Log database", ok=True, words="not given, so engines' logs stay on their machines")
        try:
            problem = await database.problem()
        finally:
            await database.aclose()
    except PrimeError as error:
        away = "LOG_DATABASE_URL does not answer. Prime goes on without engines' logs."
        words = str(error) if isinstance(error, ConfigurationError) else away
        return Finding("Log database", ok=False, words=words)
    return Finding("Log database", ok=problem is None, words=problem or "answers, and makes roles for machines")


async def _examine_hub(settings: Settings) -> Finding:
    """By a small public model that has been there for years; a wrong token is refused for it too."""
    hub = open_hub(settings, SystemClock())
    try:
        await hub.model(PUBLIC_MODEL)
        own = len(await hub.organisation_models())
    except HubTokenRefusedError as error:
        return Finding("Hugging Face", ok=False, words=str(error))
    except UnavailableError:
        words = "does not answer now; Prime goes on with the models that it knows"
        return Finding("Hugging Face", ok=True, words=words)
    except PrimeError as error:
        return Finding("Hugging Face", ok=False, words=str(error))
    finally:
        await hub.aclose()
    words = "answers" if settings.hf_token is None else "answers, and takes HF_TOKEN"
    return Finding("Hugging Face", ok=True, words=words + (f"; {own} models of {settings.hf_org}" if own else ""))
