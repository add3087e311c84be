"""axe-core over every page that the navigation names and over the pages behind the lists."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState

from tests.e2e.conftest import Installation
from tests.e2e.site.conftest import DESKTOP, LIMIT_MS, PHONE

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
FAULTS = frozenset({"serious", "critical"})
DEVICE = "walk-station-0001"
BEHIND = (
    *(f"/admin/devices/{DEVICE}/{tab}" for tab in ("", "commands", "timeline", "settings")),
    *(f"/admin/devices/{DEVICE}/{tab}" for tab in ("inventory", "access")),
    *("/admin/device/new/", "/admin/profiles/new/", "/admin/enrolment/new/", "/admin/groups/new/"),
    *("/admin/people/new/", "/admin/roles/new/", "/admin/account/", "/admin/search/?text=station"),
    *("/admin/releases/new", "/admin/rollouts/new", "/admin/rules/", "/admin/rules/new"),
    *("/admin/on-call/1/", "/admin/tasks/schedules/"),
)
"""Pages that no link of the navigation names."""
ON_A_PHONE = ("/admin/", "/admin/device/", f"/admin/devices/{DEVICE}/", "/admin/audit/")
HOMES = ("operator", "release_manager", "analyst", "on_call", "auditor", "viewer")


class Axe:
    """A browser in which axe may be loaded beside our policy."""

    def __init__(self, browser: Browser, fleet: Installation, source: str) -> None:
        self._browser, self._fleet, self._source = browser, fleet, source

    def open(self, who: StorageState, scheme: str, size: tuple[int, int] = DESKTOP) -> Page:
        """Open an empty page."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=who,
            bypass_csp=True,
            reduced_motion="reduce",
        )
        context.set_default_timeout(LIMIT_MS)
        return context.new_page()

    def faults(self, page: Page, path: str) -> list[str]:
        """Visit a page, and give what is serious there, with where."""
        answer = page.goto(f"{self._fleet.web_url}{path}")
        assert answer is not None
        assert answer.status == 200, path
        page.wait_for_selector("html[data-ready=yes]")
        page.evaluate(self._source)
        options = {"resultTypes": ["violations"]}
        found: Any = page.evaluate("options => axe.run(document, options)", options)
        return [
            f"{path}: {fault['id']}: {node['html'][:120]}"
            for fault in found["violations"]
            if fault["impact"] in FAULTS
            for node in fault["nodes"]
        ]


@pytest.fixture
def axe(browser: Browser, fleet: Installation) -> Axe:
    return Axe(browser, fleet, AXE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault(axe: Axe, signed_in: StorageState, scheme: str) -> None:
    page = axe.open(signed_in, scheme)
    axe.faults(page, "/admin/")
    links = page.get_by_role("navigation", name="Main").get_by_role("link").all()
    named = list(dict.fromkeys(str(link.get_attribute("href")) for link in links))
    assert len(named) > 10
    found = [fault for path in (*named, *BEHIND) for fault in axe.faults(page, path)]
    page.context.close()
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_one_on_a_phone(axe: Axe, signed_in: StorageState, scheme: str) -> None:
    page = axe.open(signed_in, scheme, PHONE)
    found = [fault for path in ON_A_PHONE for fault in axe.faults(page, path)]
    page.context.close()
    assert found == []


def test_no_home_has_one(axe: Axe, person: Callable[..., StorageState]) -> None:
    found = []
    for role in HOMES:
        page = axe.open(person(role), "light")
        found += axe.faults(page, "/admin/")
        page.context.close()
    assert found == []


def test_the_sign_in_has_none(axe: Axe) -> None:
    empty: StorageState = {"cookies": [], "origins": []}
    page = axe.open(empty, "light")
    found = axe.faults(page, "/admin/sign-in")
    page.context.close()
    assert found == []
