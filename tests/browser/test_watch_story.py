"""What people see of servers that run by themselves, in a real browser: news, the warning, the details, the chart."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from lab.slack.people import APP_USER_ID
from lab.slack.server import SlackLab
from tests.browser.conftest import OpenPage, snap
from tests.browser.test_page import button, write
from tests.browser.test_servers_story import READY_MILLISECONDS, open_form
from tests.scenario.cloud import CloudOffice, open_cloud_office
from tests.scenario.conftest import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PHONE = {"width": 390, "height": 844}


@pytest_asyncio.fixture(loop_scope="module")
async def office(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url) as office:
        yield office


@pytest_asyncio.fixture(loop_scope="module")
async def lab(office: CloudOffice) -> SlackLab:
    return office.office.lab


@pytest.mark.parametrize("width", ["desktop", "phone"])
async def test_the_owner_is_warned_keeps_it_and_looks_at_what_it_does(
    open_page: OpenPage, office: CloudOffice, width: str
) -> None:
    viewport = {"viewport": PHONE} if width == "phone" else {}
    bea = await open_page("U0BEA/C0GENERAL", **viewport)
    form = await open_form(bea, "llama", "meta-llama/Llama-3.2-1B-Instruct")
    await expect(form.get_by_text("fits")).to_be_visible()
    await form.get_by_label("After an idle stop").scroll_into_view_if_needed()
    await snap(bea, f"watch-form-{width}")
    await button(form, "Create").click()
    await expect(bea.get_by_text("It answers at")).to_be_visible(timeout=READY_MILLISECONDS)
    await eventually(lambda: office.office.rows("SELECT 1 FROM server_load") != [])
    await snap(bea, f"watch-card-{width}")
    await write(bea, "/prime server llama")
    await expect(bea.get_by_text("Spent this month").first).to_be_visible()
    await button(bea, "Chart").last.click()
    await expect(bea.get_by_text("The chart is in your direct messages")).to_be_visible(timeout=READY_MILLISECONDS)
    await snap(bea, f"watch-details-{width}")
    office.clock.jump(106 * 60)

    direct = office.office.lab.workspace.direct_message(["U0BEA", APP_USER_ID]).id
    talk = await open_page(f"U0BEA/{direct}", **viewport)
    await talk.get_by_role("tab", name="Messages").click()
    await expect(talk.get_by_text("has been idle for").first).to_be_visible(timeout=READY_MILLISECONDS)
    chart = talk.get_by_alt_text("Tokens per minute and queue")
    await chart.scroll_into_view_if_needed()
    assert await chart.evaluate("image => image.naturalWidth") == 1200
    await snap(talk, f"watch-chart-{width}")
    await snap(talk, f"watch-warning-{width}")
    await button(talk, "Keep 1 h").last.click()
    await expect(talk.get_by_text("kept it until").first).to_be_visible(timeout=READY_MILLISECONDS)
    await snap(talk, f"watch-kept-{width}")
    await talk.get_by_role("tab", name="Home").click()
    await expect(talk.get_by_text("this month").first).to_be_visible()
    await snap(talk, f"watch-home-{width}")


@pytest.mark.parametrize("width", ["desktop", "phone"])
async def test_an_admin_reads_what_was_spent_and_sets_budgets(
    open_page: OpenPage, office: CloudOffice, width: str
) -> None:
    bea = await open_page("U0BEA/C0GENERAL")
    form = await open_form(bea, "llama", "meta-llama/Llama-3.2-1B-Instruct")
    await expect(form.get_by_text("fits")).to_be_visible()
    await button(form, "Create").click()
    await expect(bea.get_by_text("It answers at")).to_be_visible(timeout=READY_MILLISECONDS)
    office.clock.jump(3600)

    adam = await open_page("U0ADAM/C0GENERAL", **({"viewport": PHONE} if width == "phone" else {}))
    await write(adam, "/prime cost 7")
    await expect(adam.get_by_text("Cost of the last 7 days")).to_be_visible()
    await snap(adam, f"cost-{width}")
    await button(adam, "Budgets").click()
    await adam.get_by_role("dialog").get_by_label("Workspace").fill("500")
    await snap(adam, f"cost-budgets-{width}")
    await button(adam, "Save").click()
    await expect(adam.get_by_role("dialog")).not_to_be_visible()
    await write(adam, "/prime cost 7")
    await expect(adam.get_by_text("of $500.00 in all")).to_be_visible()
