"""Homes: each role has its own, nobody sees a panel without its permission or beyond its groups."""

import re
from collections.abc import Iterator

import pytest

from muster_platform.access.actor import Actor, Grant
from muster_platform.access.permissions import BUILTIN_ROLES, Permission
from muster_platform.access.preferences import PreferenceService
from muster_platform.access.roles import RoleService
from muster_platform.access.users import UserService
from muster_platform.web.site.home.homes import BY_NAME, HOMES, PANELS, fitting, homes_for, visible
from tests.integration.site.conftest import (
    ADMIN,
    OPERATOR,
    PASSWORD,
    SYSTEM,
    VIEWER,
    Browser,
    World,
)

EVERY_ROLE = sorted(BUILTIN_ROLES)


def person(world: World, *roles: str, group: int | None = None) -> Browser:
    """Make somebody with these roles, and give the signed-in browser."""
    email = f"some-{'-'.join(roles) or 'body'}@example.org"
    with world.platform.unit(SYSTEM) as unit:
        users = UserService(unit)
        user, _ = users.create(email, roles[0] if roles else "Nobody", PASSWORD)
        for role in roles:
            users.bind(user.id, role, group)
    return world.browser(email)


def panels(page: str) -> list[str]:
    return re.findall(r'id="panel-(\w+)"', page)


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_a_role_sees_its_own_home_with_all_its_panels(world: World, role: str) -> None:
    page = person(world, role).text("/admin/")
    assert f"<h1>{BY_NAME[role].title}</h1>" in page
    assert panels(page) == list(BY_NAME[role].panels)
    assert 'aria-label="Homes"' not in page


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_a_panel_is_drawn_again_for_whoever_may_see_it_and_refused_to_others(
    world: World, role: str
) -> None:
    browser = person(world, role)
    actor = Actor("user", "x", "x", (Grant(BUILTIN_ROLES[role]),))
    for name, panel in PANELS.items():
        status = browser.get(f"/admin/part/{name}").status_code
        assert status == (200 if panel.may_be_seen_by(actor) else 403), name


def test_a_panel_that_does_not_exist_is_not_there(world: World) -> None:
    assert world.browser().get("/admin/part/nothing").status_code == 404


def test_every_built_in_role_has_a_home_and_every_home_is_of_a_role() -> None:
    assert set(BY_NAME) == set(BUILTIN_ROLES)
    used = {name for home in HOMES for name in home.panels}
    assert used == set(PANELS), "a panel that nobody sees, or one that does not exist"


def test_rights_on_one_group_show_nothing_of_the_others(world: World) -> None:
    page = world.browser(OPERATOR).text("/admin/")
    total = re.search(r"Devices</span><span class=\"tile-value\">(\d+)<", page)
    assert total is not None
    assert total.group(1) == "1"
    assert "probe-2" not in page


def test_an_administrator_of_a_group_alone_sees_no_panel_of_the_whole(world: World) -> None:
    page = person(world, "administrator", group=world.berlin).text("/admin/")
    assert not {"parts", "people", "trail", "storage"} & set(panels(page))
    assert panels(page), "and yet has a home"


def test_whoever_has_no_role_is_told_what_to_do(world: World) -> None:
    page = person(world).text("/admin/")
    assert panels(page) == []
    assert "An administrator can give you one" in page


def test_two_roles_are_two_tabs_and_the_choice_is_kept(world: World) -> None:
    browser = person(world, "operator", "auditor")
    page = browser.text("/admin/")
    assert "<h1>Operations</h1>" in page
    assert 'aria-label="Homes"' in page
    other = browser.text("/admin/?home=auditor")
    assert "<h1>Audit</h1>" in other
    assert "Show this first" in other
    kept = browser.post("/admin/home/", home="auditor")
    assert "Audit comes first from now on" in kept.text
    assert "<h1>Audit</h1>" in browser.text("/admin/")
    assert "<h1>Operations</h1>" in browser.text("/admin/?home=operator")


def test_nobody_chooses_a_home_that_is_not_theirs(world: World) -> None:
    browser = person(world, "viewer")
    answer = browser.post("/admin/home/", home="administrator")
    assert "no home of yours" in answer.text
    assert "<h1>Fleet</h1>" in browser.text("/admin/?home=administrator")


def test_a_choice_is_nobody_elses_to_see(world: World) -> None:
    person(world, "operator", "auditor").post("/admin/home/", home="auditor")
    with world.platform.unit(Actor("user", "0" * 36, "other"), write=False) as unit:
        assert PreferenceService(unit).all() == {}


def test_a_custom_role_gets_the_home_that_fits_it(world: World) -> None:
    with world.platform.unit(SYSTEM) as unit:
        RoleService(unit).create("log_reader", [Permission.LOGS_READ, Permission.LOGS_WRITE])
    page = person(world, "log_reader").text("/admin/")
    assert f"<h1>{BY_NAME['analyst'].title}</h1>" in page


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_permissions_of_a_role_fit_a_home_that_they_can_fill(role: str) -> None:
    actor = Actor("user", "x", "x", (Grant(BUILTIN_ROLES[role]),))
    found = BY_NAME[fitting(BUILTIN_ROLES[role])[0]]
    assert len(visible(found, actor)) == len(found.panels)


def test_rights_without_any_role_still_lead_home() -> None:
    actor = Actor("user", "x", "x", (Grant(frozenset({Permission.DEVICES_READ})),))
    assert [home.name for home in homes_for(actor, [])] == ["viewer"]


def numbers(page: str) -> Iterator[tuple[str, str]]:
    yield from re.findall(r'<a class="tile" href="([^"]+)".*?tile-value">([\d,]+)<', page, re.S)


def test_every_number_leads_to_the_list_behind_it(world: World) -> None:
    browser = world.browser(VIEWER)
    found = list(numbers(browser.text("/admin/")))
    assert found
    for url, number in found:
        page = browser.text(url.replace("&amp;", "&"))
        assert re.search(rf"<h1>Devices <span[^>]*>{number}</span>", page), url


def test_the_parts_of_the_platform_are_told_to_the_administrator(world: World) -> None:
    page = world.browser(ADMIN).text("/admin/")
    assert "Answers this page" in page
    assert "SQLite, answers in" in page
    assert "Has said nothing yet" in page  # no ingest runs beside this test
