"""TLS with a private authority on Mosquitto: devices, the platform's clients, other people's."""

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from socket import create_connection

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from muster_broker.accounts.mosquitto import read_again
from muster_broker.receiver import BrokerUnreachable, Receiver
from muster_platform.doctor import examine
from muster_platform.stream.ingest import receiver_options
from muster_platform.stream.mosquitto import pid_file, write_installation
from tests.integration.broker.raw import connect_packet
from tests.integration.mosquitto.conftest import Installation, eventually
from tests.services import base
from tests.services.certificates import issue
from tests.services.mosquitto import running_with


@pytest.fixture
def secured(prepared: Installation, tmp_path: Path) -> Iterator[tuple[Installation, Path]]:
    """Give an installation that speaks TLS on every listener, and its authority's certificate."""
    made = issue(tmp_path)
    prepared.platform.configure(
        broker_tls=True,
        broker_platform_tls=True,
        broker_ca_file=str(made.ca),
        broker_tls_cert_file=str(made.cert),
        broker_tls_key_file=str(made.key),
    )
    prepared.settings = prepared.platform.settings
    prepared.role = type(prepared.role)(prepared.platform)
    with running_with(write_installation(prepared.settings)[0], prepared.platform_port):
        yield prepared, made.ca


def test_the_platform_and_devices_come_in_by_tls(secured):
    installed, ca = secured
    secret = installed.device("pump-1")
    assert installed.role.step(), "the role itself has connected by TLS"
    broker = next(found for found in examine(installed.settings) if found.check == "broker")
    assert broker.state == "good", broker.detail
    options = replace(receiver_options(installed.settings, "_ingest"), persistent=False)
    with Receiver(options) as receiver:
        receiver.connect()
        command = [base.program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(installed.port)]
        command += ["-i", "pump-1", "-u", "pump-1", "-P", secret, "--cafile", str(ca)]
        command += ["-q", "1", "-t", "muster/1/pump-1/up/telemetry", "-m", '{"t": 1}']
        subprocess.run(command, check=True, timeout=10)
        batch = receiver.receive(10, timeout_s=10)
    assert [message.payload for message in batch] == [b'{"t": 1}']


def test_without_the_authority_nobody_connects(secured):
    installed, _ = secured
    bare = replace(installed.settings, broker_ca_file="")
    with Receiver(receiver_options(bare, "_ingest")) as receiver, pytest.raises(BrokerUnreachable):
        receiver.connect()


def test_a_device_comes_in_by_secure_websocket(secured):
    installed, ca = secured
    secret = installed.device("pump-1")
    installed.role.step()
    context = ssl.create_default_context(cafile=str(ca))
    url = f"wss://127.0.0.1:{installed.ws_port}/mqtt"
    mqtt = Subprotocol("mqtt")
    with connect(url, subprotocols=[mqtt], ssl=context, compression=None) as socket:
        socket.send(connect_packet("pump-1", secret))
        assert socket.recv(10) == b"\x20\x02\0\0"


def test_a_renewed_certificate_is_served_after_sighup(secured, tmp_path: Path):
    installed, ca = secured
    renewed = issue(tmp_path / "renewed")
    settings = installed.settings
    for old, new in ((ca, renewed.ca), (settings.broker_tls_cert_file, renewed.cert)):
        Path(old).write_bytes(new.read_bytes())
    Path(settings.broker_tls_key_file).write_bytes(renewed.key.read_bytes())
    assert read_again(pid_file(settings))
    context = ssl.create_default_context(cafile=str(renewed.ca))
    for port in (installed.port, installed.platform_port):  # WebSocket's is read at a start only
        eventually(lambda p=port: trusts(context, p), f"the renewed certificate on {port}")


def trusts(context: ssl.SSLContext, port: int) -> bool:
    try:
        with create_connection(("127.0.0.1", port), 10) as plain:
            context.wrap_socket(plain, server_hostname="127.0.0.1").close()
    except ssl.SSLCertVerificationError:
        return False
    return True
