from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.slack_apps import MANIFEST, Client, Wire, new_app


@pytest.fixture
def manifest_path(tmp_path: Path) -> Path:
    path = tmp_path / "app.yaml"
    path.write_text(MANIFEST, encoding="utf-8")
    return path


@pytest.fixture
async def lab(manifest_path: Path) -> AsyncIterator[SlackLab]:
    """The lab's Slack without rate limits."""
    lab = SlackLab(manifest_path, limits=False)
    await lab.start()
    yield lab
    await lab.stop()


@pytest.fixture
def client(lab: SlackLab) -> Client:
    return AsyncWebClient(token=lab.bot_token, base_url=lab.api_url, retry_handlers=[])


@pytest.fixture
def app(lab: SlackLab) -> AsyncApp:
    return new_app(lab)


@pytest.fixture(params=list(Wire))
def wire(request: pytest.FixtureRequest) -> Wire:
    """Both ways in which Slack delivers."""
    return request.param


@pytest.fixture
async def bea(lab: SlackLab) -> AsyncIterator[Person]:
    async with Person(lab.url, "U0BEA") as person:
        yield person


@pytest.fixture
async def olivia(lab: SlackLab) -> AsyncIterator[Person]:
    async with Person(lab.url, "U0OLIVIA") as person:
        yield person
