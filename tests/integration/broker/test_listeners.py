"""Mosquitto's listeners: who comes in by which, under what name, and in what version of MQTT."""

import contextlib
import struct

import pytest
from websockets.sync.client import connect as ws_connect
from websockets.typing import Subprotocol

from tests.integration.broker.conftest import (
    PLATFORM_CLIENTS,
    BrokerUnderTest,
    MosquittoBroker,
    code,
)
from tests.integration.broker.raw import (
    Closed,
    Packet,
    RawClient,
    connect_packet,
    fresh,
    packet,
    publish_packet,
    subscribe_packet,
    text,
)

REFUSED = 5
BRIDGE = 0x80
"""Added to the version by a broker that connects to another."""


def down(device: str) -> str:
    return f"muster/1/{device}/down/commands"


def up(device: str) -> str:
    return f"muster/1/{device}/up/telemetry"


@pytest.mark.parametrize("name", [*PLATFORM_CLIENTS, "_probe"])
def test_the_platforms_names_open_nothing_on_the_devices_listener(
    mosquitto_broker: MosquittoBroker, name: str
) -> None:
    assert code(mosquitto_broker, name) == REFUSED


def test_a_devices_secret_opens_nothing_on_the_platforms_listener(
    mosquitto_broker: MosquittoBroker,
) -> None:
    mosquitto_broker.admit(device := fresh())
    for client_id in (device, "_ingest"):
        client = mosquitto_broker.platform_client()
        assert client.try_connect(client_id, username=device)[1] == REFUSED
    assert code(mosquitto_broker, device) == 0


@pytest.mark.parametrize("clean", [True, False])
def test_who_gives_anothers_client_id_gets_neither_its_place_nor_its_session(
    mosquitto_broker: MosquittoBroker, clean: bool
) -> None:
    victim, attacker = fresh(), fresh()
    mosquitto_broker.admit(victim, attacker)
    owner = mosquitto_broker.device(victim, clean=False)
    owner.subscribe(down(victim))
    owner.disconnect()
    dispatch = mosquitto_broker.device("_dispatch")
    dispatch.publish(down(victim), b"waits")
    thief = mosquitto_broker.client()
    assert not thief.connect(victim, username=attacker, clean=clean), "a session of its own"
    thief.subscribe(down(victim))
    dispatch.publish(down(victim), b"live")
    assert thief.pending() == []
    thief.publish(up(victim), b"in its name")  # acknowledged, dropped
    back = mosquitto_broker.client()
    assert back.connect(victim, clean=False)
    assert [p.payload for p in back.pending()] == [b"waits", b"live"]


def test_who_gives_a_platforms_client_id_does_not_take_its_place(
    mosquitto_broker: MosquittoBroker,
) -> None:
    ingest = mosquitto_broker.device("_ingest")
    mosquitto_broker.admit(device := fresh())
    thief = mosquitto_broker.client()
    thief.connect("_ingest", username=device)
    assert thief.subscribe("muster/1/#") == [1]
    mosquitto_broker.device("_dispatch").publish(up(device), b"news")
    assert thief.pending() == []
    ingest.ping()


def test_who_is_taken_out_of_the_file_is_closed_and_the_others_are_not(
    mosquitto_broker: MosquittoBroker,
) -> None:
    gone, stays = fresh(), fresh()
    mosquitto_broker.admit(gone, stays)
    lost, kept = mosquitto_broker.device(gone), mosquitto_broker.device(stays)
    mosquitto_broker.expel(gone)
    assert lost.closed() == []
    kept.ping()
    assert code(mosquitto_broker, gone) == REFUSED


# -- WebSocket ------------------------------------------------------------------------------


