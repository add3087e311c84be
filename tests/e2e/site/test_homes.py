"""Each role signs in and finds its own home; who has two chooses which comes first."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.e2e.site.conftest import LIMIT_MS

Open = Callable[..., Page]
Person = Callable[..., StorageState]

HEADLINES: dict[str, tuple[str, str]] = {
    "administrator": ("Administration", "Health of the platform"),
    "operator": ("Operations", "Commands that wait, and why"),
    "release_manager": ("Releases", "Devices with old versions"),
    "analyst": ("Logs", "Most frequent faults"),
    "on_call": ("On call", "What changed in 24 hours"),
    "auditor": ("Audit", "Chain of the audit log"),
    "viewer": ("Fleet", "By profile"),
}
"""Role -> title of its home, and a panel that no other role's home has."""


@pytest.mark.parametrize("role", sorted(HEADLINES))
def test_a_role_sees_its_own_home_and_no_other(open_site: Open, person: Person, role: str) -> None:
    page = open_site(who=person(role))
    title, own = HEADLINES[role]
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.get_by_role("heading", level=2, name=own)).to_be_visible()
    for other, (_title, panel) in HEADLINES.items():
        if other != role:
            expect(page.get_by_role("heading", level=2, name=panel)).to_have_count(0)
    expect(page.get_by_role("navigation", name="Homes")).to_have_count(0)


def test_the_administrator_sees_every_part_at_work(open_site: Open) -> None:
    page = open_site()
    for part in ("Web", "Broker", "Ingest", "Dispatch", "Live", "Worker", "Schedule"):
        row = page.locator("#panel-parts").get_by_role("row").filter(has_text=part).first
        expect(row).to_contain_text("Works", timeout=LIMIT_MS)


def test_a_person_with_two_roles_chooses_the_first_home(open_site: Open, person: Person) -> None:
    who = person("operator", "auditor")
    page = open_site(who=who)
    expect(page.get_by_role("heading", level=1)).to_have_text("Operations")
    page.get_by_role("navigation", name="Homes").get_by_role("link", name="Audit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit")
    page.get_by_role("button", name="Show this first").click()
    expect(page.get_by_text("Audit comes first from now on")).to_be_visible()
    again = open_site(who=who)
    expect(again.get_by_role("heading", level=1)).to_have_text("Audit")
