"""A broker process beside a stub of the platform; one for a module where its options allow."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_broker.accounts import mosquitto as mosquitto_files
from muster_broker.accounts.files import set_secret, write_accounts
from muster_broker.accounts.passwords import hash_secret
from tests.integration.broker.raw import RawClient
from tests.integration.broker.stub import TOKEN, PlatformStub
from tests.services.base import free_port
from tests.services.mosquitto import running_with
from tests.services.muster import MusterProcess

PLATFORM_CLIENTS = ("_ingest", "_dispatch", "_doctor", "_watch")


class Broker:
    """A running `muster broker`.

    Attributes:
        kind: which of the brokers under test it is.
        port: MQTT over TCP; ws_port: over WebSocket, where asked for.
        platform: whom it asks.
        clients: opened by `client`, closed at the end.
    """

    kind = "embedded"

    def __init__(self, process: MusterProcess, platform: PlatformStub, accounts: Path) -> None:
        self.process = process
        self.platform = platform
        self.accounts = accounts
        self.port = int(process.wait_for(r"listening on mqtts?://127\.0\.0\.1:(\d+)")[1])
        self.clients: list[RawClient] = []

    @property
    def ws_port(self) -> int:
        return int(self.process.wait_for(r"listening on wss?://127\.0\.0\.1:(\d+)")[1])

    def client(self, receive_buffer_bytes: int | None = None) -> RawClient:
        """Open a connection that has not said CONNECT yet."""
        self.clients.append(RawClient(self.port, receive_buffer_bytes))
        return self.clients[-1]

    def device(self, device_id: str, **options: object) -> RawClient:
        """Connect a device (or a client of the platform), secret "pw"."""
        client = self.client()
        client.connect(device_id, **options)
        return client

    def close_clients(self) -> None:
        for client in self.clients:
            client.socket.close()
        self.clients.clear()


def start_broker(folder: Path, platform: PlatformStub, *options: str) -> Broker:
    accounts = folder / "accounts"
    for name in PLATFORM_CLIENTS:
        set_secret(accounts, name, "pw")
    number = len(list(folder.glob("broker-*.log")))
    process = MusterProcess(
        (
            "broker",
            *("--port", "0", "--accounts-file", str(accounts)),
            *("--platform-url", platform.url, "--stats-s", "0.2", *options),
        ),
        folder / f"broker-{number}.log",
        {"MUSTER_BROKER_TOKEN": TOKEN},
    )
    try:
        return Broker(process, platform, accounts)
    except BaseException:
        process.reap()
        raise


@pytest.fixture(scope="module")
def shared_platform() -> Iterator[PlatformStub]:
    stub = PlatformStub()
    yield stub
    stub.close()


@pytest.fixture(scope="module")
def shared_broker(
    shared_platform: PlatformStub, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    broker = start_broker(tmp_path_factory.mktemp("broker"), shared_platform, "--ws-port", "-1")
    yield broker
    broker.process.reap()


@pytest.fixture
def broker(shared_broker: Broker) -> Iterator[Broker]:
    """Give the module's broker: use device ids of your own (raw.fresh)."""
    yield shared_broker
    shared_broker.close_clients()
    assert shared_broker.process.running(), shared_broker.process.output()[-2000:]


@pytest.fixture
def platform() -> Iterator[PlatformStub]:
    stub = PlatformStub()
    yield stub
    stub.close()


@pytest.fixture
def own_broker(platform: PlatformStub, tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Give a function that starts a broker of the test's own with further options."""
    started: list[Broker] = []

    def start(*options: str) -> Broker:
        started.append(start_broker(tmp_path, platform, *options))
        return started[-1]

    yield start
    for broker in started:
        broker.close_clients()
        broker.process.reap()


class MosquittoBroker:
    """A Mosquitto with the files that `muster mosquitto write` makes; talks like `Broker`.

    A device gets its account when it connects first, as enrolment would give it.
    """

    kind = "mosquitto"

    def __init__(self, folder: Path) -> None:
        self.port, self.platform_port = free_port(), free_port()
        names = ("_ingest", "_dispatch", "_doctor", "_watch")
        options = mosquitto_files.MosquittoOptions(
            files=folder,
            data=folder,
            pid_file=folder / mosquitto_files.PID,
            port=self.port,
            platform_port=self.platform_port,
            user="root" if os.geteuid() == 0 else "",
        )
        self._devices: dict[str, str] = {}
        self._folder = folder
        self.conf = folder / mosquitto_files.CONFIG
        self.conf.write_text(mosquitto_files.render_config(options))
        (folder / mosquitto_files.DEVICES_ACL).write_text(mosquitto_files.devices_acl())
        (folder / mosquitto_files.PLATFORM_ACL).write_text(mosquitto_files.platform_acl(names))
        write_accounts(folder / mosquitto_files.DEVICES_PASSWORDS, {})
        hashed = {name: hash_secret("pw") for name in names}
        write_accounts(folder / mosquitto_files.PLATFORM_PASSWORDS, hashed)
        self.clients: list[RawClient] = []

    def client(self, platform: bool = False) -> RawClient:
        """Open a connection that has not said CONNECT yet."""
        self.clients.append(RawClient(self.platform_port if platform else self.port))
        return self.clients[-1]

    def device(self, device_id: str, **options: object) -> RawClient:
        """Connect a device (or a client of the platform), secret "pw"."""
        platform = device_id.startswith("_")
        if not platform and device_id not in self._devices:
            self._devices[device_id] = hash_secret("pw")
            write_accounts(self._folder / mosquitto_files.DEVICES_PASSWORDS, self._devices)
            assert mosquitto_files.read_again(self._folder / mosquitto_files.PID)
        deadline = time.monotonic() + 10
        while True:
            client = self.client(platform)
            code = client.try_connect(device_id, **options)[1]  # type: ignore[arg-type]
            if code == 0:
                return client
            assert time.monotonic() < deadline, f"CONNACK {code}"
            client.socket.close()

    def close_clients(self) -> None:
        """Close the connections."""
        for client in self.clients:
            client.socket.close()
        self.clients.clear()


@pytest.fixture(scope="module")
def shared_mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MosquittoBroker]:
    made = MosquittoBroker(tmp_path_factory.mktemp("mosquitto"))
    with running_with(made.conf, made.platform_port):
        yield made


@pytest.fixture(params=["embedded", "mosquitto"])
def broker_under_test(request: pytest.FixtureRequest) -> Iterator[Broker | MosquittoBroker]:
    """Give the module's broker of each kind: what holds for devices holds on both."""
    if request.param == "embedded":
        yield request.getfixturevalue("broker")
        return
    made: MosquittoBroker = request.getfixturevalue("shared_mosquitto")
    yield made
    made.close_clients()
