"""A real Mosquitto with our files, kept in step with a migrated database by the role."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from muster_platform.devices.credentials import CredentialService
from muster_platform.devices.profiles import ProfileService
from muster_platform.devices.service import DeviceService
from muster_platform.stream.keeper import KeeperRole
from muster_platform.stream.mosquitto import write_installation
from tests.integration.broker.raw import RawClient
from tests.services.base import free_port
from tests.services.database import ADMIN, MigratedSqlite, TestPlatform
from tests.services.mosquitto import running_with

LIMIT_S = 20.0


def eventually(check: Callable[[], Any], what: str) -> Any:
    """Wait until it holds; the limit only ends a test that has failed."""
    until = time.monotonic() + LIMIT_S
    while not (found := check()):
        assert time.monotonic() < until, f"never: {what}"
        time.sleep(0.01)
    return found


class Installation:
    """Platform, role and Mosquitto.

    Attributes:
        port: for devices; platform_port: for the platform's own clients.
    """

    def __init__(self, platform: TestPlatform) -> None:
        self.platform = platform
        self.port, self.ws_port, self.platform_port = free_port(), free_port(), free_port()
        platform.configure(
            broker_kind="mosquitto",
            broker_port=self.port,
            broker_ws_port=self.ws_port,
            broker_platform_port=self.platform_port,
            mqtt_password="of the platform",
            accounts_every_s=1,
        )
        self.settings = platform.settings
        self.role = KeeperRole(platform)
        self.clients: list[RawClient] = []
        with platform.unit(ADMIN) as unit:
            ProfileService(unit).create("pump", "Pump")

    def device(self, device_id: str) -> str:
        """Register a device; give its secret."""
        with self.platform.unit(ADMIN) as unit:
            DeviceService(unit).register(device_id, "pump")
            return CredentialService(unit).rotate(device_id)

    def connect(self, device_id: str, secret: str, **options: object) -> RawClient:
        """Connect a device and give its connection; AssertionError when it is refused."""
        client = self.open(self.port)
        client.connect(device_id, secret, **options)
        return client

    def code(self, device_id: str, secret: str) -> int:
        """Try to connect; give what CONNACK says."""
        client = self.open(self.port)
        code = client.try_connect(device_id, secret)[1]
        client.socket.close()
        return code

    def platform_client(self, name: str = "_doctor") -> RawClient:
        """Connect one of the platform's own."""
        client = self.open(self.platform_port)
        client.connect(name, "of the platform")
        return client

    def open(self, port: int) -> RawClient:
        """Open a connection that is closed at the end."""
        self.clients.append(RawClient(port))
        return self.clients[-1]

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            client.socket.close()


@pytest.fixture
def prepared(migrated_sqlite: MigratedSqlite, tmp_path: Path) -> Iterator[Installation]:
    """Give an installation whose Mosquitto does not run yet."""
    platform = TestPlatform(migrated_sqlite.copy(), tmp_path / "state")
    made = Installation(platform)
    yield made
    made.close()
    platform.close()


@pytest.fixture
def installed(prepared: Installation) -> Iterator[Installation]:
    """Give one whose Mosquitto runs with the files as they are written at first."""
    conf = write_installation(prepared.settings)[0]
    with running_with(conf, prepared.platform_port):
        yield prepared


@pytest.fixture
def kept(installed: Installation) -> Iterator[Installation]:
    """Give one whose role runs too, in a thread as `muster run accounts` has it."""
    stop = threading.Event()
    thread = threading.Thread(target=installed.role.run, args=(stop,))
    thread.start()
    yield installed
    stop.set()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
