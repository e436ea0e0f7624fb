"""The page in a real browser, with the lab's server and a real Bolt app behind it."""

import re

import pytest
from playwright.async_api import FilePayload, Locator, Page, expect

from lab.slack.driver import Person
from lab.slack.server import SlackLab
from tests.browser.conftest import Json, OpenPage, snap
from tests.browser.showcase import register
from tests.slack_apps import Wire, connected, new_app, until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NILS_IN_GENERAL = "U0NILS/C0GENERAL"
PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}


def composer(page: Page, label: str = "Message #general") -> Locator:
    return page.get_by_role("textbox", name=label)


def button(page: Page | Locator, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def in_sidebar(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Channels and messages").get_by_role(
        "button", name=re.compile(f"^{name}(,|$)")
    )


async def write(page: Page, words: str, label: str = "Message #general") -> None:
    await composer(page, label).fill(words)
    await composer(page, label).press("Enter")


async def choose(page: Page | Locator, label: str, option: str) -> None:
    await page.get_by_label(label, exact=False).and_(page.get_by_role("button")).click()
    await page.get_by_role("option", name=option).first.click()


class TestCommands:
    async def test_the_newcomer_completes_a_command_and_alone_sees_the_answer(
        self, open_page: OpenPage, heard: list[Json]
    ) -> None:
        page = await open_page()
        await composer(page).press_sequentially("/pr")
        await expect(page.get_by_role("option", name="/prime")).to_be_visible()
        await snap(page, "command-completion")
        await composer(page).press("Enter")
        await composer(page).press_sequentially("help")
        await expect(page.get_by_text("/prime help · Drive Prime")).to_be_visible()
        await composer(page).press("Enter")
        await expect(page.get_by_text("Only visible to you")).to_be_visible()
        await snap(page, "ephemeral")
        await page.reload()
        await expect(page.get_by_text("help shows /prime commands, @Nils Aaltonen.")).to_be_visible()
        assert page.url.endswith("#/U0NILS/C0GENERAL")

        other = await open_page("U0RITA/C0GENERAL")
        await expect(composer(other)).to_be_visible()
        await expect(other.get_by_text("Only visible to you")).to_have_count(0)

    async def test_an_app_that_is_away_is_told_of_before_and_after_a_command(self, open_page: OpenPage) -> None:
        page = await open_page()
        await expect(page.get_by_text("Prime is not connected", exact=True)).to_be_visible()
        await composer(page).fill("/prime help")
        await expect(page.get_by_text("Prime is not connected, so /prime will fail.")).to_be_visible()
        await composer(page).press("Enter")
        await expect(page.get_by_role("article", name="Slackbot")).to_contain_text("Prime is not connected")
        await snap(page, "app-away")

    async def test_a_command_in_a_thread_is_refused_as_slack_refuses_it(
        self, open_page: OpenPage, bea: Person, heard: list[Json]
    ) -> None:
        await bea.says("#general", "a thread begins")
        page = await open_page(NILS_IN_GENERAL)
        await page.get_by_role("article", name="bea").hover()
        await button(page, "Reply in thread").click()
        thread = page.get_by_role("complementary", name="Thread")
        await thread.get_by_role("textbox").fill("/prime help")
        await thread.get_by_role("textbox").press("Enter")
        await expect(thread.get_by_text("/prime is not supported in threads")).to_be_visible()


class TestConversation:
    async def test_a_mention_is_answered_in_the_thread_pane(self, open_page: OpenPage, heard: list[Json]) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await composer(page).press_sequentially("@Pri")
        await composer(page).press("Tab")
        await composer(page).press_sequentially("what is the answer?")
        await composer(page).press("Enter")
        await button(page, "1 reply").or_(page.get_by_role("button", name="1 reply")).click()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread).to_contain_text("The answer is 42.")
        await expect(thread).to_contain_text("(edited)")
        await snap(page, "thread")
        await page.reload()
        await expect(thread).to_contain_text("The answer is 42.")
        await thread.get_by_role("textbox").press("Escape")
        await expect(thread).to_have_count(0)

    async def test_what_others_say_appears_and_counts_where_one_is_not_looking(
        self, open_page: OpenPage, bea: Person
    ) -> None:
        page = await open_page("U0RITA/C0GENERAL")
        await expect(composer(page)).to_be_visible()
        await bea.says("#ml-platform", "@Rita look at this")
        await bea.says("#random", "unread, but nobody is called")
        await expect(in_sidebar(page, "ml-platform")).to_have_accessible_name("ml-platform, 1 mention")
        await expect(in_sidebar(page, "random")).to_have_accessible_name("random, unread")
        await snap(page, "unread")
        await in_sidebar(page, "ml-platform").click()
        await expect(page.get_by_role("separator", name="New")).to_be_visible()
        await expect(in_sidebar(page, "ml-platform")).to_have_accessible_name("ml-platform")
        await bea.says("#ml-platform", "and this")
        await expect(page.get_by_text("and this")).to_be_visible()

    async def test_own_messages_are_edited_and_deleted(self, open_page: OpenPage, lab: SlackLab) -> None:
        page = await open_page(NILS_IN_GENERAL)
        other = await open_page("U0BEA/C0GENERAL")
        await write(page, "a mistke")
        await expect(other.get_by_text("a mistke")).to_be_visible()
        await composer(page).press("ArrowUp")
        editor = page.get_by_role("textbox", name="Edit message")
        await editor.fill("a mistake, @bea")
        await editor.press("Enter")
        await expect(other.get_by_text("a mistake, @bea")).to_be_visible()
        await expect(other.get_by_text("(edited)")).to_be_visible()
        await other.get_by_text("a mistake").hover()
        await button(other, "More actions").click()
        await expect(other.get_by_role("menuitem", name="Delete message")).to_have_count(0)

        await page.get_by_text("a mistake").hover()
        await button(page, "More actions").click()
        await page.get_by_role("menuitem", name="Delete message").click()
        await button(page.get_by_role("dialog"), "Delete").click()
        await expect(other.get_by_text("a mistake")).to_have_count(0)

    async def test_a_message_shortcut_reaches_the_app(
        self, open_page: OpenPage, bea: Person, heard: list[Json]
    ) -> None:
        await bea.says("#general", "what is a token?")
        page = await open_page(NILS_IN_GENERAL)
        await page.get_by_text("what is a token?").hover()
        await button(page, "More actions").click()
        await page.get_by_role("menuitem", name="Ask Prime").click()
        await expect(page.get_by_text("You asked about: what is a token?")).to_be_visible()

    async def test_a_stream_that_broke_comes_back_and_catches_up(
        self, open_page: OpenPage, bea: Person, lab: SlackLab
    ) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await expect(composer(page)).to_be_visible()
        lab._page_stream.close()
        await bea.says("#general", "said while away")
        await expect(page.get_by_text("said while away")).to_be_visible()
        await bea.says("#general", "said after")
        await expect(page.get_by_text("said after")).to_be_visible()

    async def test_a_channel_is_joined_and_a_direct_message_begun(self, open_page: OpenPage) -> None:
        page = await open_page("U0NILS/C0MLPLATFORM")
        await button(page, "Join channel").click()
        await expect(composer(page, "Message #ml-platform")).to_be_visible()
        await button(page, "New message").click()
        await page.get_by_role("menuitem", name="Olivia Brandt").click()
        await write(page, "hello Olivia", "Message Olivia Brandt")
        await expect(page.get_by_role("article").get_by_text("hello Olivia")).to_be_visible()

    async def test_a_file_is_sent_with_a_message(self, open_page: OpenPage) -> None:
        page = await open_page(NILS_IN_GENERAL)
        file: FilePayload = {"name": "prompt.txt", "mimeType": "text/plain", "buffer": b"Why is the sky blue?"}
        await page.locator(".composer input[type=file]").set_input_files([file])
        await expect(page.get_by_role("button", name="Remove prompt.txt")).to_be_visible()
        await write(page, "see this")
        async with page.expect_download() as download:
            await page.get_by_role("link", name="prompt.txt").click()
        assert (await (await download.value).path()).read_bytes() == b"Why is the sky blue?"


