"""With Redis between several web processes; it is a cache, and may be away or empty."""

from collections.abc import Callable

import pytest
import redis
from sqlalchemy import event

from muster_platform.access.actor import system_actor
from muster_platform.access.users import UserService
from muster_platform.bootstrap import build
from muster_platform.outbox import EpochChanged
from muster_platform.web.app import create_app
from tests.integration.web.conftest import ADMIN, World, role_user
from tests.services.valkey import Valkey

VIEWER = role_user("viewer")


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_url: str, valkey: Valkey) -> World:
    return make_world(sqlite_url, redis_url=valkey.url)


@pytest.fixture
def other(world: World) -> World:
    """Give a second process of the same installation."""
    platform = build(world.platform.settings, world.clock)
    return World(platform, create_app(platform, pages=False), world.clock, tokens=world.tokens)


def status(world: World, who: str = VIEWER) -> int:
    return world.call("GET", "/me", who).status_code


def test_a_known_token_costs_no_query_for_who_it_is(world: World) -> None:
    assert status(world) == 200
    statements: list[str] = []
    event.listen(
        world.platform.engine,
        "before_cursor_execute",
        lambda *given: statements.append(given[2]),
    )
    assert status(world) == 200
    assert [text for text in statements if "FROM" in text] == []


def test_a_changed_right_bites_in_every_process(world: World, other: World) -> None:
    assert (status(world), status(other)) == (200, 200)
    with world.platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        users.bind(users.by_email(VIEWER).id, "analyst", world.paris)
    assert (status(world), status(other)) == (401, 401)


def test_of_two_changes_told_in_the_wrong_order_the_later_one_holds(
    world: World, other: World
) -> None:
    with world.platform.unit(system_actor("test"), write=False) as unit:
        user = UserService(unit).by_email(VIEWER)
    assert status(other) == 200
    with world.platform.unit(system_actor("test")) as unit:
        users = UserService(unit)
        users.bind(user.id, "analyst", world.paris)
    world.platform.signals.send([EpochChanged(user.id, user.epoch)])
    assert (status(world), status(other)) == (401, 401)


def test_a_sign_out_bites_in_every_process(world: World, other: World) -> None:
    assert (status(world), status(other)) == (200, 200)
    world.ok("POST", "/auth/sign-out", VIEWER)
    assert (status(world), status(other)) == (401, 401)


def test_limits_count_over_all_processes(
    make_world: Callable[..., World], sqlite_url: str, valkey: Valkey
) -> None:
    world = make_world(sqlite_url, redis_url=valkey.url, requests_per_minute=3)
    platform = build(world.platform.settings, world.clock)
    other = World(platform, create_app(platform, pages=False), world.clock, tokens=world.tokens)
    assert [status(one, ADMIN) for one in (world, other, world, other)] == [200, 200, 200, 429]
    platform.close()


def test_an_emptied_redis_is_read_again_from_the_database(world: World, valkey: Valkey) -> None:
    assert status(world) == 200
    world.ok("POST", "/auth/sign-out", VIEWER)
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    assert status(world) == 401
    assert status(world, ADMIN) == 200


def test_without_redis_everything_works_and_limits_hold_in_the_process(
    make_world: Callable[..., World], sqlite_url: str, free_port: Callable[[], int]
) -> None:
    away = f"redis://127.0.0.1:{free_port()}/0"
    world = make_world(sqlite_url, redis_url=away, requests_per_minute=2)
    assert [status(world) for _ in range(3)] == [200, 200, 429]
    answer = world.app.test_client().get("/health/ready")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"]["redis"].startswith("cannot be reached")