def test_the_same_rules_hold_over_websocket(broker_under_test: BrokerUnderTest) -> None:
    own, other = fresh(), fresh()
    broker_under_test.admit(own, other)
    watch = broker_under_test.device("_watch")
    watch.subscribe("muster/1/#", qos=0)
    watch.pending()
    dispatch = broker_under_test.device("_dispatch")
    url = f"ws://127.0.0.1:{broker_under_test.ws_port}/mqtt"
    mqtt = [Subprotocol("mqtt")]
    for name, secret in ((own, "wrong"), (fresh("unknown"), "pw")):
        with ws_connect(url, subprotocols=mqtt, compression=None) as socket:
            socket.send(connect_packet(name, secret))
            assert socket.recv(10) == bytes([0x20, 2, 0, broker_under_test.refusal])
    with ws_connect(url, subprotocols=mqtt, compression=None) as socket:
        socket.send(connect_packet(own))
        assert socket.recv(10) == b"\x20\x02\0\0"
        socket.send(subscribe_packet("muster/1/#"))
        assert socket.recv(10)[:1] == b"\x90"
        dispatch.publish(down(other), b"live")
        socket.send(b"\xc0\0")
        assert socket.recv(10) == b"\xd0\0", "nothing came before the answer"
        socket.send(publish_packet(up(own), b"good", qos=0) + publish_packet(up(other), b"evil"))
    bystander = broker_under_test.device(other)
    bystander.publish(up(other), b"after")
    heard = [p.payload for p in watch.pending()]
    assert heard == [b"live", b"good", b"after"]


@pytest.mark.parametrize("name", PLATFORM_CLIENTS)
def test_the_platforms_names_open_nothing_over_websocket(
    mosquitto_broker: MosquittoBroker, name: str
) -> None:
    url = f"ws://127.0.0.1:{mosquitto_broker.ws_port}/mqtt"
    with ws_connect(url, subprotocols=[Subprotocol("mqtt")], compression=None) as socket:
        socket.send(connect_packet(name))
        assert socket.recv(10) == b"\x20\x02\0\x05"


# -- other versions: ours refuses them, Mosquitto serves them by the same rules -------------


@pytest.mark.parametrize(("name", "level"), [("MQIsdp", 3), ("MQTT", 4 | BRIDGE)])
def test_older_mqtt_and_bridges_gain_nothing(
    mosquitto_broker: MosquittoBroker, name: str, level: int
) -> None:
    own, other = fresh(), fresh()
    mosquitto_broker.admit(own)
    watch = mosquitto_broker.device("_watch")
    watch.subscribe(f"muster/1/{own}/#", f"muster/1/{other}/#", qos=0)
    client = mosquitto_broker.client()
    assert client.try_connect(own, name=name, level=level)[1] == 0
    client.send(subscribe_packet("#", "muster/1/+/down/#"))
    client.send(publish_packet(up(own), b"good", qos=0))
    client.send(publish_packet(up(other), b"evil", qos=0))
    mosquitto_broker.device("_dispatch").publish(down(other), b"live")
    assert not any(one.kind == 3 for one in until_closed_or_ping(client))
    assert sorted(p.payload for p in watch.pending()) == [b"good", b"live"]


def test_mqtt_5_gains_nothing(mosquitto_broker: MosquittoBroker) -> None:
    own, other = fresh(), fresh()
    mosquitto_broker.admit(own)
    watch = mosquitto_broker.device("_watch")
    watch.subscribe(f"muster/1/{own}/#", f"muster/1/{other}/#", qos=0)
    client = mosquitto_broker.client()
    client.send(connect_packet(own, level=5))
    assert client.expect(2).body[1] == 0
    alias = b"\x03\x23\0\x01"
    filters = ("#", "$share/spies/#", "muster/1/+/down/#")
    client.send(
        packet(0x82, b"\0\1\0" + b"".join(text(one) + b"\1" for one in filters)),
        packet(0x30, text(up(own)) + alias + b"good"),
        packet(0x30, text(up(other)) + alias + b"evil"),
        packet(0x30, text("") + alias + b"evil by alias"),
        packet(0x32, text(up(other)) + struct.pack("!H", 7) + b"\0" + b"evil at QoS 1"),
    )
    mosquitto_broker.device("_dispatch").publish(down(other), b"live")
    assert not any(one.kind == 3 for one in until_closed_or_ping(client))
    assert sorted(p.payload for p in watch.pending()) == [b"good", b"live"]


def until_closed_or_ping(client: RawClient) -> list[Packet]:
    """Give what came until a ping is answered, or until the end: 2.0.11 closes at a refusal."""
    found: list[Packet] = []
    with contextlib.suppress(Closed):
        found += client.pending()
    return found
