"""Whatever is sent, the answer names the place; nothing is ever our fault."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster_platform.paging import encode_cursor
from muster_platform.web.api import ROUTES
from muster_platform.web.api.routing import Caller, RawBody, Route
from tests.integration.web.conftest import ADMIN, World
from tests.integration.web.samples import BODIES, fresh, path_of, query_of

USERS = [route for route in ROUTES if route.caller is Caller.USER]
WITH_BODY = [route for route in ROUTES if route.body not in (None, RawBody)]
STRICT = [route for route in WITH_BODY if route.body.__struct_config__.forbid_unknown_fields]
LISTS = [route for route in USERS if route.query is not None]
LEAVES = ("sign_out", "change_password")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["\x00", "\ud800", "a" * 5_000, "'; --", "%", "_", 2**63, -(2**63), 1e308]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
TEXTS = st.text(max_size=12) | st.sampled_from(["\x00", "0", "-1", "9" * 30, "1e3", "ONLINE,", "="])


@pytest.fixture
def world(make_world: Callable[..., World], database_url: str) -> World:
    return make_world(database_url)


def test_every_body_says_what_is_wrong_with_it(world: World) -> None:
    names = fresh(world)
    for route in STRICT:
        path = path_of(route, names)
        for body, where in (
            ({"zz_unknown": 1}, "$"),
            ([], "$"),
            ("text", "$"),
        ):
            problem = world.refused(422, route.method, path, json=body)
            assert problem["where"].startswith(where), f"{route.path}: {problem}"
        for field in BODIES.get(route.operation_id, {}):
            problem = world.refused(422, route.method, path, json={field: {"\x00": []}})
            assert problem["where"].startswith("$."), f"{route.path}: {problem}"


def test_what_is_not_there_is_not_found(world: World) -> None:
    nobody = {
        name: "no-such-thing"
        for route in USERS
        for name, kind in route.path_parameters.items()
        if kind is str
    }
    numbered = {
        name for route in USERS for name, kind in route.path_parameters.items() if kind is not str
    }
    for route in USERS:
        if route.path_parameters and route.method == "GET":
            for number in (999_999_999, 2**63, 10**30):
                path = route.path.format_map(nobody | dict.fromkeys(numbered, number))
                world.refused(404, route.method, path, query_string=query_of(route))


def test_a_cursor_of_another_list_or_nobody_s_is_refused(world: World) -> None:
    names = fresh(world)
    for route in LISTS:
        if "cursor" not in route.query.__struct_fields__:
            continue
        for text in ("x", "W10", encode_cursor("another", [1]), "\u00e4"):
            problem = world.refused(
                422, "GET", path_of(route, names), query_string={"cursor": text} | query_of(route)
            )
            assert problem["where"] == "query.cursor", route.path


@pytest.mark.parametrize(
    ("path", "order", "value"), [("/audit", "audit", 10**30), ("/jobs", "jobs", "a\x00")]
)
def test_a_cursor_with_what_no_database_compares_is_refused(
    world: World, path: str, order: str, value: object
) -> None:
    cursor = encode_cursor(order, [value])
    world.refused(422, "GET", path, query_string={"cursor": cursor})


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_body_makes_the_server_fail(fuzzed: tuple[World, dict[str, Any]], data: Any) -> None:
    world, names = fuzzed
    route: Route = data.draw(st.sampled_from(WITH_BODY))
    body = dict(BODIES.get(route.operation_id, {}))
    for field in data.draw(st.lists(st.sampled_from([*route.body.__struct_fields__]), max_size=3)):
        body[field] = data.draw(JSON)
    answer = world.call(route.method, path_of(route, names), ADMIN, data=_encoded(body), headers=CT)
    assert answer.status_code < 500, f"{route.path} {body!r}: {answer.text}"


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_query_or_path_makes_the_server_fail(
    fuzzed: tuple[World, dict[str, Any]], data: Any
) -> None:
    world, names = fuzzed
    route: Route = data.draw(st.sampled_from([route for route in USERS if route.method == "GET"]))
    chosen = {
        name: quote(data.draw(TEXTS).encode("utf-8", "replace"), safe="")
        for name in data.draw(st.sets(st.sampled_from([*names])))
    }
    query = {}
    if route.query is not None:
        fields = st.sets(st.sampled_from([*route.query.__struct_fields__]), max_size=3)
        query = {name: data.draw(TEXTS) for name in data.draw(fields)}
    path = path_of(route, names | chosen)
    answer = world.call(route.method, path, ADMIN, query_string=query)
    assert answer.status_code < 500, f"{path} {query!r}: {answer.text}"


CT = {"Content-Type": "application/json"}


@pytest.fixture
def fuzzed(world: World) -> tuple[World, dict[str, Any]]:
    return world, fresh(world)


def _encoded(body: Any) -> bytes:
    import json

    return json.dumps(body).encode()
