"""Who is who on a Mosquitto with our own files: secrets, listeners, and what ingest gets to see."""

from contextlib import suppress
from dataclasses import replace

import pytest

from muster_broker.receiver import Receiver
from muster_platform.devices.credentials import CredentialService
from muster_platform.stream.accounts import PLATFORM_ACCOUNTS, PROBE
from muster_platform.stream.ingest import receiver_options
from tests.integration.broker.raw import Closed, publish_packet
from tests.integration.mosquitto.conftest import Installation
from tests.services.database import ADMIN

REFUSED = 5
OWN = "of the platform"


def up(device_id: str, channel: str = "telemetry") -> str:
    return f"muster/1/{device_id}/up/{channel}"


def down(device_id: str) -> str:
    return f"muster/1/{device_id}/down/commands"


@pytest.fixture
def pumps(installed: Installation) -> dict[str, str]:
    """Give the secrets of two devices that may connect."""
    secrets = {name: installed.device(name) for name in ("pump-1", "pump-2")}
    installed.role.step()
    return secrets


def platform_code(installed: Installation, name: str, secret: str, client_id: str = "") -> int:
    client = installed.open(installed.platform_port)
    return client.try_connect(client_id or name, secret, username=name)[1]


@pytest.mark.parametrize("name", PLATFORM_ACCOUNTS)
def test_the_platforms_accounts_hold_on_its_listener_alone(
    installed: Installation, pumps: dict[str, str], name: str
) -> None:
    assert platform_code(installed, name, OWN) == 0
    assert platform_code(installed, name, pumps["pump-1"]) == REFUSED
    assert installed.code(name, OWN) == REFUSED


def test_the_probe_is_of_no_use_with_the_platforms_password(installed: Installation) -> None:
    installed.role.step()
    assert platform_code(installed, PROBE, OWN) == REFUSED
    assert installed.code(PROBE, OWN) == REFUSED


def test_a_devices_secret_is_its_own_and_holds_on_the_devices_listener_alone(
    installed: Installation, pumps: dict[str, str]
) -> None:
    assert installed.code("pump-1", pumps["pump-1"]) == 0
    assert installed.code("pump-2", pumps["pump-1"]) == REFUSED
    assert installed.code("pump-3", pumps["pump-1"]) == REFUSED, "registered nowhere"
    assert installed.code("PUMP-1", pumps["pump-1"]) == REFUSED
    assert installed.code("pump-1", OWN) == REFUSED
    for client_id in ("pump-1", "_ingest"):
        assert platform_code(installed, "pump-1", pumps["pump-1"], client_id) == REFUSED


def test_a_registered_device_without_a_secret_is_refused(installed: Installation) -> None:
    installed.device("pump-1")
    with installed.platform.unit(ADMIN) as unit:
        CredentialService(unit).revoke_all("pump-1")
    installed.role.step()
    for secret in ("", "pump-1", "None"):
        assert installed.code("pump-1", secret) == REFUSED


@pytest.mark.parametrize("qos", [0, 1])
@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize(
    "topic", [up("pump-2"), up("pump-2", "presence"), down("pump-2"), up("_ingest"), "muster/1/x"]
)
def test_ingest_sees_nothing_of_what_is_said_in_anothers_name(
    installed: Installation, pumps: dict[str, str], topic: str, retain: bool, qos: int
) -> None:
    options = replace(receiver_options(installed.settings, "_ingest"), persistent=False)
    with Receiver(options) as receiver:
        receiver.connect()
        attacker = installed.connect("pump-1", pumps["pump-1"])
        attacker.publish(up("pump-1"), b'{"t": 1}')
        attacker.send(publish_packet(topic, b"evil", qos=qos, retain=retain, packet_id=2))
        with suppress(Closed):  # 2.0.11 does so
            attacker.pending()
        victim = installed.connect("pump-2", pumps["pump-2"])
        victim.publish(up("pump-2"), b'{"t": 2}')
        seen: list[tuple[str, bytes]] = []
        while (up("pump-2"), b'{"t": 2}') not in seen:
            batch = receiver.receive(10, timeout_s=10)
            assert batch
            seen += [(message.topic, message.payload) for message in batch]
            receiver.ack(batch)
    assert seen == [(up("pump-1"), b'{"t": 1}'), (up("pump-2"), b'{"t": 2}')]
    watch = installed.platform_client()
    watch.subscribe("muster/1/#")
    assert watch.pending() == [], "nothing is retained"
