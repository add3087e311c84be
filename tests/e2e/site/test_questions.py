"""A question asked while the page lives on: the answer counts, whatever was drawn anew."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Installation


def test_an_answer_counts_though_its_button_was_drawn_anew(
    open_site: Callable[..., Page], fleet: Installation
) -> None:
    page = open_site()
    page.goto(f"{fleet.web_url}/admin/tasks/schedules/")
    page.get_by_role("button", name="Run now").first.click()
    question = page.get_by_role("dialog")
    expect(question).to_be_visible()
    # What a redraw does to a fragment: the same markup, other elements.
    page.evaluate(
        """() => {
            for (const part of document.querySelectorAll("[data-fragment]")) {
                const markup = part.innerHTML;
                part.innerHTML = markup;
            }
        }"""
    )
    question.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("runs within seconds")).to_be_visible()


def test_what_is_typed_chooses_how_devices_are_named(
    open_site: Callable[..., Page], fleet: Installation
) -> None:
    page = open_site()
    page.goto(f"{fleet.web_url}/admin/rollouts/new")
    expect(page.get_by_label("A group and those inside")).to_be_checked()
    page.get_by_label("Tag", exact=True).fill("site=berlin")
    expect(page.get_by_label("A tag")).to_be_checked()
