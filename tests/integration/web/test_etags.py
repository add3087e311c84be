"""Who edits hears of who edited before; who asks again is told only what changed."""

import pytest

from tests.integration.web.conftest import World

EDITS = {
    "/devices/pump": ({"display_name": "One"}, {"display_name": "Two"}),
    "/groups/{berlin}": ({"name": "One"}, {"name": "Two"}),
    "/profiles/sensor": ({"title": "One"}, {"title": "Two"}),
}


def _device(world: World) -> None:
    world.ok("POST", "/profiles", json={"name": "sensor"})
    world.ok("POST", "/devices", json={"device_id": "pump", "profile": "sensor"})


@pytest.mark.parametrize("path", EDITS)
def test_the_second_of_two_editors_is_told(world: World, path: str) -> None:
    _device(world)
    first, second = EDITS[path]
    path = path.format(berlin=world.berlin)
    read = world.call("GET", path)
    headers = {"If-Match": read.headers["ETag"]}
    changed = world.call("PATCH", path, json=first, headers=headers)
    assert changed.status_code == 200, changed.text
    assert changed.json["version"] == read.json["version"] + 1
    problem = world.refused(412, "PATCH", path, json=second, headers=headers)
    assert problem["version"] == changed.json["version"]
    assert world.ok("GET", path) == changed.json


@pytest.mark.parametrize("path", EDITS)
def test_an_edit_that_changes_nothing_counts_none(world: World, path: str) -> None:
    _device(world)
    path_, body = path.format(berlin=world.berlin), EDITS[path][0]
    once = world.ok("PATCH", path_, json=body)
    assert world.ok("PATCH", path_, json=body) == once


@pytest.mark.parametrize("path", EDITS)
def test_what_is_known_already_is_not_sent_again(world: World, path: str) -> None:
    _device(world)
    path_ = path.format(berlin=world.berlin)
    known = {"If-None-Match": world.call("GET", path_).headers["ETag"]}
    again = world.call("GET", path_, headers=known)
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == known["If-None-Match"]
    world.ok("PATCH", path_, json=EDITS[path][0])
    assert world.call("GET", path_, headers=known).status_code == 200


def test_what_a_device_says_disturbs_no_editor_but_is_told(world: World) -> None:
    _device(world)
    read = world.call("GET", "/devices/pump")
    world.ok("POST", "/devices/pump/disable", json={})
    known = {"If-None-Match": read.headers["ETag"]}
    assert world.call("GET", "/devices/pump", headers=known).json["disabled_at"] is not None
    headers = {"If-Match": read.headers["ETag"]}
    edited = world.call("PATCH", "/devices/pump", json={"display_name": "A"}, headers=headers)
    assert edited.status_code == 200


def test_the_version_alone_is_enough(world: World) -> None:
    _device(world)
    body = {"display_name": "A"}
    world.ok("PATCH", "/devices/pump", json=body, headers={"If-Match": "1"})
    world.refused(412, "PATCH", "/devices/pump", json=body, headers={"If-Match": '"1"'})
    world.refused(422, "PATCH", "/devices/pump", json=body, headers={"If-Match": '"x"'})
    world.ok("PATCH", "/devices/pump", json=body, headers={"If-Match": "*"})
