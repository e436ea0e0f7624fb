"""The office with a cloud and a model hub around it."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from pydantic import SecretStr

from lab.clock import LabClock
from lab.hub.server import HubLab
from lab.paperspace.server import PaperspaceLab
from tests.scenario.access import Office, open_office

ROLES = {"U0BEA": "READ_WRITE", "U0RITA": "READ"}
"""What people hold from the start; Adam is ADMIN by configuration."""


class CloudOffice(NamedTuple):
    office: Office
    cloud: PaperspaceLab
    hub: HubLab
    clock: LabClock
    """Everybody's: Prime's, Slack's and the cloud's."""


@asynccontextmanager
async def open_cloud_office(
    database_url: str, *, scheme: str = "http", has_key: bool = True, **given: Any
) -> AsyncIterator[CloudOffice]:
    """Machines boot within a moment. `has_key`: whether the cloud's key is in the configuration; `given` are other
    settings of Prime."""
    clock = LabClock()
    cloud = PaperspaceLab(clock=clock, boot_seconds=0.3, stop_seconds=0.1, seed=1)
    hub = HubLab()
    await cloud.start()
    await hub.start()
    try:
        settings = {
            "paperspace_api_url": cloud.url,
            "paperspace_api_key": SecretStr(cloud.api_key) if has_key else None,
            "hf_api_url": hub.url,
            "hf_token": SecretStr(hub.token),
            "hf_org": hub.org,
            "tgi_scheme": scheme,
            "tgi_port": free_port(),
            "prime_monitor_seconds": 1,
            **given,
        }
        async with open_office(database_url, clock=clock, **settings) as office:
            for user, role in ROLES.items():
                office.give(user, role)
            yield CloudOffice(office, cloud, hub, clock)
    finally:
        await hub.stop()
        await cloud.stop()


def free_port() -> int:
    """One that is free, as is the next."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
