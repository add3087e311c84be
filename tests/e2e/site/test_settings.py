"""A setting said once for a group reaches the device, and a chart is looked at more closely."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation
from tests.e2e.site.conftest import LIMIT_MS

Open = Callable[..., Page]
DEVICE = "walk-station-0001"


def test_a_device_applies_what_its_group_desires_and_the_page_says_so_live(
    open_site: Open, fleet: Installation
) -> None:
    page = open_site()
    page.goto(f"{fleet.web_url}/admin/devices/{DEVICE}/settings")
    expect(page.locator("[data-live-text]")).to_have_text("Live", timeout=LIMIT_MS)
    other = open_site()
    other.goto(f"{fleet.web_url}/admin/settings/group/1")
    other.get_by_label("The whole of what is desired here").fill('{"gate.open_s": 7}')
    other.get_by_role("button", name="Show what would change").click()
    plan = other.locator(".settings-plan")
    expect(plan).to_contain_text("2 devices will get gate.open_s = 7.")
    plan.get_by_role("button", name="Apply to 2 devices").click()
    row = page.locator(".settings-keys tr", has_text="gate.open_s")
    expect(row).to_contain_text("In sync", timeout=LIMIT_MS)
    expect(row).to_contain_text("Fleet")


def test_dragging_over_a_chart_shows_that_time_and_a_double_click_goes_back(
    open_site: Open, fleet: Installation
) -> None:
    page = open_site()
    page.goto(f"{fleet.web_url}/admin/devices/{DEVICE}/")
    # The first event after the connection fetches the charts anew.
    expect(page.locator("[data-live-text]")).to_have_text("Live", timeout=LIMIT_MS)
    plot = page.locator(".metric-plot").first
    plot.locator(".u-over").hover(timeout=LIMIT_MS)
    over = plot.bounding_box()
    assert over is not None
    middle = over["y"] + over["height"] / 2
    page.mouse.move(over["x"] + over["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(over["x"] + over["width"] * 0.9, middle, steps=5)
    page.mouse.up()
    label, hour = page.locator("[data-window]"), page.locator('[data-range="3600000"]')
    expect(label).not_to_have_text("Custom")
    expect(hour).to_have_attribute("aria-pressed", "false")
    plot.dblclick()
    expect(label).to_have_text("Custom")
    expect(hour).to_have_attribute("aria-pressed", "true")
