"""A headless Chromium, the lab's Slack, and a real Bolt app in it."""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import pytest_asyncio
from playwright._impl._driver import compute_driver_executable
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.browser.showcase import register
from tests.slack_apps import MANIFEST, Wire, connected, new_app

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}

Json = dict[str, Any]
OpenPage = Callable[..., Awaitable[Page]]

expect.set_options(timeout=5000)


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)
    if found is None:
        _cannot("no Chromium found: `make tools` installs one")
    driver, _ = compute_driver_executable()
    if subprocess.run([driver, "--version"], capture_output=True, check=False).returncode:
        _cannot("Playwright's driver does not run here: `make tools` installs the library that it needs")
    return found


def _cannot(reason: str) -> NoReturn:
    """In CI the browser tests have to run."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def lab(tmp_path: Path) -> AsyncIterator[SlackLab]:
    manifest = tmp_path / "app.yaml"
    manifest.write_text(MANIFEST, encoding="utf-8")
    lab = SlackLab(manifest, limits=False)
    await lab.start()
    yield lab
    await lab.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def heard(lab: SlackLab) -> AsyncIterator[list[Json]]:
    """What the showcase app heard of; it is connected within the test."""
    heard: list[Json] = []
    app = new_app(lab)
    register(app, heard)
    async with connected(lab, app, Wire.SOCKET):
        yield heard


@pytest_asyncio.fixture(loop_scope="module")
async def bea(lab: SlackLab) -> AsyncIterator[Person]:
    """Somebody who acts elsewhere, not in the page."""
    async with Person(lab.url, "U0BEA") as person:
        yield person


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser: Browser, lab: SlackLab) -> AsyncIterator[OpenPage]:
    """Opens the page at a place (`U0NILS/C0GENERAL`) in a browser profile of its own; no script may fail in it."""
    problems: list[str] = []
    contexts: list[Any] = []

    async def open_page(place: str = "", **options: Any) -> Page:
        context = await browser.new_context(**{"viewport": DESKTOP, "color_scheme": "light", **options})
        contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        await page.goto(f"{lab.url}/#/{place}" if place else lab.url)
        return page

    yield open_page
    for context in contexts:
        await context.close()
    assert problems == []


async def snap(page: Page, name: str) -> None:
    """Leaves a picture for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", animations="disabled")
