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

LIMIT_S = 10.0
PLATFORM_CLIENTS = ("_ingest", "_dispatch", "_doctor", "_watch")


class Broker:
    """A running `muster broker`.

    Attributes:
        kind: which of the brokers under test it is.
        port: MQTT over TCP; ws_port: over WebSocket, where asked for.
        platform: whom it asks.
        clients: opened by `client`, closed at the end.
        refusal: CONNACK for a wrong or unknown secret.
    """

    kind = "embedded"
    refusal = 4

    def __init__(self, process: MusterProcess, platform: PlatformStub, accounts: Path) -> None:
        self.process = process
        self.platform = platform
        self.accounts = accounts
        self.port = int(process.wait_for(r"listening on mqtts?://127\.0\.0\.1:(\d+)")[1])
        self.clients: list[RawClient] = []

    @property
    def platform_port(self) -> int:
        return self.port

    @property
    def ws_port(self) -> int:
        return int(self.process.wait_for(r"listening on wss?://127\.0\.0\.1:(\d+)")[1])

    def admit(self, *device_ids: str) -> None:
        """Give devices the secret "pw"; any-… has it by itself."""
        self.platform.secrets |= dict.fromkeys(device_ids, "pw")

    def platform_client(self, receive_buffer_bytes: int | None = None) -> RawClient:
        """Open a connection where the platform's clients do: the same place."""
        return self.client(receive_buffer_bytes)

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

    Args:
        changes: lines of its configuration -> what stands there instead.

    Attributes:
        port: of the devices' listener; platform_port: of the platform's.
    """

    kind = "mosquitto"
    refusal = 5

    def __init__(self, folder: Path, changes: dict[str, str] | None = None) -> None:
        self.port, self.platform_port, self.ws_port = free_port(), free_port(), free_port()
        options = mosquitto_files.MosquittoOptions(
            files=folder,
            data=folder,
            pid_file=folder / mosquitto_files.PID,
            port=self.port,
            ws_port=self.ws_port,
            platform_port=self.platform_port,
            user="root" if os.geteuid() == 0 else "",
        )
        self._devices: dict[str, str] = {}
        self._platform = {name: hash_secret("pw") for name in PLATFORM_CLIENTS}
        self._folder = folder
        self.conf = folder / mosquitto_files.CONFIG
        text = mosquitto_files.render_config(options)
        for line, other in (changes or {}).items():
            assert f"\n{line}\n" in text
            text = text.replace(f"\n{line}\n", f"\n{other}\n")
        self.conf.write_text(text)
        (folder / mosquitto_files.DEVICES_ACL).write_text(mosquitto_files.devices_acl())
        access = mosquitto_files.platform_acl(PLATFORM_CLIENTS)
        (folder / mosquitto_files.PLATFORM_ACL).write_text(access)
        write_accounts(folder / mosquitto_files.DEVICES_PASSWORDS, {})
        write_accounts(folder / mosquitto_files.PLATFORM_PASSWORDS, self._platform)
        self.clients: list[RawClient] = []

    def admit(self, *device_ids: str) -> None:
        """Give devices the secret "pw"; returns when Mosquitto knows them."""
        if new := set(device_ids) - self._devices.keys():
            self._devices |= {device_id: hash_secret("pw") for device_id in new}
            self._write()

    def expel(self, device_id: str) -> None:
        """Take a device's account away; returns when Mosquitto has done so."""
        del self._devices[device_id]
        self._write()

    def _write(self) -> None:
        """Write both files and wait until they are in force, as `muster run accounts` does."""
        write_accounts(self._folder / mosquitto_files.DEVICES_PASSWORDS, self._devices)
        probe = os.urandom(8).hex()
        known = self._platform | {"_probe": hash_secret(probe)}
        write_accounts(self._folder / mosquitto_files.PLATFORM_PASSWORDS, known)
        assert mosquitto_files.read_again(self._folder / mosquitto_files.PID)
        deadline = time.monotonic() + LIMIT_S
        while True:
            with RawClient(self.platform_port) as client:
                if client.try_connect("_probe", probe)[1] == 0:
                    return
            assert time.monotonic() < deadline, "Mosquitto does not read its files again"
            time.sleep(0.01)

    def client(self, receive_buffer_bytes: int | None = None) -> RawClient:
        """Open a connection to the devices' listener that has not said CONNECT yet."""
        self.clients.append(RawClient(self.port, receive_buffer_bytes))
        return self.clients[-1]

    def platform_client(self, receive_buffer_bytes: int | None = None) -> RawClient:
        """Open one to the platform's listener."""
        self.clients.append(RawClient(self.platform_port, receive_buffer_bytes))
        return self.clients[-1]

    def device(self, device_id: str, **options: object) -> RawClient:
        """Connect a device (or a client of the platform), secret "pw"."""
        if device_id.startswith("_"):
            client = self.platform_client()
        else:
            self.admit(device_id)
            client = self.client()
        client.connect(device_id, **options)
        return client

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


@pytest.fixture
def mosquitto_broker(shared_mosquitto: MosquittoBroker) -> Iterator[MosquittoBroker]:
    """Give the module's Mosquitto."""
    yield shared_mosquitto
    shared_mosquitto.close_clients()


@pytest.fixture(params=["embedded", "mosquitto"])
def broker_under_test(request: pytest.FixtureRequest) -> Broker | MosquittoBroker:
    """Give the module's broker of each kind: what holds for devices holds on both."""
    name = "broker" if request.param == "embedded" else "mosquitto_broker"
    found: Broker | MosquittoBroker = request.getfixturevalue(name)
    return found


BrokerUnderTest = Broker | MosquittoBroker


def code(
    broker: BrokerUnderTest, client_id: str, password: str | None = "pw", **options: object
) -> int:
    """Try to connect where devices do; give what CONNACK says. Who is refused is closed."""
    client = broker.client()
    answer = client.try_connect(client_id, password, **options)
    assert answer[1] == 0 or client.closed() == []
    return answer[1]