class TestBlocks:
    async def test_buttons_and_selects_of_a_message_tell_the_app(
        self, open_page: OpenPage, bea: Person, heard: list[Json]
    ) -> None:
        await bea.types("/prime card", channel="#general")
        page = await open_page(NILS_IN_GENERAL)
        await button(page, "Start").click()
        await until(lambda: len(heard) == 1)
        await button(page, "Choose a GPU").click()
        await page.get_by_role("option", name="A100").click()
        await until(lambda: len(heard) == 2)
        await button(page, "More options").click()
        await page.get_by_role("menuitem", name="Usage").click()
        await until(lambda: len(heard) == 3)
        pressed, chosen, overflow = (body["actions"][0] for body in heard)
        assert (pressed["action_id"], pressed["value"]) == ("start", "llama-chat")
        assert chosen["selected_option"]["value"] == "A100"
        assert overflow["selected_option"]["value"] == "usage"
        assert heard[2]["state"]["values"]["card"]["gpu"]["selected_option"]["value"] == "A100"

    async def test_a_field_tells_the_app_when_its_definition_asks(
        self, open_page: OpenPage, bea: Person, heard: list[Json]
    ) -> None:
        await bea.types("/prime typed", channel="#general")
        page = await open_page(NILS_IN_GENERAL)
        await page.get_by_label("Quiet").fill("never told")
        await page.get_by_label("Quiet").press("Enter")
        await page.get_by_label("Exact").fill("at Enter")
        await page.get_by_label("Exact").press("Enter")
        await until(lambda: len(heard) == 1)
        await page.get_by_label("Search").press_sequentially("lla")
        await until(lambda: len(heard) == 2)
        assert [body["actions"][0]["value"] for body in heard] == ["at Enter", "lla"]
        assert heard[1]["state"]["values"]["quiet"]["quiet"]["value"] == "never told"

    async def test_a_dangerous_button_asks_first(self, open_page: OpenPage, bea: Person, heard: list[Json]) -> None:
        await bea.types("/prime card", channel="#general")
        page = await open_page(NILS_IN_GENERAL)
        await button(page, "Delete").click()
        await expect(page.get_by_role("dialog", name="Delete llama-chat?")).to_be_visible()
        await snap(page, "confirm")
        await button(page, "Keep").click()
        assert heard == []
        await button(page, "Delete").click()
        await button(page.get_by_role("dialog"), "Delete").click()
        await until(lambda: heard)

    async def test_markdown_is_drawn_and_never_run(self, open_page: OpenPage, bea: Person, heard: list[Json]) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await bea.types("/prime answer", channel="#general")
        await expect(page.get_by_role("heading", name="Serving a model")).to_be_visible()
        await expect(page.get_by_role("cell", name="$3.09")).to_be_visible()
        await expect(page.get_by_role("checkbox", name="done")).to_be_checked()
        await expect(page.get_by_role("link", name="the docs")).to_have_attribute(
            "href", "https://docs.example/serving"
        )
        await expect(page.get_by_text("<img src=x onerror")).to_be_visible()
        await expect(page.get_by_role("link", name="a trap")).to_have_count(0)
        assert "hacked" not in await page.title()
        await button(page, "Good answer").click()
        await until(lambda: heard)
        assert heard[0]["actions"][0]["value"] == "good"
        await snap(page, "answer")

    async def test_rich_text_and_tables_are_drawn(self, open_page: OpenPage, bea: Person, heard: list[Json]) -> None:
        await bea.types("/prime rich", channel="#general")
        page = await open_page(NILS_IN_GENERAL)
        await expect(page.get_by_text("Rich text for @Nils Aaltonen in #general")).to_be_visible()
        await expect(page.get_by_role("cell", name="$12.40")).to_be_visible()
        await snap(page, "rich-text")

    async def test_what_people_type_is_text(self, open_page: OpenPage) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await write(
            page, "<script>document.title='hacked'</script> *bold* `<b>` javascript:alert(1) https://x.example/?a=1&b=2"
        )
        await expect(page.get_by_text("<script>document.title='hacked'</script>")).to_be_visible()
        await expect(page.locator("article strong")).to_have_text("bold")
        await expect(page.locator("article a")).to_have_count(1)
        await expect(page.get_by_role("link", name="https://x.example")).to_have_attribute(
            "href", "https://x.example/?a=1&b=2"
        )
        assert "hacked" not in await page.title()


