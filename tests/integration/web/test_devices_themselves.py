"""What brokers and devices ask over HTTP."""

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from werkzeug.test import TestResponse

from muster_broker.accounts.contract import (
    BAD_CREDENTIALS,
    CHECK_PATH,
    CONNECT_PATH,
    NOT_ALLOWED,
    CheckAnswer,
    ConnectAnswer,
)
from tests.integration.web.conftest import World


def post(world: World, path: str, body: Any, token: str = "b" * 43) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"}
    return world.app.test_client().post(path, json=body, headers=headers)


def connect(world: World, client: str, password: str, user: str | None = None) -> ConnectAnswer:
    body = {"client_id": client, "username": user or client, "password": password}
    return msgspec.json.decode(post(world, CONNECT_PATH, body).data, type=ConnectAnswer)


def token(world: World, **options: Any) -> str:
    if not world.ok("GET", "/profiles")["items"]:
        world.ok("POST", "/profiles", json={"name": "sensor"})
    body = {"name": "T", "profile": "sensor", "group_id": world.berlin, "mode": "allow_new"}
    return str(world.ok("POST", "/enrolment-tokens", json=body | options)["token"])


def enrol(world: World, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = world.ok("POST", "/device/enrol", None, json=body)
    return found


def basic(device_id: str, secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"{device_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def test_a_device_enrols_and_the_broker_lets_it_in(world: World) -> None:
    got = enrol(world, token=token(world), device_id="cam-1", install_id="i-1", profile="sensor")
    assert got["broker"] == [{"url": "mqtt://broker.example:1883"}]
    assert (got["device_id"], got["trust_root"], got["signature"]) == ("cam-1", None, None)
    assert connect(world, "cam-1", got["secret"]).allow
    assert connect(world, "cam-1", got["secret"] + "x").reason == BAD_CREDENTIALS
    assert connect(world, "cam-2", got["secret"]).reason == BAD_CREDENTIALS
    assert connect(world, "cam-1", got["secret"], "cam-2").reason == BAD_CREDENTIALS


def test_a_lost_answer_is_made_up_for_and_the_lost_secret_does_not_work(world: World) -> None:
    text = token(world, max_uses=1)
    first = enrol(world, token=text, device_id="cam-1", install_id="i-1")
    second = enrol(world, token=text, device_id="cam-1", install_id="i-1")
    assert not connect(world, "cam-1", first["secret"]).allow
    assert connect(world, "cam-1", second["secret"]).allow


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"token": "mst_wrong"}, 401),
        ({"device_id": "_ingest"}, 422),
        ({"device_id": "a/b"}, 422),
        ({"install_id": ""}, 422),
        ({"profile": "camera"}, 409),
    ],
)
def test_who_does_not_fit_is_not_enrolled(
    world: World, change: dict[str, str], status: int
) -> None:
    body = {"token": token(world), "device_id": "cam-1", "install_id": "i-1"} | change
    world.refused(status, "POST", "/device/enrol", None, json=body)
    assert world.ok("GET", "/devices")["items"] == []


def test_a_token_cannot_take_over_a_device_that_has_a_secret(world: World) -> None:
    text = token(world)
    first = enrol(world, token=text, device_id="cam-1", install_id="i-1")
    thief = {"token": text, "device_id": "cam-1", "install_id": "thief"}
    world.refused(409, "POST", "/device/enrol", None, json=thief)
    assert connect(world, "cam-1", first["secret"]).allow


def test_enrolments_are_limited_by_address(
    make_world: Callable[..., World], sqlite_url: str
) -> None:
    world = make_world(sqlite_url, enrolments_per_minute=2)
    body = {"token": "mst_guess", "device_id": "cam-1", "install_id": "i-1"}
    answers = [world.call("POST", "/device/enrol", None, json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2].headers["Retry-After"]) > 0


def test_a_disabled_or_deleted_device_is_refused_and_told_to_the_broker(world: World) -> None:
    text = token(world)
    secrets = {
        name: enrol(world, token=text, device_id=name, install_id=name)["secret"]
        for name in ("cam-1", "cam-2", "cam-3")
    }
    world.ok("POST", "/devices/cam-1/disable", json={})
    world.ok("DELETE", "/devices/cam-2")
    assert connect(world, "cam-1", secrets["cam-1"]).reason == NOT_ALLOWED
    assert connect(world, "cam-2", secrets["cam-2"]).reason == BAD_CREDENTIALS
    body = {"device_ids": ["cam-1", "cam-2", "cam-3", "cam-4", "\x00", "_x"]}
    answer = msgspec.json.decode(post(world, CHECK_PATH, body).data, type=CheckAnswer)
    assert answer.refused == ["cam-1", "cam-2", "cam-4", "\x00", "_x"]


