"""The search box: what is found, by whom, and how it is written."""

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import BUILTIN_ROLES
from muster_platform.access.users import UserService
from muster_platform.jobs.service import JobService
from muster_platform.updates.release_rules import Draft
from muster_platform.updates.releases import ReleaseService
from muster_platform.web.find import SIZE, find
from tests.integration.site.conftest import ADMIN, OPERATOR, SYSTEM, VIEWER, World


def kinds(world: World, actor: Actor, text: str) -> dict[str, list[str]]:
    with world.platform.unit(actor, write=False) as unit:
        found: dict[str, list[str]] = {}
        for hit in find(unit, text):
            found.setdefault(hit.kind, []).append(hit.name)
        return found


def test_devices_people_jobs_and_groups_are_found_by_part_of_their_name(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        JobService(unit).create_command(
            "reboot", target={"devices": ["probe-1"]}, title="Berlin reboot"
        )
    found = kinds(world, SYSTEM, "berl")
    assert found == {"user": ["berlin"], "job": ["Berlin reboot"], "group": ["Berlin"]}
    assert kinds(world, SYSTEM, "probe") == {"device": ["First probe", "probe-2"]}


def test_a_release_is_found_by_its_name_with_its_version(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        made = ReleaseService(unit).create(Draft("Probe firmware", "2.0", {"app": "2.0"}, ()))
    assert kinds(world, SYSTEM, "firmware 2.0") == {"release": ["Probe firmware 2.0"]}
    page = world.browser().text("/admin/search/?text=firmware+2.0")
    assert f'href="/admin/releases/{made.id}/"' in page
    assert "release" not in kinds(world, Actor("user", "x", "x"), "firmware")


def test_what_one_may_not_see_is_not_found(world: World) -> None:
    viewer = Actor("user", "x", "x", (Grant(BUILTIN_ROLES["viewer"], f"1/{world.berlin}/"),))
    assert kinds(world, viewer, "probe") == {"device": ["First probe"]}
    assert "user" not in kinds(world, viewer, "berlin")
    assert kinds(world, Actor("user", "x", "x"), "probe") == {}


@pytest.mark.parametrize("text", ["", "   ", "\x00", "%", "_", "\\", "x" * 5_000, "'\"<script>"])
def test_whatever_is_typed_is_only_text(world: World, text: str) -> None:
    assert kinds(world, SYSTEM, text) == {}
    page = world.browser().get("/admin/search/hits", query_string={"text": text})
    # No page takes what no database could store (web/site/storable.py).
    assert page.status_code == (422 if "\x00" in text else 200)
    assert "<script>" not in page.text


def test_the_box_is_given_a_few_and_the_page_all(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        for number in range(SIZE + 3):
            UserService(unit).create(f"many-{number}@example.org", f"Many {number}")
    browser = world.browser()
    assert browser.text("/admin/search/hits?text=many").count('role="option"') == SIZE
    assert browser.text("/admin/search/?text=many").count("Many ") == SIZE + 3


def test_results_lead_to_the_pages_of_what_was_found(world: World) -> None:
    for email in (ADMIN, OPERATOR, VIEWER):
        page = world.browser(email).text("/admin/search/?text=probe-1")
        assert 'href="/admin/devices/probe-1/"' in page
    with_people = world.browser().text("/admin/search/?text=viewer")
    assert "viewer@example.org" in with_people
