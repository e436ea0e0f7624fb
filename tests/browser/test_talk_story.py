"""A conversation with a model in a real browser: how it begins, grows, is stopped, asked for again, and gets long."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, Locator, Page, expect

from lab.engine.long_answer import long_answer
from lab.engine.server import LabEngine
from lab.slack.server import SlackLab
from tests.browser.conftest import OpenPage, snap
from tests.browser.test_page import button, write
from tests.profiles import LONG
from tests.scenario.conftest import eventually
from tests.scenario.talking import FAST, TalkOffice, open_talk_office

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DARK = {"color_scheme": "dark"}
ALL_LOOKS = [("desktop-light", {}), ("phone-dark", PHONE | DARK), ("desktop-dark", DARK), ("phone-light", PHONE)]
LOOKS = pytest.mark.parametrize(
    ("look", "options"),
    ALL_LOOKS if LONG else ALL_LOOKS[:2],
    ids=lambda value: value if isinstance(value, str) else "",
)
ANSWER_MILLISECONDS = 30_000
STORY = (
    "Three things, *briefly*:\n\n1. **Latency** is `time to first token`.\n2. Throughput is tokens a second.\n"
    "3. Cost is neither; ask <@U0ADAM> or <!channel>.\n\n```python\nprint(1 < 2 & True)\n```\n\n"
    "- [x] measured\n- [ ] believed"
)


@pytest_asyncio.fixture(loop_scope="module")
async def world(database_url: str) -> AsyncIterator[TalkOffice]:
    async with open_talk_office(database_url) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def engine(world: TalkOffice) -> LabEngine:
    return await world.serve(tokens_per_second=12)


@pytest_asyncio.fixture(loop_scope="module")
async def lab(world: TalkOffice) -> SlackLab:
    return world.office.lab


async def ask(page: Page, text: str, *, place: str = "Message #general") -> Locator:
    """Says it to Prime, and opens the thread in which it answers."""
    await write(page, f"@Prime {text}", place)
    await page.get_by_role("button", name="1 reply").click(timeout=ANSWER_MILLISECONDS)
    return page.get_by_role("complementary", name="Thread")


async def over(thread: Locator, *, count: int = 1) -> None:
    """Waits until so many answers have ended."""
    await expect(button(thread, "Regenerate").or_(button(thread, "Retry"))).to_have_count(
        count, timeout=ANSWER_MILLISECONDS
    )


@LOOKS
async def test_a_question_is_answered_followed_up_stopped_and_asked_again(
    open_page: OpenPage, engine: LabEngine, look: str, options: dict[str, object]
) -> None:
    engine.answer = lambda _: STORY
    page = await open_page("U0RITA/C0GENERAL", **options)
    thread = await ask(page, "what should I measure?")
    await expect(thread.get_by_text("llama is thinking").or_(thread.get_by_text("is writing"))).to_be_visible()
    await snap(page, f"talk-placeholder-{look}")
    await expect(thread.get_by_text("Three things,")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await expect(button(thread, "Stop")).to_be_visible()
    await snap(page, f"talk-writing-{look}")
    engine.tokens_per_second = FAST
    await over(thread)
    await expect(thread.locator("pre code")).to_have_text("print(1 < 2 & True)")
    await expect(thread.get_by_text("python", exact=True)).to_be_visible()
    await expect(thread.get_by_text("ask <@U0ADAM> or <!channel>.")).to_be_visible()
    await expect(thread.get_by_text("tokens/s")).to_be_visible()
    await snap(page, f"talk-answered-{look}")

    engine.tokens_per_second = 12
    await write(page, "and how is it stopped?", "Reply…")
    await expect(button(thread, "Stop")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await expect(thread.get_by_text("Three things,")).to_have_count(2, timeout=ANSWER_MILLISECONDS)
    await button(thread, "Stop").click()
    await eventually(lambda: engine.running == 0)
    await expect(thread.get_by_text("This answer was stopped")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"talk-stopped-{look}")

    engine.tokens_per_second = FAST
    engine.answer = lambda _: "Another answer, *shorter*."
    await button(thread, "Regenerate").last.click()
    await expect(thread.get_by_text("Another answer, shorter.")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await over(thread, count=2)
    await snap(page, f"talk-regenerated-{look}")


@LOOKS
async def test_a_long_answer_with_code_and_tables_looks_right(
    open_page: OpenPage, engine: LabEngine, look: str, options: dict[str, object]
) -> None:
    engine.tokens_per_second = FAST
    page = await open_page("U0RITA/C0GENERAL", **options)
    thread = await ask(page, "please give me a long answer")
    await over(thread)
    await expect(thread.get_by_role("table")).to_have_count(long_answer().count("|:----|"), timeout=ANSWER_MILLISECONDS)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page does not move sideways"
    await snap(page, f"talk-long-end-{look}")
    for index, what in enumerate(("1. Weights and memory", "2. Batching", "7. Queues")):
        await thread.get_by_role("heading", name=what, exact=True).scroll_into_view_if_needed()
        await thread.get_by_role("heading", name=what, exact=True).evaluate("it => it.scrollIntoView({block: 'start'})")
        await snap(page, f"talk-long-{index + 1}-{look}")


@LOOKS
async def test_a_message_is_asked_about_a_prompt_edited_and_a_file_read(
    open_page: OpenPage, world: TalkOffice, engine: LabEngine, look: str, options: dict[str, object]
) -> None:
    await world.serve("mistral")
    engine.tokens_per_second = FAST
    bea = await world.office.person("U0BEA")
    await bea.says("#general", "The *batch* is the set of requests that share a step.")
    page = await open_page("U0RITA/C0GENERAL", **options)
    await menu(page, page.get_by_role("article", name="bea"), "Ask Prime about this")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Question").fill("What is a step?")
    await snap(page, f"talk-about-{look}")
    await button(dialog, "Ask").click()
    await page.get_by_role("button", name="replies").click(timeout=ANSWER_MILLISECONDS)
    thread = page.get_by_role("complementary", name="Thread")
    await expect(thread.get_by_role("button", name="Choose a server")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"talk-choose-{look}")
    await thread.get_by_role("button", name="Choose a server").click()
    await page.get_by_role("option", name="llama").click()
    await over(thread)

    file: FilePayload = {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# Steps\n\nOne after another."}
    await thread.locator("input[type=file]").set_input_files([file])
    await expect(thread.get_by_text("notes.md")).to_be_visible()
    await write(page, "and what does this say?", "Reply…")
    await over(thread, count=2)
    await expect(thread.get_by_text("One after another.")).to_be_visible()
    await snap(page, f"talk-file-{look}")

    asked = thread.get_by_role("article", name="Rita").filter(has_text="what does this say?")
    await menu(page, asked, "Edit message")
    await thread.get_by_role("textbox", name="Edit message").fill("and what does this say, briefly?")
    await button(thread, "Save").click()
    await expect(button(thread, "Answer again")).to_be_visible(timeout=ANSWER_MILLISECONDS)
    await snap(page, f"talk-edited-{look}")


async def test_who_reads_further_up_stays_there_and_who_is_at_the_end_goes_along(
    open_page: OpenPage, engine: LabEngine
) -> None:
    engine.tokens_per_second = FAST
    engine.answer = lambda _: "\n\n".join(f"Paragraph {number}." for number in range(60))
    page = await open_page("U0RITA/C0GENERAL")
    thread = await ask(page, "a few paragraphs, please")
    await over(thread)
    log = thread.get_by_role("log")
    assert await log.evaluate("it => it.scrollHeight - it.scrollTop - it.clientHeight") < 2
    engine.tokens_per_second = 20
    await write(page, "and more", "Reply…")
    paragraph = thread.get_by_text("Paragraph 4.")
    await expect(paragraph).to_have_count(2, timeout=ANSWER_MILLISECONDS)
    assert await log.evaluate("it => it.scrollHeight - it.scrollTop - it.clientHeight") < 2
    await log.evaluate("it => { it.scrollTop = 100 }")
    stop = await button(thread, "Stop").element_handle()
    await expect(thread.get_by_text("Paragraph 24.")).to_have_count(2, timeout=ANSWER_MILLISECONDS)
    assert await log.evaluate("it => it.scrollTop") == 100
    assert stop is not None
    assert await stop.evaluate("it => it.isConnected"), "a press under way would be lost"


async def menu(page: Page, message: Locator, item: str) -> None:
    """Chooses from the message's menu."""
    await message.focus()
    await button(message, "More actions").click()
    await page.get_by_role("menuitem", name=item).click()