class TestModals:
    async def test_a_dependent_select_appears_and_what_was_typed_stays(
        self, open_page: OpenPage, heard: list[Json]
    ) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await write(page, "/prime create")
        modal = page.get_by_role("dialog", name="Create a server")
        await modal.get_by_label("Name").fill("not ok!")
        await choose(page, "GPU", "A100")
        await choose(page, "Region", "A100 in Amsterdam")
        await choose(page, "GPU", "H100")
        await expect(modal.get_by_label("Region")).to_have_text("Select an item")
        await choose(page, "Region", "H100 in New York")
        await modal.get_by_label("Model").and_(page.get_by_role("button")).click()
        await page.get_by_role("combobox").fill("34")
        await expect(page.get_by_role("option")).to_have_count(1)
        await snap(page, "modal-external-select")
        await page.get_by_role("combobox").press("Enter")
        await button(modal, "Create").click()
        await expect(modal.get_by_text("Only letters and digits.")).to_be_visible()
        await expect(modal.get_by_label("Name")).to_be_focused()
        await snap(page, "modal-errors")
        await modal.get_by_label("Name").fill("tiny")
        await modal.get_by_label("Name").press("Enter")
        await expect(modal).to_have_count(0)
        values = heard[-1]["view"]["state"]["values"]
        assert values["name"]["name"]["value"] == "tiny"
        assert values["region-H100"]["region"]["selected_option"]["value"] == "New York"
        assert values["model"]["model"]["selected_option"]["value"] == "acme/model-34b"
        await expect(in_sidebar(page, "Prime")).to_have_accessible_name("Prime, 1 mention")

    async def test_a_second_view_lies_on_the_first_and_going_back_keeps_it(
        self, open_page: OpenPage, heard: list[Json]
    ) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await write(page, "/prime create")
        await page.get_by_label("Name").fill("kept")
        await button(page, "Advanced").click()
        above = page.get_by_role("dialog", name="Advanced")
        await above.get_by_label("Batch size").fill("65")
        await button(above, "Apply").click()
        await expect(above.get_by_text("Must be at most 64.")).to_be_visible()
        await above.get_by_label("Batch size").fill("8")
        await above.get_by_label("Notes").fill("two\nlines")
        await above.get_by_label("AWQ").check()
        await above.get_by_label("Flash attention").check()
        await choose(page, "Owner", "Olivia Brandt")
        await choose(page, "Channel", "#general")
        await choose(page, "Tags", "chat")
        await page.get_by_role("option", name="code").click()
        await page.get_by_role("combobox").press("Escape")
        await above.get_by_label("Readme").fill("read me")
        await above.get_by_label("End time").fill("18:30")
        file: FilePayload = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
        await above.get_by_label("Files").set_input_files([file])
        await expect(button(above, "Remove a.txt")).to_be_visible()
        await snap(page, "modal-inputs")
        await button(above, "Apply").click()
        await expect(page.get_by_role("dialog", name="Create a server").get_by_label("Name")).to_have_value("kept")
        values = {label: next(iter(held.values())) for label, held in heard[-1]["view"]["state"]["values"].items()}
        assert values["Batch size"]["value"] == "8"
        assert values["Quantization"]["selected_option"]["value"] == "AWQ"
        assert [option["value"] for option in values["Options"]["selected_options"]] == ["Flash attention"]
        assert values["Owner"]["selected_user"] == "U0OLIVIA"
        assert values["Channel"]["selected_conversation"] == "C0GENERAL"
        assert [option["value"] for option in values["Tags"]["selected_options"]] == ["chat", "code"]
        assert [file["name"] for file in values["Files"]["files"]] == ["a.txt"]
        assert values["Readme"]["rich_text_value"]["type"] == "rich_text"
        assert (values["End date"]["selected_date"], values["End time"]["selected_time"]) == ("2026-12-24", "18:30")

    async def test_the_keyboard_stays_inside_and_esc_closes(self, open_page: OpenPage, heard: list[Json]) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await write(page, "/prime create")
        modal = page.get_by_role("dialog")
        await expect(modal.get_by_label("Name")).to_be_focused()
        for _ in range(12):
            await page.keyboard.press("Tab")
            assert await page.evaluate(
                "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
            )
        await modal.get_by_label("GPU").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("listbox")).to_have_count(0)
        await expect(modal).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(modal).to_have_count(0)
        await until(lambda: heard)
        assert (heard[-1]["type"], heard[-1]["is_cleared"]) == ("view_closed", False)
        await expect(composer(page)).to_be_focused()
        await write(page, "/prime create")
        await button(page, "Advanced").click()
        await expect(page.get_by_role("dialog", name="Advanced")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog", name="Create a server")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(modal).to_have_count(0)
        await until(lambda: len(heard) == 2)

    async def test_trouble_with_the_app_is_told_in_the_modal(self, open_page: OpenPage, lab: SlackLab) -> None:
        page = await open_page(NILS_IN_GENERAL)
        app = new_app(lab)
        register(app, [])
        async with connected(lab, app, Wire.SOCKET):
            await write(page, "/prime create")
            await page.get_by_label("Name").fill("tiny")
            await choose(page, "GPU", "A100")
            await choose(page, "Region", "A100 in Amsterdam")
            await choose(page, "Model", "acme/model-7b")
        await button(page, "Create").click()
        await expect(page.get_by_role("alert")).to_have_text("We had some trouble connecting. Try again?")
        await snap(page, "modal-trouble")
        await button(page, "Close all").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)