def test_the_broker_s_contract_is_for_brokers_alone(world: World) -> None:
    body = {"client_id": "a", "username": "a", "password": "x"}
    assert post(world, CONNECT_PATH, body, "guess").status_code == 401
    assert post(world, CONNECT_PATH, {"client_id": 1}).status_code == 422
    assert post(world, CHECK_PATH, {"device_ids": ["a"] * 1001}).status_code == 422
    hostile = {"client_id": "a\x00", "username": "a\x00", "password": "x"}
    assert post(world, CONNECT_PATH, hostile).json == {
        "allow": False,
        "reason": BAD_CREDENTIALS,
        "cache_s": 0,
    }


def test_a_device_without_mqtt_tells_what_it_has_and_stays_unknown(world: World) -> None:
    got = enrol(world, token=token(world), device_id="phone", install_id="i-1")
    headers = basic("phone", got["secret"])
    body = {
        "attributes": {"push_token": "p-1", "os": "B"},
        "inventory": [{"component": "app", "version": "1.2"}],
        "unknown": 1,
    }
    answer = world.ok("POST", "/device/hello", None, json=body, headers=headers)
    assert answer["settings_version"] == 0
    device = world.ok("GET", "/devices/phone")
    assert device["attributes"] == {"push_token": "p-1", "os": "B"}
    assert device["presence"]["state"] == "UNKNOWN"
    (line,) = world.ok("GET", "/devices/phone/inventory")["items"]
    assert (line["component"], line["version"]) == ("app", "1.2")
    gone = {"attributes": {"push_token": None}}
    world.ok("POST", "/device/hello", None, json=gone, headers=headers)
    assert world.ok("GET", "/devices/phone")["attributes"] == {"os": "B"}


def test_a_device_with_a_wrong_secret_or_none_is_told_how(world: World) -> None:
    enrol(world, token=token(world), device_id="phone", install_id="i-1")
    for headers in (
        {},
        basic("phone", "wrong"),
        basic("_ingest", "x"),
        basic("ph\x00ne", "x"),
        {"Authorization": "Basic !!"},
        {"Authorization": "Bearer x"},
    ):
        answer = world.call("POST", "/device/hello", None, json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert world.ok("GET", "/devices/phone/inventory")["items"] == []


def test_a_disabled_device_is_not_listened_to(world: World) -> None:
    got = enrol(world, token=token(world), device_id="phone", install_id="i-1")
    world.ok("POST", "/devices/phone/disable", json={})
    headers = basic("phone", got["secret"])
    body = {"attributes": {"os": "A"}}
    world.refused(409, "POST", "/device/hello", None, json=body, headers=headers)
    assert world.ok("GET", "/devices/phone")["attributes"] == {}


def test_a_device_waits_until_a_person_has_approved(world: World) -> None:
    text = token(world, mode="approve")
    body = {"token": text, "device_id": "cam-9", "install_id": "i", "attributes": {"model": "X"}}
    for _ in range(2):
        answer = world.call("POST", "/device/enrol", None, json=body)
        assert answer.status_code == 202
        assert answer.json == {"device_id": "cam-9", "state": "PENDING", "retry_after_s": 30}
    (row,) = world.ok("GET", "/enrolment-requests")["items"]
    assert (row["count"], row["attributes"]) == (2, {"model": "X"})
    world.ok("POST", "/enrolment-requests/reject", json={"requests": [row["id"]], "reason": "no"})
    problem = world.refused(403, "POST", "/device/enrol", None, json=body)
    assert problem["type"].endswith("rejected")
    assert "no;" in problem["detail"]
    world.ok("POST", "/enrolment-requests/approve", json={"requests": [row["id"]]})
    secret = enrol(world, **body)["secret"]
    assert connect(world, "cam-9", secret).allow
    (used,) = world.ok("GET", "/devices/cam-9/credentials")["items"]
    assert (used["prefix"], used["token"]) == (secret[:6], "T")
    assert used["last_used_at"] is not None
