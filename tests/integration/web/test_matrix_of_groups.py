"""Every route against every role bound to one group: on what lies in it, and on what does not.

What is expected is computed from the routes' declarations. The objects are those of samples.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from muster_platform.access.actor import system_actor
from muster_platform.access.permissions import BUILTIN_ROLES, GLOBAL
from muster_platform.access.users import UserService
from muster_platform.web.api import ROUTES
from muster_platform.web.api.routing import Caller, Route
from tests.integration.web.conftest import PASSWORD, World
from tests.integration.web.samples import body_of, fresh, path_of, prepare, query_of
from tests.services.database import MigratedSqlite

GUARDED = [r for r in ROUTES if r.caller is Caller.USER and r.permission is not None]
NO_GROUP = frozenset({"user_id", "binding_id", "role_name", "name", "number", "api_token_id"})
"""Path parameters that name things without a group, which need a binding everywhere."""

PLACES = ("own", "foreign")
REFUSED = (403, 404)


@dataclass(frozen=True)
class Cell:
    """One request of the matrix."""

    route: Route
    role: str
    place: str

    @property
    def names_an_object(self) -> bool:
        """Say whether the path names something that lies in a group."""
        return bool(set(self.route.path_parameters) - NO_GROUP)

    @property
    def must_be_refused(self) -> bool:
        """Say whether the declaration leaves no way in."""
        permission = self.route.permission
        if permission not in BUILTIN_ROLES[self.role] or permission in GLOBAL:
            return True
        return self.names_an_object and self.place == "foreign"

    @property
    def must_succeed(self) -> bool:
        """Say whether the declaration lets it in for sure.

        A body may name things elsewhere (the root group): only what names its object in the path,
        or only reads, is sure.
        """
        if self.must_be_refused:
            return False
        if self.names_an_object:
            return not _reaches_elsewhere(self.route)
        return self.route.method == "GET"

    def __str__(self) -> str:
        return f"{self.role} on {self.place}: {self.route.method} {self.route.path}"


def _reaches_elsewhere(route: Route) -> bool:
    return route.operation_id in ELSEWHERE


ELSEWHERE = frozenset({"undo_bulk_change", "cancel_bulk_change"})
"""What also asks for the rights that its author used, or names two places."""


def cells(role: str) -> Iterator[Cell]:
    for route in GUARDED:
        for place in PLACES:
            yield Cell(route, role, place)


@pytest.fixture
def world(make_world: Callable[..., World], migrated_sqlite: MigratedSqlite) -> World:
    return make_world(migrated_sqlite.copy())


def bound(world: World, role: str) -> str:
    """Make a person with the role on Berlin alone."""
    email = f"{role}@berlin.example"
    with world.platform.unit(system_actor("test")) as unit:
        user, _ = UserService(unit).create(email, role, PASSWORD)
        UserService(unit).bind(user.id, role, world.berlin)
    return email


def call(world: World, route: Route, who: str, names: dict[str, Any]) -> Any:
    options: dict[str, Any] = {"query_string": query_of(route)}
    body = body_of(route, names)
    if body is not None:
        options["json"] = body
    return world.call(route.method, path_of(route, names), who, **options)


@pytest.mark.parametrize("role", sorted(BUILTIN_ROLES))
def test_a_role_on_a_group_reaches_what_is_inside_and_nothing_else(world: World, role: str) -> None:
    who = bound(world, role)
    places = {"own": fresh(world, world.berlin), "foreign": fresh(world, world.paris)}
    marks = _marks(places["foreign"])
    wrong = []
    for cell in cells(role):
        names = places[cell.place]
        if missing := without_sample(cell.route, names):
            wrong.append(missing)
            continue
        if cell.route.writes and cell.names_an_object and not cell.must_be_refused:
            names = fresh(world, world.berlin)
            prepare(world, cell.route, names)
        answer = call(world, cell.route, who, names)
        fault = judged(cell, answer.status_code)
        asked = f"{path_of(cell.route, names)} {body_of(cell.route, names)}"
        told = {mark for mark in marks.findall(answer.text) if mark not in asked}
        if told and answer.status_code < 300:
            fault = f"tells of {told}"
        if fault:
            wrong.append(f"{cell}: {fault} {answer.text[:300]}")
    assert not wrong, "\n".join(dict.fromkeys(wrong))


def without_sample(route: Route, names: dict[str, Any]) -> str:
    """Say what samples.py lacks for a route, "" where nothing."""
    try:
        path_of(route, names)
        body_of(route, names)
    except AssertionError as missing:
        return str(missing)
    return ""


def judged(cell: Cell, status: int) -> str:
    """Say what is wrong with a status, "" where nothing is."""
    if cell.must_be_refused:
        return "" if status in REFUSED else f"{status}, to be refused"
    if status >= 500:
        return f"{status}, ours"
    return f"{status}, to succeed" if cell.must_succeed and status >= 300 else ""


def _marks(foreign: dict[str, Any]) -> re.Pattern[str]:
    """Give what an answer to somebody of another group must not contain."""
    n = foreign["n"]
    words = [f"device-{n}", f"deleted-{n}", f"gateway-{n}", f"child-{n}", f"Fresh {n}"]
    words += [f"Empty {n}", f"Token {n}", foreign["job_id"], foreign["execution_id"]]
    return re.compile("|".join(rf"\b{re.escape(word)}\b" for word in words))


def test_the_size_of_the_matrix(capsys: pytest.CaptureFixture[str]) -> None:
    everywhere = len(GUARDED) * (len(BUILTIN_ROLES) + 1)
    anonymous = sum(route.caller is Caller.USER for route in ROUTES)
    in_groups = sum(1 for role in BUILTIN_ROLES for _ in cells(role))
    with capsys.disabled():
        print(
            f"\nmatrix of the API: {len(GUARDED)} guarded routes; {len(BUILTIN_ROLES)} roles and "
            f"nobody everywhere: {everywhere}; without a token: {anonymous}; roles on a group, own "
            f"and foreign: {in_groups}; {everywhere + anonymous + in_groups} cells"
        )
    assert in_groups == len(GUARDED) * len(BUILTIN_ROLES) * len(PLACES)
