"""Phones that are away are woken through FCM: the real request's form, and what becomes of it."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from muster_platform.adapters.fcm import SCOPE, Fcm
from muster_platform.devices.models import Device, Presence
from muster_platform.jobs.models import ExecutionEvent
from muster_platform.updates import push
from muster_platform.updates.models import Push
from muster_platform.updates.rollout_plan import PhaseSpec
from muster_platform.worker.updates import push_updates
from tests.integration.rollouts.conftest import Fleet
from tests.services.database import ADMIN, TestPlatform

GOOD = (200, {"name": "projects/fleet-1/messages/7"})
UNREGISTERED = (
    404,
    {"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}},
)


class Google:
    """A server with Google's two addresses, that checks what reaches it."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.messages: list[dict[str, Any]] = []
        self.wrong: list[str] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, told = owner.answer(self.path, dict(self.headers), body, key)
                data = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()

    def answer(
        self, path: str, headers: dict[str, str], body: bytes, key: rsa.RSAPrivateKey
    ) -> tuple[int, dict[str, Any]]:
        if path == "/token":
            asked = parse_qs(body.decode())
            head, claims, signature = asked["assertion"][0].split(".")
            key.public_key().verify(
                decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            said = json.loads(decoded(claims))
            if said["scope"] != SCOPE or said["iss"] != "push@fleet-1.example":
                self.wrong.append(f"claims {said}")
            if asked["grant_type"] != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
                self.wrong.append(f"grant {asked['grant_type']}")
            return 200, {"access_token": "bearer-1", "expires_in": 3600, "token_type": "Bearer"}
        if path != "/v1/projects/fleet-1/messages:send":
            self.wrong.append(path)
        if headers.get("Authorization") != "Bearer bearer-1":
            self.wrong.append(f"authorization {headers.get('Authorization')}")
        if not headers.get("Content-Type", "").startswith("application/json"):
            self.wrong.append(f"content type {headers.get('Content-Type')}")
        self.messages.append(json.loads(body))
        return self.answers.pop(0) if self.answers else GOOD

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture
def google() -> Iterator[tuple[Google, rsa.RSAPrivateKey]]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    made = Google(key)
    yield made, key
    made.close()
    assert not made.wrong


@pytest.fixture
def fcm(google: tuple[Google, rsa.RSAPrivateKey], tmp_path: Path) -> Iterator[Fcm]:
    server, key = google
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = tmp_path / "account.json"
    account = {
        "type": "service_account",
        "project_id": "fleet-1",
        "private_key": pem.decode(),
        "client_email": "push@fleet-1.example",
        "token_uri": f"{server.url}/token",
    }
    file.write_text(json.dumps(account))
    made = Fcm(str(file), server.url)
    yield made
    made.close()


@pytest.fixture
def waiting(fleet: Fleet) -> Callable[[str], str]:
    """Give a function that lets an execution wait for a phone: waiting(token)."""

    def make(token: str) -> str:
        fleet.add(1, capabilities=("notify",))
        [key] = fleet.keys.values()
        with fleet.platform.unit(ADMIN) as unit:
            unit.session.get_one(Device, key).attributes = {"push_token": token}
            unit.session.get_one(Presence, key).state = "OFFLINE"
        rollout = fleet.start(fleet.spec(PhaseSpec(percent=100), mode="notify"))
        fleet.pass_over()
        return fleet.only(rollout.id).id

    return make


def row(platform: TestPlatform, execution_id: str) -> Push:
    with platform.unit(ADMIN, write=False) as unit:
        return unit.session.get_one(Push, execution_id)


def test_a_phone_that_is_away_gets_one_push_with_what_the_app_needs(
    platform: TestPlatform,
    waiting: Callable[[str], str],
    google: tuple[Google, rsa.RSAPrivateKey],
    fcm: Fcm,
) -> None:
    execution = waiting("token-1")
    assert [push_updates(platform, fcm) for _ in range(3)] == [1, 0, 0]
    [sent] = google[0].messages
    message = sent["message"]
    assert set(message) == {"token", "data", "android"}
    assert message["token"] == "token-1"
    assert all(isinstance(value, str) for value in message["data"].values())
    said = message["data"]
    assert (said["execution"], said["version"], said["title"]) == (execution, "2.0", "New app")
    assert json.loads(said["data"]) == {"flag": True}
    assert row(platform, execution).answer == "projects/fleet-1/messages/7"
    with platform.unit(ADMIN, write=False) as unit:
        told = unit.session.query(ExecutionEvent).filter_by(actor="push").one()
    assert told.message == "A push was sent to the phone"


def test_a_dead_token_is_taken_off_the_device_and_not_tried_again(
    platform: TestPlatform,
    waiting: Callable[[str], str],
    google: tuple[Google, rsa.RSAPrivateKey],
    fcm: Fcm,
) -> None:
    google[0].answers = [UNREGISTERED]
    execution = waiting("token-1")
    assert [push_updates(platform, fcm) for _ in range(2)] == [1, 0]
    found = row(platform, execution)
    assert (found.state, found.due_at) == (push.DEAD, None)
    with platform.unit(ADMIN, write=False) as unit:
        assert unit.session.get_one(Device, found.device_key).attributes == {}


@pytest.mark.parametrize("status", [429, 500, 503, 401])
def test_a_service_that_is_busy_is_asked_again_later_and_only_then(
    platform: TestPlatform,
    waiting: Callable[[str], str],
    google: tuple[Google, rsa.RSAPrivateKey],
    fcm: Fcm,
    status: int,
) -> None:
    google[0].answers = [(status, {"error": {"status": "BUSY"}})]
    execution = waiting("token-1")
    assert [push_updates(platform, fcm) for _ in range(2)] == [1, 0]
    platform.clock.advance(s=push.FIRST_WAIT_S)
    assert push_updates(platform, fcm) == 1
    found = row(platform, execution)
    assert (found.state, found.attempts) == (push.SENT, 2)
