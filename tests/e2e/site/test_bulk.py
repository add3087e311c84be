"""Many devices at once, in a browser: ticked, planned, changed before one's eyes, taken back."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.site.conftest import PHONE


def test_ticked_devices_are_planned_changed_and_taken_back(open_site: Callable[..., Page]) -> None:
    page = open_site()
    page.goto(page.url.replace("/admin/", "/admin/device/"))
    plan = page.get_by_role("button", name="Plan", exact=True)
    expect(plan).to_be_disabled()
    page.get_by_label("Tick all on this page").check()
    expect(page.get_by_text("2 ticked")).to_be_visible()
    page.get_by_label("What to do with them").select_option("tag")
    plan.click()
    page.get_by_label("Add or change").fill("wave=first")
    page.get_by_role("button", name="Show the plan").click()
    page.get_by_label("Reason, for the audit log").fill("the first wave")
    page.get_by_role("button", name="Change tags: 2 devices").click()
    # The worker does it; the page is told and draws it.
    expect(page.get_by_text("2 tagged, 2 in all")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take back").click()
    expect(page.get_by_role("link", name="an earlier change")).to_be_visible()
    expect(page.get_by_text("2 tagged, 2 in all")).to_be_visible()
    page.get_by_role("link", name="an earlier change").click()
    expect(page.get_by_role("link", name="a later change")).to_be_visible()


def test_all_that_match_are_planned_on_a_phone(open_site: Callable[..., Page]) -> None:
    page = open_site(PHONE)
    page.goto(page.url.replace("/admin/", "/admin/device/"))
    page.get_by_label("All 2 that match").check()
    page.get_by_label("What to do with them").select_option("command")
    page.get_by_role("button", name="Plan", exact=True).click()
    page.get_by_label("Command").fill("ping")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("button", name="Send a command: 2 devices")).to_be_visible()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE[0]
