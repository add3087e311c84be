"""A broker process beside a stub of the platform; one for a module where its options allow."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muster_broker.accounts.files import set_secret
from tests.integration.broker.raw import RawClient
from tests.integration.broker.stub import TOKEN, PlatformStub
from tests.services.muster import MusterProcess

PLATFORM_CLIENTS = ("_ingest", "_dispatch", "_doctor", "_watch")


class Broker:
    """A running `muster broker`.

    Attributes:
        port: MQTT over TCP; ws_port: over WebSocket, where asked for.
        platform: whom it asks.
        clients: opened by `client`, closed at the end.
    """

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
