"""`muster live` as a process, on a migrated database and Valkey, with people who sign in."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from muster_platform import bootstrap, config
from muster_platform.access.actor import system_actor
from muster_platform.access.groups import GroupService
from muster_platform.access.users import UserService
from muster_platform.bootstrap import Platform
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.outbox import Live
from muster_platform.web.app import create_app
from tests.services.base import HOST, spawn, stop, wait_listening
from tests.services.database import MigratedSqlite
from tests.services.valkey import Valkey

PASSWORD = "correct horse battery"
LIMIT_S = 10.0
START = (
    "from muster_platform import config; from muster_platform.live.serve import serve; "
    "serve(config.load())"
)


@dataclass
class Site:
    """A running live process and what it serves."""

    platform: Platform
    port: int
    device_key: int
    berlin: int

    def cookie(self, email: str) -> str:
        """Sign in over HTTP and give the cookie that a browser would send."""
        answer = (
            create_app(self.platform)
            .test_client()
            .post("/api/v1/auth/sign-in", json={"email": email, "password": PASSWORD})
        )
        assert answer.status_code == 200, answer.text
        return f"access_token_cookie={answer.json['access_token']}"

    def connect(
        self, cookie: str = "", origin: str | None = "", **headers: str
    ) -> ClientConnection:
        """Open a WebSocket as a page of the site would."""
        chosen = self.platform.settings.public_url if origin == "" else origin
        return connect(
            f"ws://{HOST}:{self.port}/live",
            origin=chosen,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie, **headers},
            open_timeout=LIMIT_S,
        )

    def say(self, kind: str, group_path: str, **data: Any) -> None:
        """Send a signal of the device as the platform does after a commit."""
        signal = Live(f"device:{self.device_key}", kind, group_path, data)
        self.platform.signals.send([signal])


def receive(socket: ClientConnection) -> dict[str, Any]:
    """Read the next message that is no heartbeat."""
    while True:
        message: dict[str, Any] = json.loads(socket.recv(timeout=LIMIT_S))
        if message["type"] not in ("ping", "lagged"):
            return message


def ask(socket: ClientConnection, *topics: str) -> list[dict[str, Any]]:
    """Subscribe, and give the answers up to `subscribed`."""
    socket.send(json.dumps({"op": "subscribe", "topics": topics}))
    answers = [receive(socket)]
    while answers[-1]["type"] != "subscribed":
        answers.append(receive(socket))
    return answers


@pytest.fixture
def site(
    tmp_path: Path,
    migrated_sqlite: MigratedSqlite,
    valkey: Valkey,
    free_port: Callable[[], int],
) -> Iterator[Site]:
    """Give a live process with an administrator and an operator of the group Berlin."""
    with ExitStack() as stack:
        yield stack.enter_context(running(tmp_path, migrated_sqlite.copy(), valkey, free_port()))


@contextmanager
def running(folder: Path, database_url: str, valkey: Valkey, port: int) -> Iterator[Site]:
    """Start the process and fill the database."""
    settings = config.load(
        environ={},
        state_dir=folder / "state",
        database_url=database_url,
        redis_url=valkey.url,
        live_port=port,
    )
    platform = bootstrap.build(settings)
    berlin, key = fill(platform)
    log = folder / "live.log"
    process = spawn([sys.executable, "-c", START], log, env=config.environment(settings))
    try:
        wait_listening(process, port, log)
        yield Site(platform, port, key, berlin)
    finally:
        stop(process)
        platform.close()


def fill(platform: Platform) -> tuple[int, int]:
    """Make people, a group and a device; give the ids of group and device."""
    with platform.unit(system_actor("test")) as unit:
        berlin = GroupService(unit).create("Berlin")
        users = UserService(unit)
        admin, _ = users.create("admin@example.org", "Ada", PASSWORD)
        users.bind(admin.id, "administrator")
        operator, _ = users.create("berlin@example.org", "Bea", PASSWORD)
        users.bind(operator.id, "operator", berlin.id)
        viewer, _ = users.create("viewer@example.org", "Vic", PASSWORD)
        users.bind(viewer.id, "viewer", berlin.id)
        ProfileService(unit).create("sensor")
        device = DeviceService(unit).register("probe-1", "sensor", berlin.id)
        return berlin.id, device.id
