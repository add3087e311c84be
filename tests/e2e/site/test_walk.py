"""An operator's walk: sign in, find a device, send a command, see it finish, read its log."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.e2e.conftest import Installation
from tests.e2e.site.conftest import DESKTOP, LIMIT_MS, PHONE

Open = Callable[..., Page]
DEVICE = "walk-station-0001"


def open_device(page: Page) -> None:
    """Find the device by the search box of the top bar and open it."""
    page.get_by_role("combobox", name="Find by name").fill("station-0001")
    page.get_by_role("option", name=DEVICE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(DEVICE)


def test_home_shows_the_fleet_and_follows_it_live(
    open_site: Open, person: Callable[..., StorageState]
) -> None:
    page = open_site(who=person("operator"))
    online = page.locator(".tile", has_text="Online").locator(".tile-value")
    expect(online).to_have_text(re.compile("[2-9]"), timeout=LIMIT_MS)
    expect(page.locator("[data-live-text]")).to_have_text("Live", timeout=LIMIT_MS)


def test_a_command_is_sent_and_seen_to_finish_without_loading_the_page(open_site: Open) -> None:
    page = open_site()
    open_device(page)
    expect(page.locator("[data-live-text]")).to_have_text("Live", timeout=LIMIT_MS)
    page.get_by_label("Command", exact=True).fill("calibrate")
    page.get_by_role("button", name="Send").click()
    page.wait_for_load_state()
    page.evaluate("window.stayed = true")
    run = page.locator(".run").first
    expect(run).to_contain_text("calibrate")
    expect(run).to_contain_text("In progress", timeout=LIMIT_MS)
    expect(run).to_contain_text("Succeeded", timeout=LIMIT_MS)
    assert page.evaluate("window.stayed") is True
    run.get_by_role("link", name="Why?").click()
    expect(page.locator("#why")).to_contain_text("It ended as SUCCEEDED")
    expect(page.locator("#why")).to_contain_text(DEVICE)


def test_telemetry_and_log_grow_while_one_looks(open_site: Open) -> None:
    page = open_site()
    open_device(page)
    expect(page.locator(".metric-plot canvas").first).to_be_visible(timeout=LIMIT_MS)
    latest = page.locator('[data-latest="temperature_c"]')
    before = latest.inner_text()
    expect(latest).not_to_have_text(before, timeout=LIMIT_MS)
    rows = page.locator(".log-row")
    expect(rows.first).to_be_visible(timeout=LIMIT_MS)
    count = rows.count()
    expect(rows.nth(count)).to_be_attached(timeout=LIMIT_MS)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    page.get_by_label("Only lines that contain").fill("no line has this")
    expect(page.locator(".log-empty")).to_be_visible(timeout=LIMIT_MS)


def test_arguments_that_are_no_json_are_told_while_they_are_typed(open_site: Open) -> None:
    page = open_site()
    open_device(page)
    page.get_by_label("Command", exact=True).fill("calibrate")
    page.get_by_text("Arguments and limits").click()
    page.get_by_label("Arguments, one JSON object").fill('{"a": ')
    expect(page.locator("[data-args-fault]")).to_contain_text("Not JSON")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_label("Arguments, one JSON object")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_pages_fit_their_screen_in_both_colours(
    open_site: Open, fleet: Installation, size: tuple[int, int], scheme: str
) -> None:
    page = open_site(size, scheme)
    paths = (
        "",
        "device/",
        *(f"devices/{DEVICE}/{tab}" for tab in ("", "timeline", "settings", "inventory", "access")),
        *("jobs/", "logs/", "audit/", "quarantine/", "groups/", "profiles/new/", "account/"),
    )
    for path in paths:
        page.goto(f"{fleet.web_url}/admin/{path}")
        expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
        overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert overflow <= 0, f"/admin/{path} is {overflow} px too wide"


def test_on_a_phone_the_navigation_opens_over_the_page(open_site: Open) -> None:
    page = open_site(PHONE)
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name="Devices")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Navigation", exact=True).click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Devices")


def test_colours_are_chosen_and_remembered(open_site: Open) -> None:
    page = open_site()
    page.get_by_label("Colours").click()
    page.get_by_role("menuitem", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_the_keyboard_is_enough(open_site: Open) -> None:
    page = open_site()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("/")
    finder = page.get_by_role("combobox", name="Find by name")
    expect(finder).to_be_focused()
    page.keyboard.type("station-0002")
    # Not the list of what was typed half way.
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(finder).to_have_attribute("aria-activedescendant", "hit-1-1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("walk-station-0002")


def test_enter_leads_to_all_that_was_found_and_escape_closes_the_list(open_site: Open) -> None:
    page = open_site(PHONE)
    finder = page.get_by_role("combobox", name="Find by name")
    finder.fill("station")
    expect(page.get_by_role("option", name="walk-station-")).to_have_count(2)
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox", name="Results")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Results for")
    expect(page.get_by_role("link", name=DEVICE)).to_be_visible()


def test_a_role_is_made_and_the_audit_tells_it(open_site: Open, fleet: Installation) -> None:
    page = open_site()
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Roles").click()
    page.get_by_role("link", name="New role").click()
    page.get_by_label("Name", exact=True).fill("night_watch")
    page.get_by_label("Title").fill("Night watch")
    page.locator('input[value="devices:read"]').check()
    page.get_by_role("button", name="Make the role").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Night watch")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Audit").click()
    line = page.get_by_role("row").filter(has_text="made the role").first
    expect(line).to_contain_text(fleet.email)


def test_a_denial_says_which_permission_is_missing(
    fleet: Installation, browser: Browser, person: Callable[..., StorageState]
) -> None:
    context = browser.new_context(storage_state=person("viewer"))
    page = context.new_page()
    page.goto(f"{fleet.web_url}/admin/audit/")
    expect(page.locator("body")).to_contain_text("audit:read")
    context.close()