class TestApp:
    async def test_the_home_tab_is_the_apps_and_its_elements_work(self, open_page: OpenPage, heard: list[Json]) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await in_sidebar(page, "Prime").click()
        await expect(page.get_by_role("heading", name="Your servers")).to_be_visible()
        await snap(page, "home")
        await button(page, "Stop").click()
        await until(lambda: len(heard) == 1)
        await choose(page, "Idle stop", "2 hours")
        await until(lambda: len(heard) == 2)
        assert heard[1]["view"]["type"] == "home"
        assert heard[1]["actions"][0]["selected_option"]["value"] == "120"
        await page.reload()
        await expect(page.get_by_role("tab", name="Home")).to_have_attribute("aria-selected", "true")
        await page.get_by_role("tab", name="Messages").click()
        await expect(composer(page, "Message Prime")).to_be_visible()
        await page.get_by_role("tab", name="About").click()
        await expect(page.get_by_text("/prime help")).to_be_visible()

    async def test_a_global_shortcut_opens_its_form(self, open_page: OpenPage, heard: list[Json]) -> None:
        page = await open_page(NILS_IN_GENERAL)
        await button(page, "Attach and shortcuts").click()
        await page.get_by_role("menuitem", name="Create a server").click()
        await expect(page.get_by_role("dialog", name="Create a server")).to_be_visible()


