"""Settings and history by the API: entity tags, patches, plans, buckets, CSV."""

from collections.abc import Callable

import pytest

from tests.integration.web.conftest import ADMIN, World
from tests.integration.web.samples import fresh


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_url: str) -> World:
    return make_world(sqlite_url)


def _tagged(world: World, method: str, path: str, tag: str | None, **options: object):
    headers = {"If-Match": tag} if tag else {}
    return world.call(method, path, ADMIN, headers=headers, **options)


@pytest.mark.parametrize("kind", ["device", "group", "profile"])
def test_of_two_editors_the_second_gets_412_with_what_is_there_now(world: World, kind: str) -> None:
    names = fresh(world)
    path = {
        "device": f"/devices/{names['device_id']}/settings",
        "group": f"/groups/{names['group_id']}/settings",
        "profile": f"/profiles/{names['name']}/settings",
    }[kind]
    tag = world.call("GET", path, ADMIN).headers["ETag"]
    first = _tagged(world, "PUT", path, tag, json={"desired": {"a": 1}})
    assert first.status_code == 200
    second = _tagged(world, "PUT", path, tag, json={"desired": {"b": 2}})
    assert second.status_code == 412
    assert second.json["desired"] == {"a": 1}
    assert second.json["version"] == 1
    patched = _tagged(
        world, "PATCH", path, first.headers["ETag"], json={"desired": {"a": None, "c": 3}}
    )
    assert patched.status_code == 200
    stored = patched.json["own" if kind == "device" else "desired"]
    assert stored == {"c": 3}


def test_a_merge_patch_may_be_sent_as_what_it_is(world: World) -> None:
    names = fresh(world)
    answer = world.call(
        "PATCH",
        f"/devices/{names['device_id']}/settings",
        ADMIN,
        data='{"desired": {"a": 1}}',
        content_type="application/merge-patch+json",
    )
    assert answer.status_code == 200
    assert [key["state"] for key in answer.json["keys"]] == ["waiting"]


def test_a_plan_changes_nothing(world: World) -> None:
    names = fresh(world)
    path = f"/groups/{names['group_id']}/settings"
    made = world.ok("POST", f"{path}/plan", json={"desired": {"fps": 5}})
    assert made["devices"] == made["below"] == world.ok("GET", path)["devices"] > 0
    assert made["version"] == 0
    assert made["keys"][0]["key"] == "fps"
    assert world.ok("GET", path)["version"] == 0


def test_history_is_gathered_when_points_are_asked_for_and_raw_as_csv(world: World) -> None:
    names = fresh(world)
    path = f"/devices/{names['device_id']}/telemetry"
    found = world.ok("GET", f"{path}/history?metric=temperature&points=10")
    assert (found["points"], found["bucket_ms"]) == ([], 0)
    assert found["buckets"][0]["last"] == 21.5
    for points in ("0", "5001", "x"):
        bad = world.call("GET", f"{path}/history?metric=temperature&points={points}", ADMIN)
        assert bad.status_code == 422
    lines = world.call("GET", f"{path}.csv", ADMIN).text.splitlines()
    assert lines[0] == "time,ts,metric,value"
    assert lines[1].endswith(",temperature,21.5")


def test_limits_of_a_profile_are_changed_by_name_and_null_is_the_installations(
    world: World,
) -> None:
    path = f"/profiles/{fresh(world)['name']}"
    assert world.ok("PATCH", path, json={"telemetry_kept_days": 7})["telemetry_kept_days"] == 7
    assert world.ok("PATCH", path, json={"title": "T"})["telemetry_kept_days"] == 7
    assert (
        world.ok("PATCH", path, json={"telemetry_kept_days": None})["telemetry_kept_days"] is None
    )
    assert world.call("PATCH", path, ADMIN, json={"metrics_max": -1}).status_code == 422
    assert world.call("PATCH", path, ADMIN, json={"metrics_max": None}).status_code == 422
