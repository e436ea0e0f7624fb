"""Redaction in a real browser: the policy, a prompt that waits, one that is refused, what a model saw, a masked answer
that is revealed, a thread that is forgotten."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Locator, Page, expect

from lab.engine.server import LabEngine
from lab.slack.server import SlackLab
from tests.browser.conftest import OpenPage, snap
from tests.browser.test_page import button, choose, write
from tests.browser.test_talk_story import ANSWER_MILLISECONDS, LOOKS, ask, over
from tests.scenario.talking import TalkOffice, open_talk_office, sent

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

EMAIL = "ada.lovelace@example.org"
SECRET = "AKIA" + "Q7BROWSERKEY42AB"


@pytest_asyncio.fixture(loop_scope="module")
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def engine(world: TalkOffice) -> LabEngine:
    engine = await world.serve()
    engine.answer = lambda messages: f"Dear {messages[-1].text.split()[-1]}, thank you for *everything*."
    return engine


@pytest_asyncio.fixture(loop_scope="module")
async def lab(world: TalkOffice) -> SlackLab:
    return world.office.lab


async def policy(page: Page) -> Locator:
    await write(page, "/prime redaction")
    dialog = page.get_by_role("dialog", name="Redaction")
    await expect(dialog).to_be_visible(timeout=ANSWER_MILLISECONDS)
    return dialog


@LOOKS
async def test_a_prompt_waits_for_its_author_and_one_with_a_password_is_refused(
    open_page: OpenPage, engine: LabEngine, look: str, options: dict[str, object]
) -> None:
    admin = await open_page("U0ADAM/C0GENERAL", **options)
    dialog = await policy(admin)
    await snap(admin, f"redaction-policy-{look}")
    await choose(dialog, "Email", "Warn")
    await button(dialog, "Save").click()
    await expect(dialog).to_have_count(0, timeout=ANSWER_MILLISECONDS)

    page = await open_page("U0RITA/C0GENERAL", **options)
    thread = await ask(page, f"write to {EMAIL}")
    await expect(thread.get_by_text("decides first what is sent")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await expect(thread.get_by_text("This may hold something personal")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"redaction-warning-{look}")
    await button(thread, "Not personal...").click()
    await expect(page.get_by_role("dialog", name="Not personal").get_by_label(EMAIL)).to_be_visible(
        timeout=ANSWER_MILLISECONDS
    )
    await snap(page, f"redaction-not-personal-{look}")
    await page.get_by_label(EMAIL).check()
    await button(page, "Propose").click()
    await expect(page.get_by_text("It was proposed")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await button(page.get_by_role("dialog"), "Close").last.click()
    assert sent(engine) == []
    await button(thread, "Send redacted").click()
    await over(thread)
    await expect(thread.get_by_text(f"Dear {EMAIL}, thank you")).to_be_visible()
    await expect(thread.get_by_text("Sent, with placeholders")).to_be_visible()
    await snap(page, f"redaction-answered-{look}")

    await button(thread, "What the model saw").click()
    seen = page.get_by_role("dialog", name="What the model saw")
    await expect(seen.get_by_text("write to [EMAIL_1]")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"redaction-seen-{look}")
    await button(seen, "Close").last.click()

    await write(page, f"and is {SECRET} a good key?", "Reply…")
    await expect(thread.get_by_text("seems to hold: password or key")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await over(thread, count=2)
    await snap(page, f"redaction-blocked-{look}")

    await admin.goto(f"{admin.url.partition('#')[0]}#/U0ADAM/C0APPROVALS")
    await expect(admin.get_by_text("says that this is not personal")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(admin, f"redaction-proposal-{look}")
    await button(admin, "Approve").click()
    await expect(admin.get_by_text("approved by")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await expect(admin.get_by_text(EMAIL)).to_have_count(0)
    await snap(admin, f"redaction-proposal-decided-{look}")


@LOOKS
async def test_where_a_guest_reads_along_values_are_revealed_and_a_thread_is_forgotten(
    open_page: OpenPage, world: TalkOffice, engine: LabEngine, look: str, options: dict[str, object]
) -> None:
    lab = world.office.lab
    lab.workspace.join(lab.workspace.channels["C0GENERAL"], "U0GUS")
    page = await open_page("U0RITA/C0GENERAL", **options)
    thread = await ask(page, f"write to {EMAIL}")
    await over(thread)
    await expect(thread.get_by_text("Dear [EMAIL_1], thank you")).to_be_visible()
    await snap(page, f"redaction-masked-{look}")
    await button(thread, "Reveal to me").click()
    await expect(thread.get_by_text(f"Dear {EMAIL}, thank you")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"redaction-revealed-{look}")

    await button(thread, "Settings").click()
    await button(page, "Forget this thread").click(timeout=ANSWER_MILLISECONDS)
    await expect(page.get_by_text("Nobody can bring it back")).to_be_visible()
    await snap(page, f"redaction-forget-{look}")
    await button(page, "Forget").click()
    await expect(page.get_by_text("Prime has forgotten this thread")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await button(page.get_by_role("dialog"), "Close").last.click()
    await expect(thread.get_by_text("This thread was forgotten")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"redaction-forgotten-{look}")


@LOOKS
async def test_lists_are_uploaded_and_a_text_is_tried(
    open_page: OpenPage, engine: LabEngine, look: str, options: dict[str, object]
) -> None:
    page = await open_page("U0ADAM/C0GENERAL", **options)
    dialog = await policy(page)
    await button(dialog, "Your team's lists...").click()
    lists = page.get_by_role("dialog", name="Your team's lists")
    file: FilePayload = {"name": "customers.txt", "mimeType": "text/plain", "buffer": b"Kumquat Rocketry\nGlobex Fruit"}
    await lists.locator("input[type=file]").set_input_files([file])
    await expect(lists.get_by_text("customers.txt")).to_be_visible()
    await snap(page, f"redaction-lists-{look}")
    await button(lists, "Save").click()
    await expect(lists.get_by_text("2 added")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await button(lists, "Back").last.click()
    await button(dialog, "Try a text...").click()
    tried = page.get_by_role("dialog", name="Try a text")
    await tried.get_by_label("Text").fill(f"Kumquat Rocketry writes to {EMAIL}.")
    await button(tried, "Try").click()
    await expect(tried.get_by_text("[TERM_1] writes to [EMAIL_1].")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"redaction-tried-{look}")
    await button(tried, "Back").last.click()
    await button(dialog, "This channel...").click()
    await expect(page.get_by_role("dialog", name="This channel")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"redaction-channel-{look}")
    assert sent(engine) == []
