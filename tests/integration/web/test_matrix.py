"""Every route against every role: nobody gets in who should not, and whoever should does."""

from collections.abc import Callable

import pytest

from muster_platform.access.permissions import BUILTIN_ROLES
from muster_platform.web.api import ROUTES
from muster_platform.web.api.routing import Caller, Route
from tests.integration.web.conftest import ADMIN, NOBODY, World, role_user
from tests.integration.web.samples import body_of, fresh, path_of, prepare, query_of
from tests.services.database import MigratedSqlite

USERS = [route for route in ROUTES if route.caller is Caller.USER]
GUARDED = [route for route in USERS if route.permission is not None]
SIGN_OUT = (
    *("sign_out", "change_password", "confirm_second_factor"),
    *("remove_second_factor", "renew_recovery_codes"),
)
"""They end the token of whoever calls them, or need that person's own second factor:
tests/integration/web/test_auth.py and test_second_factor.py have them."""


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy())


def call(world: World, route: Route, who: str | None, names: dict[str, object]) -> int:
    body = body_of(route, names)
    options: dict[str, object] = {"query_string": query_of(route)}
    if body is not None:
        options["json"] = body
    return world.call(route.method, path_of(route, names), who, **options).status_code


def test_no_route_answers_without_a_token(world: World) -> None:
    names = fresh(world)
    for route in USERS:
        assert call(world, route, None, names) == 401, f"{route.method} {route.path}"


def test_whoever_has_no_rights_at_all_gets_nothing(world: World) -> None:
    names = fresh(world)
    for route in GUARDED:
        status = call(world, route, NOBODY, names)
        assert status in (403, 404), f"{route.method} {route.path}: {status}"


@pytest.mark.parametrize("role", sorted(BUILTIN_ROLES))
def test_a_role_can_do_what_its_permissions_say_and_nothing_else(world: World, role: str) -> None:
    held = BUILTIN_ROLES[role]
    untouched = fresh(world)  # What is only read, or refused, may serve all routes.
    for route in GUARDED:
        names, allowed = untouched, route.permission in held
        if allowed and route.method != "GET":
            names = fresh(world)
            prepare(world, route, names)
        status = call(world, route, role_user(role), names)
        line = f"{role} {route.method} {route.path}: {status}"
        assert 200 <= status < 300 if allowed else status in (403, 404), line


def test_a_role_on_one_group_ends_at_its_border(world: World) -> None:
    names = fresh(world)
    device = f"/devices/{names['device_id']}"
    world.ok("PATCH", device, json={"group_id": world.paris})
    for route in GUARDED:
        if "{device_id}" in route.path:
            status = call(world, route, "berlin@example.org", names)
            assert status == 404, f"{route.method} {route.path}: {status}"
    assert world.ok("GET", device)["group"]["name"] == "Paris"


def test_the_administrator_may_call_whatever_asks_for_no_permission(world: World) -> None:
    for route in USERS:
        if route.permission is None and route.operation_id not in SIGN_OUT:
            assert call(world, route, ADMIN, fresh(world)) < 300, route.path
