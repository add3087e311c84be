"""A request sent twice is done once."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from muster_platform.access.actor import system_actor
from muster_platform.access.models import IdempotencyKey
from muster_platform.devices.models import EnrolmentToken
from muster_platform.web.api import idempotency
from tests.integration.web.conftest import ADMIN, World, role_user
from tests.integration.web.samples import fresh

KEY = {"Idempotency-Key": "5b0f6f0e-0000-7000-8000-000000000001"}


def rows(world: World) -> list[tuple[str, int]]:
    with world.platform.unit(system_actor("test"), write=False) as unit:
        found = unit.session.execute(select(IdempotencyKey.key, IdempotencyKey.status))
        return [(key, status) for key, status in found]


def test_the_second_time_gives_the_first_answer(world: World) -> None:
    body = {"name": "Hall"}
    first = world.call("POST", "/groups", json=body, headers=KEY)
    second = world.call("POST", "/groups", json=body, headers=KEY)
    assert first.status_code == second.status_code == 201
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"


def test_the_same_key_for_another_request_is_refused(world: World) -> None:
    world.ok("POST", "/groups", json={"name": "Hall"}, headers=KEY)
    told = world.refused(422, "POST", "/groups", json={"name": "Other"}, headers=KEY)
    assert told["where"] == "header.Idempotency-Key"


def test_keys_of_different_people_do_not_meet(world: World) -> None:
    names = fresh(world)
    body = {"name": "ping"}
    path = f"/devices/{names['device_id']}/commands"
    one = world.ok("POST", path, json=body, headers=KEY)
    other = world.ok("POST", path, role_user("operator"), json=body, headers=KEY)
    assert one["id"] != other["id"]


def test_a_refused_request_leaves_the_key_free(world: World) -> None:
    world.refused(404, "POST", "/groups", json={"name": "Hall", "parent_id": 999}, headers=KEY)
    assert rows(world) == []
    world.ok("POST", "/groups", json={"name": "Hall"}, headers=KEY)


def test_a_repeated_answer_does_not_show_the_secret_again(world: World) -> None:
    fresh(world)
    body = {"name": "T", "profile": "sensor", "group_id": world.berlin}
    first = world.ok("POST", "/enrolment-tokens", json=body, headers=KEY)
    second = world.ok("POST", "/enrolment-tokens", json=body, headers=KEY)
    assert first["token"].startswith("mst_")
    assert second == {**first, "token": None}
    with world.platform.unit(system_actor("test"), write=False) as unit:
        stored = unit.session.scalars(select(IdempotencyKey.body)).one()
        made = unit.session.scalars(select(EnrolmentToken).where(EnrolmentToken.name == "T")).all()
        assert first["token"] not in stored
        assert len(made) == 1


def test_while_the_first_still_runs_the_second_is_told_to_wait(world: World) -> None:
    with world.platform.unit(system_actor("test"), write=False) as unit:
        user = unit.session.scalars(select(IdempotencyKey)).all()
        assert user == []
    me = world.ok("GET", "/me")["id"]
    body = b'{"name": "Hall"}'
    with world.platform.unit(system_actor("test")) as unit:
        unit.session.add(
            IdempotencyKey(
                user_id=me,
                key=KEY["Idempotency-Key"],
                request_hash=idempotency.fingerprint("POST", "/api/v1/groups", body),
                status=idempotency.RUNNING,
                body="",
                created_at=unit.now(),
            )
        )
    options: dict[str, Any] = {"data": body, "content_type": "application/json", "headers": KEY}
    told = world.refused(409, "POST", "/groups", **options)
    assert told["type"] == "urn:muster:problem:request_running"
    world.clock.advance(ms=idempotency.RUNNING_MS)  # it must have died
    world.ok("POST", "/groups", **options)


@pytest.mark.parametrize("key", ["", "x" * 129, "\u00e4"])
def test_an_unfit_key_is_refused(world: World, key: str) -> None:
    answer = world.call("POST", "/groups", json={"name": "H"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 422


def test_requests_at_the_same_moment_make_one_thing(world: World) -> None:
    world.ok("GET", "/me")
    statuses: list[int] = []

    def send() -> None:
        answer = world.call("POST", "/groups", ADMIN, json={"name": "Hall"}, headers=KEY)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    assert 201 in statuses
    names = [group["name"] for group in world.ok("GET", "/groups")["items"]]
    assert names.count("Hall") == 1
