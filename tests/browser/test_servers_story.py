"""Servers as people meet them, in a real browser: a builder creates one from the modal and sees it become ready."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from lab.paperspace.faults import FaultName
from lab.slack.server import SlackLab
from tests.browser.conftest import OpenPage, snap
from tests.browser.test_page import button, choose, in_sidebar, write
from tests.scenario.cloud import CloudOffice, open_cloud_office

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

READY_MILLISECONDS = 30_000


@pytest_asyncio.fixture(loop_scope="module")
async def office(database_url: str) -> AsyncIterator[CloudOffice]:
    async with open_cloud_office(database_url, scheme="https") as office:
        yield office


@pytest_asyncio.fixture(loop_scope="module")
async def lab(office: CloudOffice) -> SlackLab:
    return office.office.lab


async def open_form(page: Page, name: str, model: str) -> Locator:
    await write(page, "/prime create")
    form = page.get_by_role("dialog", name="Create a model server")
    await form.get_by_label("Name").fill(name)
    await form.get_by_label("Model").click()
    await page.keyboard.type(model)
    await page.get_by_role("option", name=model).first.click()
    return form


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_builder_creates_a_server_and_sees_it_become_ready(open_page: OpenPage, scheme: str) -> None:
    bea = await open_page("U0BEA/C0GENERAL", color_scheme=scheme)
    form = await open_form(bea, "team-llama", "meta-llama/Llama-3.2-1B-Instruct")
    await snap(bea, f"servers-form-{scheme}")
    verdict = form.get_by_text("fits")
    await expect(verdict).to_be_visible()
    await verdict.scroll_into_view_if_needed()
    await snap(bea, f"servers-form-fits-{scheme}")
    await button(form, "Create").click()
    await expect(form).to_have_count(0)
    await expect(bea.get_by_text("team-llama").first).to_be_visible()
    await snap(bea, f"servers-card-on-its-way-{scheme}")
    await expect(bea.get_by_text("It answers at")).to_be_visible(timeout=READY_MILLISECONDS)
    await snap(bea, f"servers-card-ready-{scheme}")

    await write(bea, "/prime servers")
    await expect(bea.get_by_text("Only visible to you").first).to_be_visible()
    await snap(bea, f"servers-list-{scheme}")
    await write(bea, "/prime usage team-llama")
    await expect(bea.get_by_text("/v1/chat/completions").first).to_be_visible()
    await snap(bea, f"servers-usage-{scheme}")

    await in_sidebar(bea, "Prime").click()
    await bea.get_by_role("tab", name="Home").click()
    await expect(bea.get_by_text("team-llama")).to_be_visible()
    await snap(bea, f"servers-home-{scheme}")


async def test_a_model_that_does_not_fit_needs_a_second_yes(open_page: OpenPage) -> None:
    bea = await open_page("U0BEA/C0GENERAL")
    form = await open_form(bea, "too-big", "meta-llama/Llama-3.3-70B-Instruct")
    await expect(form.get_by_text("fits")).to_be_visible()  # the form proposes a machine that has room for it
    await choose(form, "Offer", "A4000 · $0.76")
    verdict = form.get_by_text("does not fit").first
    await expect(verdict).to_be_visible()
    await verdict.scroll_into_view_if_needed()
    await snap(bea, "servers-form-misfit")
    await button(form, "Create").click()
    await expect(button(bea, "Create anyway")).to_be_visible()
    await snap(bea, "servers-misfit-second-yes")


async def test_no_capacity_is_said_where_the_server_was_asked_for(open_page: OpenPage, office: CloudOffice) -> None:
    office.cloud.faults.switch(FaultName.NO_CAPACITY)
    bea = await open_page("U0BEA/C0GENERAL")
    form = await open_form(bea, "unlucky", "meta-llama/Llama-3.2-1B-Instruct")
    await expect(form.get_by_text("fits")).to_be_visible()
    await button(form, "Create").click()
    await expect(bea.get_by_text("capacity").first).to_be_visible(timeout=READY_MILLISECONDS)
    await snap(bea, "servers-no-capacity")


async def test_a_server_is_deleted_by_its_name_on_a_phone(open_page: OpenPage, office: CloudOffice) -> None:
    bea = await open_page("U0BEA/C0GENERAL", viewport={"width": 390, "height": 844})
    form = await open_form(bea, "short-lived", "meta-llama/Llama-3.2-1B-Instruct")
    await snap(bea, "servers-form-phone")
    await button(form, "Create").click()
    await expect(bea.get_by_text("It answers at")).to_be_visible(timeout=READY_MILLISECONDS)
    await snap(bea, "servers-card-phone")
    await button(bea, "Delete").last.click()
    dialog = bea.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("short-lived")
    await snap(bea, "servers-delete-phone")
    await button(dialog, "Delete").click()
    await expect(bea.get_by_text("deleted").first).to_be_visible(timeout=READY_MILLISECONDS)
    assert not office.cloud.costing()
