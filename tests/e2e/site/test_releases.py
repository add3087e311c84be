"""A release made in the browser: filled, published, fixed from then."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation

BYTES = 9_000_001
"""Three pieces of an upload."""


def test_a_file_chosen_in_the_browser_is_listed_and_published(
    open_site: Callable[..., Page], fleet: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "firmware.bin"
    file.write_bytes(b"m" * BYTES)
    page = open_site()
    page.goto(f"{fleet.web_url}/admin/releases/")
    page.get_by_role("link", name="New release").first.click()
    form = page.locator("form", has=page.locator("[name=components]"))
    form.locator("[name=name]").fill("Station firmware")
    form.locator("[name=version]").fill("3.0.0")
    form.locator("[name=components]").fill("firmware=3.0.0")
    form.get_by_label("station").check()
    form.locator("[name=notes]").fill("It *sleeps* better.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Station firmware 3.0.0")).to_be_visible()

    said = page.locator("[data-upload-state]")
    page.evaluate(
        """() => {
            const state = document.querySelector("[data-upload-state]");
            new MutationObserver(() => {
                const all = [...JSON.parse(sessionStorage.said ?? "[]"), state.textContent];
                sessionStorage.said = JSON.stringify(all);
            }).observe(state, { childList: true });
        }"""
    )
    expect(said).to_be_empty()
    page.get_by_label("Add a file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="firmware.bin")).to_be_visible()
    expect(page.get_by_text("9,000,001")).to_be_visible()
    told = page.evaluate("() => JSON.parse(sessionStorage.said)")
    assert [line.partition(" ")[0] for line in told] == ["0", "46", "93"]

    page.get_by_role("button", name="Publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_role("link", name="Roll out")).to_be_visible()
    expect(page.get_by_label("Add a file")).to_have_count(0)
    expect(page.get_by_text("sleeps")).to_be_visible()
