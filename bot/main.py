"""Prime, put together: settings → database → services → app, worker, schedule, connection; stopped in reverse."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from secrets import token_hex
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp

from bot import metrics
from bot.app import build_app
from bot.budgets import SharedBudgets
from bot.catch_up import CatchUp
from bot.database import Database, open_database, open_log_database, require_schema
from bot.detectors import open_detector
from bot.directory import SlackChannels, SlackDirectory, SlackGroups
from bot.dispatch import dispatcher
from bot.http import HttpServer, SlackDoor
from bot.identity import Identity, who_am_i
from bot.inbox import Intake
from bot.log import log_unexpected, loop_exception_handler
from bot.log_follows import EVERY_SECONDS, LogFollows
from bot.notifier import Notices
from bot.pacer import Pacer
from bot.replies import SlackReplies
from bot.schedule import Job, scheduled
from bot.sender import Sender
from bot.settings import Settings
from bot.socket import Pace, SocketMode
from bot.worker import Worker
from core.audit.service import ChainState
from core.cancellation import to_its_end
from core.clock import Clock, SystemClock
from core.cost.service import Costs
from core.errors import DatabaseUnavailableError, UnavailableError
from core.inbox.service import Inbox
from core.jobs.follow_slack import follow_slack
from core.jobs.forget_conversations import forget_conversations
from core.jobs.note_audit_head import note_audit_head
from core.jobs.retain_audit import retain_audit
from core.jobs.tidy_inbox import tidy_inbox
from core.lead.service import Leadership
from core.logs.service import Logs
from core.pacing.ports import BudgetStore
from core.redaction.ports import Detector
from core.redaction.redactor import Redactor
from core.servers.mover import Mover
from core.servers.steps import Wiring
from core.services import Services, build_services
from core.storage import Storage
from core.talk import answering
from core.talk.redacting import Redacting
from core.talk.talker import Talker
from core.watch import wiring as watching
from core.watch.monitor import Monitor
from db.listening import listen
from providers.engines.registry import InstalledEngines
from providers.front import Front
from providers.hub import HuggingFace
from providers.registry import InstalledProviders, find_factories
from providers.startup.script import Startup

STOP_SECONDS = 28.0
"""More than the parts take to stop, each within its own bound."""
LINGER_SECONDS = 4.0
"""For which a load balancer may not have noticed that Prime stops, and hands on deliveries."""
LOOK_SECONDS = 2.0
MOVE_SECONDS = 2.0
"""How often a server on its way up or down is looked at."""
COST_SECONDS = 300.0
"""How often it is looked whether a limit is reached, a digest due or a request to go beyond a limit over."""
WAKING_SECONDS = 1.0
"""How often it is looked whether a server that questions wait for is ready."""
LONGEST_WAIT_SECONDS = 30.0

_log = structlog.get_logger(__name__)


def run(settings: Settings) -> None:
    """Runs Prime until SIGINT or SIGTERM. Raises PrimeError for what an operator should put right."""
    settings.check_slack()
    try:
        asyncio.run(_until_signal(settings))
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from group


async def _until_signal(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(loop_exception_handler)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    serving = asyncio.create_task(serve(settings), name="prime")
    stopping = asyncio.create_task(stop.wait(), name="signals")
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not serving.done():
        _log.info("stopping")
        serving.cancel()
        await asyncio.wait({serving}, timeout=STOP_SECONDS)
    if serving.done() and not serving.cancelled():
        serving.result()
    _log.info("stopped")


async def serve(
    settings: Settings,
    *,
    clock: Clock | None = None,
    pace: Pace | None = None,
    on_listening: Callable[[int], object] = bool,
) -> None:
    """Runs until it is cancelled. `on_listening` is told the port of PRIME_HTTP_ADDR.

    Raises PrimeError, or a group with one in it, for what an operator should put right."""
    clock = clock or SystemClock()
    door = _door(settings)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            HttpServer(address=settings.prime_http_addr, metrics_address=settings.prime_metrics_addr, door=door)
        )
        http.checks["slack"] = _always("Slack was not reached yet.")
        on_listening(http.port)
        database = await stack.enter_async_context(open_database(settings))
        stack.push_async_callback(http.close)  # before the database is closed, which its checks ask
        http.checks["database"] = lambda: _database_not_ready(database.storage)
        with suppress(DatabaseUnavailableError):  # then the schema is looked at when it answers
            await require_schema(database.storage)
        budgets = SharedBudgets(database.budgets)
        sender = await stack.enter_async_context(open_sender(settings, budgets, clock))
        identity = await _identity(sender, clock)
        _log.info("slack_reached", team=identity.team, bot_user=identity.bot_user)

        holder = f"{socket.gethostname()}/{os.getpid()}/{token_hex(4)}"
        inbox = Inbox(database.storage, clock, holder=holder)
        news = asyncio.Event()  # what the app stores wakes the worker, which works through the app
        asked = asyncio.Event()  # and what that writes down for the talker wakes the talker
        hub = open_hub(settings, clock)
        stack.push_async_callback(hub.aclose)
        engines = InstalledEngines(tgi_image=settings.tgi_image)
        stack.push_async_callback(engines.aclose)
        front = Front(scheme=settings.tgi_scheme, port=settings.tgi_port)
        providers = installed_providers(settings, clock)
        log_database = open_log_database(settings)
        if log_database is not None:
            stack.push_async_callback(log_database.aclose)
        detector = await stack.enter_async_context(open_detector(settings, clock))
        http.checks["detectors"] = lambda: _detector_not_ready(detector)
        redactor = Redactor(detector)
        services = build_services(
            clock=clock,
            storage=database.storage,
            inbox=inbox,
            directory=SlackDirectory(sender, clock, team=identity.team),
            groups=SlackGroups(sender, team=identity.team),
            channels=SlackChannels(sender, clock, team=identity.team),
            redactor=redactor,
            hub=hub,
            providers=providers,
            engines=engines,
            front=front,
            team=identity.team,
            admin_users=settings.prime_admins,
            log_database=log_database,
            wake_talker=asked.set,
        )
        stack.push_async_callback(services.catalog.aclose)
        mover = Mover(
            _wiring(settings, database.storage, engines, front, services.logs),
            clock,
            open_provider=services.keys.open,
            holder=holder,
        )
        lead = Leadership(database.storage, clock, holder=holder)
        metrics.leader.set_function(lambda: lead.epoch is not None)
        monitor = Monitor(
            watching.Wiring(
                storage=database.storage,
                clock=clock,
                lead=lead,
                providers=providers,
                open_provider=services.keys.open,
                front=front,
                engines=engines,
            )
        )
        log_follows = LogFollows(sender, services)
        replies = SlackReplies(sender, services.servers, clock)
        redacting = Redacting(
            storage=database.storage,
            redactor=redactor,
            rulebook=services.redaction,
            canaries=[one.get_secret_value() for one in settings.prime_redaction_canaries],
        )
        talker = Talker(
            _talking(settings, database.storage, clock, engines, front, redacting),
            replies,
            holder=holder,
            news=asked,
            report=lambda what, error, turn: log_unexpected(what, error, turn=turn),
            drain_seconds=settings.prime_drain_seconds,
        )
        intake = Intake(inbox, bot_user=identity.bot_user, is_heard=services.talk.is_heard, wake=news.set)
        catch_up = CatchUp(sender, services.talk, intake, clock)
        app = build_app(
            sender=sender,
            identity=identity,
            services=services,
            log_follows=log_follows,
            replies=replies,
            intake=intake,
        )
        notices = Notices(
            sender, services, replies, team=identity.team, approval_channel=settings.prime_approval_channel
        )
        worker = Worker(inbox, dispatcher(app, sender, notices.table()), clock, news=news)

        async with asyncio.TaskGroup() as tasks:
            jobs = [
                *_jobs(services, database, settings),
                *_showing(notices),
                *_log_jobs(services.logs, log_follows),
                *_watching(services, monitor, settings),
                *_cost_jobs(services.costs, lead),
                Job(name="look_after_waking", run=talker.look_after_waking, seconds=WAKING_SECONDS, leads=True),
            ]
            workers = {
                "worker": worker.run,
                "mover": mover.run,
                "talker": talker.run,
                "catch up": catch_up.run,
                "news": lambda: listen(database.url, {"inbox": news.set, "turn": asked.set}, clock),
            }
            tasks.create_task(detector.watch(), name="detectors")
            tasks.create_task(_work(workers, lead, jobs, database.storage, clock), name="work")
            if settings.slack_app_token is not None:
                app_token = settings.slack_app_token.get_secret_value()
                connection = SocketMode(
                    sender=sender,
                    app_token=app_token,
                    handler=app.async_dispatch,
                    clock=clock,
                    pace=pace,
                    on_gap_over=catch_up.begin,
                )
                http.checks["slack"] = lambda: _socket_not_ready(connection)
                tasks.create_task(connection.run(), name="socket")
            else:
                assert door is not None
                http.checks["slack"] = _always(None)
                catch_up.begin()
                tasks.create_task(_open(door, app, http, settings, clock), name="door")


def _door(settings: Settings) -> SlackDoor | None:
    """With both an app token and a signing secret, Socket Mode wins."""
    if settings.slack_app_token is not None or settings.slack_signing_secret is None:
        return None
    return SlackDoor(settings.slack_signing_secret.get_secret_value())


async def _open(door: SlackDoor, app: AsyncApp, http: HttpServer, settings: Settings, clock: Clock) -> None:
    door.app = app
    try:
        await asyncio.Event().wait()
    finally:
        http.checks["slack"] = _always("Prime is stopping.")
        await clock.sleep(min(LINGER_SECONDS, settings.prime_drain_seconds))
        door.app = None


async def _work(
    workers: Mapping[str, Callable[[], Coroutine[Any, Any, None]]],
    lead: Leadership,
    jobs: Sequence[Job],
    storage: Storage,
    clock: Clock,
) -> None:
    """The workers, by name, the lead and the jobs, from when the database is known to have the right schema. The lead
    is given back last, when the jobs that need it have ended."""
    while True:
        try:
            await to_its_end(require_schema(storage))
        except DatabaseUnavailableError:
            await clock.sleep(LOOK_SECONDS)
        else:
            break
    async with asyncio.TaskGroup() as leading:
        leading.create_task(lead.run(), name="lead")
        async with scheduled(jobs, is_leading=lambda: lead.epoch is not None), asyncio.TaskGroup() as tasks:
            for name, run_worker in workers.items():
                tasks.create_task(run_worker(), name=name)


def _jobs(services: Services, database: Database, settings: Settings) -> list[Job]:
    """What only the leader runs would be right on every replica too, but costs: machines that restart, Slack's limits,
    locks that people wait for. What sets this process's own metrics or reads its settings runs on all, and so does
    following Slack, which is not to wait for a leader."""

    async def tidy() -> None:
        metrics.inbox_depth.set(await tidy_inbox(services.inbox, services.storage))

    def note(state: ChainState) -> None:
        metrics.audit_head.set(state.seq)
        metrics.audit_rows.set(state.rows)

    first_keys = [] if settings.paperspace_api_key is None else [("paperspace", settings.paperspace_api_key)]

    async def keep_first_key() -> None:
        """Until it is kept; one that an ADMIN removes later does not come back before the next start."""
        while first_keys:
            provider, key = first_keys[0]
            await services.keys.first_key(provider, key.get_secret_value())
            first_keys.pop()

    return [
        # People before groups, whose members are looked up among them; both well within the five minutes for which
        # Slack's facts hold, so that nobody waits for them.
        Job(
            name="follow_slack",
            run=lambda: follow_slack(services.people, services.access, services.mappings),
            seconds=240,
        ),
        Job(name="keep_first_key", run=keep_first_key, seconds=60),
        Job(name="tidy_inbox", run=tidy, seconds=60),
        Job(name="note_audit_head", run=lambda: note_audit_head(services.storage, note), seconds=300),
        Job(name="expire_requests", run=services.approvals.expire_overdue, seconds=60, leads=True),
        # What an old key sealed is sealed anew with the first one, until nothing is left to do.
        Job(name="rotate_secrets", run=database.rotate, seconds=3600),
        Job(
            name="retain_audit",
            run=lambda: retain_audit(services.storage, services.clock),
            seconds=86_400,
            leads=True,
        ),
        Job(
            name="forget_conversations",
            run=lambda: forget_conversations(services.redaction, services.privacy),
            seconds=3600,
            leads=True,
        ),
        Job(name="renew_keys", run=services.servers.renew_keys, seconds=60, leads=True),
        Job(name="announce_endings", run=services.access.announce_endings, seconds=600, leads=True),
    ]


def _showing(notices: Notices) -> list[Job]:
    return [
        # Elapsed time on one message for all, which one replica moves on.
        Job(name="refresh_cards", run=notices.cards.refresh_cards, seconds=10, leads=True),
        # Of what this replica noticed.
        Job(name="refresh_homes", run=notices.homes.refresh, seconds=3),
    ]


def _watching(services: Services, monitor: Monitor, settings: Settings) -> list[Job]:
    return [
        Job(name="look_at_engines", run=monitor.look_at_engines, seconds=settings.prime_monitor_seconds, leads=True),
        Job(name="look_at_clouds", run=monitor.look_at_clouds, seconds=settings.prime_monitor_seconds, leads=True),
        Job(name="retain_loads", run=services.watch.retain_loads, seconds=3600, leads=True),
    ]


def _cost_jobs(costs: Costs, lead: Leadership) -> list[Job]:
    return [
        Job(name="warn_of_budgets", run=lambda: costs.warn(lead), seconds=COST_SECONDS, leads=True),
        Job(name="owe_digest", run=lambda: costs.owe_digest(lead), seconds=COST_SECONDS, leads=True),
        Job(name="expire_spend_requests", run=costs.expire_overdue, seconds=COST_SECONDS, leads=True),
    ]


def _log_jobs(logs: Logs, follows: LogFollows) -> list[Job]:
    return [
        Job(name="drop_log_roles", run=logs.drop_roles, seconds=60, leads=True),
        Job(name="retain_logs", run=logs.retain, seconds=3600, leads=True),
        # Of the modals that this replica opened.
        Job(name="follow_logs", run=follows.refresh, seconds=EVERY_SECONDS),
    ]


def _wiring(settings: Settings, storage: Storage, engines: InstalledEngines, front: Front, logs: Logs) -> Wiring:
    return Wiring(
        storage=storage,
        front=front,
        engines=engines,
        startup=Startup(scheme=settings.tgi_scheme, port=settings.tgi_port, engines=engines),
        hub_token=None if settings.hf_token is None else settings.hf_token.get_secret_value(),
        pace_seconds=min(MOVE_SECONDS, settings.prime_monitor_seconds),
        logs=logs,
    )


def _talking(
    settings: Settings,
    storage: Storage,
    clock: Clock,
    engines: InstalledEngines,
    front: Front,
    redacting: Redacting,
) -> answering.Wiring:
    return answering.Wiring(
        storage=storage,
        clock=clock,
        models=engines,
        front=front,
        redacting=redacting,
        stall_seconds=settings.prime_stall_seconds,
    )


async def _identity(sender: Sender, clock: Clock) -> Identity:
    """Waits for Slack, ever longer. Raises ConfigurationError if it does not accept the bot token."""
    wait = 1.0
    while True:
        try:
            return await who_am_i(sender)
        except UnavailableError:
            _log.warning("slack_not_reached", again_in_seconds=wait)
        await clock.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


# --- readiness ------------------------------------------------------------------------------------


async def _database_not_ready(storage: Storage) -> str | None:
    try:
        return None if await storage.schema_fits() else "The database's schema is older than this version's."
    except DatabaseUnavailableError:
        return "The database does not answer."


async def _detector_not_ready(detector: Detector) -> str | None:
    return None if detector.is_ready else "What looks for personal data is loading."


async def _socket_not_ready(connection: SocketMode) -> str | None:
    return None if connection.connected else "The Socket Mode connection is not open."


def _always(reason: str | None) -> Callable[[], Any]:
    async def check() -> str | None:
        return reason

    return check


# --- clouds ---------------------------------------------------------------------------------------


def installed_providers(settings: Settings, clock: Clock) -> InstalledProviders:
    return InstalledProviders(find_factories(), clock=clock, base_urls={"paperspace": settings.paperspace_api_url})


def open_hub(settings: Settings, clock: Clock) -> HuggingFace:
    token = None if settings.hf_token is None else settings.hf_token.get_secret_value()
    return HuggingFace(api_url=settings.hf_api_url, token=token, organisation=settings.hf_org, clock=clock)


# --- Slack ----------------------------------------------------------------------------------------


@asynccontextmanager
async def open_sender(settings: Settings, budgets: BudgetStore, clock: Clock) -> AsyncGenerator[Sender]:
    sender = Sender(
        token=settings.bot_token(), base_url=settings.slack_api_url, pacer=Pacer(budgets, clock), clock=clock
    )
    async with sender:
        yield sender