class TestBar:
    async def test_one_can_be_somebody_else(self, open_page: OpenPage, lab: SlackLab) -> None:
        page = await open_page()
        await page.get_by_role("button", name="You are Nils Aaltonen, newcomer").click()
        await snap(page, "people")
        await page.get_by_role("menuitem", name="Gus Petrov guest").click()
        await expect(page.get_by_role("button", name="You are Gus Petrov, guest")).to_be_visible()
        await expect(in_sidebar(page, "general")).to_have_count(0)
        await page.goto(lab.url)
        await expect(page.get_by_role("button", name="You are Gus Petrov, guest")).to_be_visible()

    async def test_faults_are_switched_by_name(self, open_page: OpenPage, lab: SlackLab) -> None:
        page = await open_page()
        await page.get_by_role("button", name="Faults").click()
        switch = page.get_by_role("switch", name="slow API")
        await switch.click()
        await expect(switch).to_be_checked()
        assert lab.faults.options("slow API") is not None
        await snap(page, "faults")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("button", name="Faults 1")).to_be_visible()

    async def test_colours_follow_the_system_until_one_chooses(
        self, open_page: OpenPage, bea: Person, heard: list[Json]
    ) -> None:
        await bea.says("#general", "good evening")
        await bea.types("/prime card", channel="#general")
        page = await open_page(color_scheme="dark")
        await expect(page.get_by_text("good evening")).to_be_visible()
        await snap(page, "dark")
        surface = "getComputedStyle(document.querySelector('main')).backgroundColor"
        dark = await page.evaluate(surface)
        await button(page, "Colours: as the system").click()
        await page.reload()
        await expect(button(page, "Colours: light")).to_be_visible()
        assert await page.evaluate(surface) == "rgb(255, 255, 255)" != dark


class TestPhone:
    async def test_the_sidebar_is_a_drawer_and_a_thread_fills_the_screen(
        self, open_page: OpenPage, bea: Person, heard: list[Json]
    ) -> None:
        await bea.says("#general", "@Prime hello")
        page = await open_page(NILS_IN_GENERAL, **PHONE)
        await page.get_by_role("button", name="1 reply").tap()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread).to_contain_text("The answer is 42.")
        await expect(page.get_by_role("main")).to_be_hidden()
        await snap(page, "phone-thread")
        await button(page, "Close thread").tap()
        await expect(in_sidebar(page, "random")).to_be_hidden()
        await button(page, "Channels and messages").tap()
        await snap(page, "phone-drawer")
        await in_sidebar(page, "random").tap()
        await expect(composer(page, "Message #random")).to_be_visible()
        await expect(in_sidebar(page, "general")).to_be_hidden()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await snap(page, "phone")
