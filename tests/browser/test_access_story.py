"""Access as people meet it, in a real browser: the newcomer asks, the admin approves, and it shows at once."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from lab.slack.server import SlackLab
from tests.browser.conftest import OpenPage, snap
from tests.browser.test_page import button, in_sidebar, write
from tests.scenario.access import Office, open_office

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def office(database_url: str) -> AsyncIterator[Office]:
    async with open_office(database_url) as office:
        yield office


@pytest_asyncio.fixture(loop_scope="module")
async def lab(office: Office) -> SlackLab:
    return office.lab


async def open_home(page: Page) -> None:
    await in_sidebar(page, "Prime").click()
    await page.get_by_role("tab", name="Home").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_newcomer_asks_an_admin_approves_and_home_changes(open_page: OpenPage, scheme: str) -> None:
    nils = await open_page("U0NILS/C0GENERAL", color_scheme=scheme)
    await open_home(nils)
    await expect(nils.get_by_text("Welcome to Prime")).to_be_visible()
    await snap(nils, f"access-home-newcomer-{scheme}")
    await button(nils, "Ask for access").click()
    form = nils.get_by_role("dialog", name="Ask for access")
    await form.get_by_label("Reason").fill(
        "To summarise forty interviews.\nThe transcripts must not leave our machines."
    )
    await snap(nils, f"access-form-{scheme}")
    await button(form, "Send request").click()
    await expect(form).to_have_count(0)
    await expect(button(nils, "Withdraw request")).to_be_visible()
    await snap(nils, f"access-home-waiting-{scheme}")

    adam = await open_page("U0ADAM/C0APPROVALS", color_scheme=scheme)
    await expect(button(adam, "Approve")).to_be_visible()
    await snap(adam, f"access-request-{scheme}")
    await button(adam, "Approve as...").click()
    await expect(adam.get_by_role("dialog", name="Approve as")).to_be_visible()
    await snap(adam, f"access-approve-as-{scheme}")
    await button(adam.get_by_role("dialog"), "Cancel").click()
    await expect(adam.get_by_role("dialog")).to_have_count(0)
    await button(adam, "Approve").click()
    await expect(adam.get_by_text("approved by")).to_be_visible()
    await expect(button(adam, "Approve")).to_have_count(0)
    await snap(adam, f"access-approved-{scheme}")

    await expect(nils.get_by_text("Your role is READ")).to_be_visible()
    await snap(nils, f"access-home-reader-{scheme}")
    await nils.get_by_role("tab", name="Messages").click()
    await expect(nils.get_by_text("Your request was approved")).to_be_visible()
    await snap(nils, f"access-told-{scheme}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_an_admin_looks_after_people(open_page: OpenPage, office: Office, scheme: str) -> None:
    rita = await office.person("U0RITA")
    await rita.types("/prime access", channel="#random")
    await rita.sees_modal("Ask for access")
    await rita.fills("Reason", "I read the dashboards")
    await rita.submits()

    adam = await open_page("U0ADAM/C0GENERAL", color_scheme=scheme)
    await open_home(adam)
    await expect(adam.get_by_text("Open access requests")).to_be_visible()
    await expect(adam.get_by_text("I read the dashboards")).to_be_visible()
    await snap(adam, f"access-home-admin-{scheme}")
    await button(adam, "Deny").click()
    form = adam.get_by_role("dialog", name="Deny request")
    await form.get_by_label("Reason").fill("Please read the guide first.")
    await snap(adam, f"access-deny-{scheme}")
    await button(form, "Deny").click()
    await expect(adam.get_by_text("Nobody is waiting.")).to_be_visible()

    await in_sidebar(adam, "general").click()
    await write(adam, "/prime users @bea READ_WRITE for 30 days")
    await expect(adam.get_by_text("now has READ_WRITE")).to_be_visible()
    await write(adam, "/prime users")
    await expect(adam.get_by_text("People with a role")).to_be_visible()
    await write(adam, "/prime audit")
    await expect(adam.get_by_text("Audit log")).to_be_visible()
    await snap(adam, f"access-users-and-audit-{scheme}")
    await write(adam, "/prime roles")
    await expect(adam.get_by_role("dialog", name="Role mappings")).to_be_visible()
    await button(adam, "Add mapping").click()
    form = adam.get_by_role("dialog", name="Add mapping")
    await form.get_by_label("Group").click()
    await adam.get_by_role("option", name="@ml-builders").click()
    await form.get_by_label("Role").click()
    await adam.get_by_role("option", name="READ_WRITE").click()
    await snap(adam, f"access-add-mapping-{scheme}")
    await button(form, "Preview").click()
    await expect(adam.get_by_role("dialog", name="Preview")).to_be_visible()
    await snap(adam, f"access-preview-{scheme}")
    await button(adam, "Apply").click()
    await expect(adam.get_by_role("dialog", name="Role mappings")).to_be_visible()
    await snap(adam, f"access-mappings-{scheme}")
