"""The parts of the lab's Slack, wired: what the Web API and the page's API work on."""

import random
from dataclasses import dataclass
from pathlib import Path

from lab.clock import LabClock
from lab.faults import Fault, Faults
from lab.slack.app import InstalledApp
from lab.slack.deliveries import Deliveries
from lab.slack.events import Events
from lab.slack.faults import FaultName, lasting_faults
from lab.slack.files import Files
from lab.slack.happenings import Announcer, FaultsChanged
from lab.slack.interactivity import Interactivity
from lab.slack.limits import Limits
from lab.slack.manifest import Manifest
from lab.slack.record import Record
from lab.slack.replies import Replies
from lab.slack.socket_mode import SocketMode
from lab.slack.streams import Streams
from lab.slack.tickets import ResponseUrls, Triggers
from lab.slack.views import Views
from lab.slack.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    clock: LabClock
    dice: random.Random
    app: InstalledApp
    announcer: Announcer
    workspace: Workspace
    files: Files
    views: Views
    streams: Streams
    triggers: Triggers
    response_urls: ResponseUrls
    limits: Limits
    faults: Faults
    record: Record
    socket_mode: SocketMode
    deliveries: Deliveries
    events: Events
    replies: Replies
    interactivity: Interactivity


def build(manifest_path: Path, *, clock: LabClock, limits: bool, seed: int | None) -> Platform:
    dice = random.Random(seed)
    app = InstalledApp(Manifest.load(manifest_path))
    announcer = Announcer()
    record = Record()
    faults = Faults(lambda: announcer.announce(FaultsChanged()))
    workspace = Workspace(clock, announcer, app.as_person())
    views = Views(clock, announcer)
    triggers, response_urls = Triggers(clock), ResponseUrls(clock)
    socket_mode = SocketMode(clock, announcer, record, dice=dice)
    deliveries = Deliveries(clock, faults, record, socket_mode, dice=dice)
    events = Events(app, workspace, deliveries, dice=dice)
    announcer.watch(events.watch)
    faults.add(*lasting_faults(), *_faults_of_a_moment(clock, socket_mode))
    replies, files = Replies(app, workspace), Files(clock)
    return Platform(
        clock=clock,
        dice=dice,
        app=app,
        announcer=announcer,
        workspace=workspace,
        files=files,
        views=views,
        streams=Streams(clock, workspace),
        triggers=triggers,
        response_urls=response_urls,
        limits=Limits(clock, enabled=limits),
        faults=faults,
        record=record,
        socket_mode=socket_mode,
        deliveries=deliveries,
        events=events,
        replies=replies,
        interactivity=Interactivity(
            app=app,
            workspace=workspace,
            views=views,
            triggers=triggers,
            response_urls=response_urls,
            deliveries=deliveries,
            replies=replies,
            events=events,
            files=files,
        ),
    )


def _faults_of_a_moment(clock: LabClock, socket_mode: SocketMode) -> list[Fault]:
    return [
        Fault(
            name=FaultName.SOCKET_DROP,
            description="Every Socket Mode connection is closed, once.",
            act=lambda _: socket_mode.drop(),
        ),
        Fault(
            name=FaultName.SOCKET_SILENCE,
            description="Every Socket Mode connection dies without a word, once.",
            act=lambda _: socket_mode.silence(),
        ),
        Fault(
            name=FaultName.REFRESH_REQUEST,
            description="Slack asks every connection to be renewed and closes the old one ten seconds later.",
            act=lambda _: socket_mode.request_refresh(),
        ),
        Fault(
            name=FaultName.CLOCK_JUMP,
            description="The workspace's clock jumps ahead by five minutes: triggers, links and streams grow old.",
            options={"seconds": 300.0},
            act=lambda options: clock.jump(options["seconds"]),
        ),
    ]
