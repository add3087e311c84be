"""Hostile bytes before and after CONNECT: the connection ends, the slot is free, others live on."""

import contextlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.broker.conftest import Broker, BrokerUnderTest
from tests.integration.broker.raw import (
    Closed,
    Packet,
    RawClient,
    connect_packet,
    fresh,
    packet,
    publish_packet,
    remaining_length,
    subscribe_packet,
    text,
)

UP = "muster/1/any-hostile/up/telemetry"

MALFORMED = {
    "reserved packet type 0": packet(0x00),
    "reserved packet type 15": packet(0xF0),
    "a server's packet: CONNACK": packet(0x20, b"\0\0"),
    "a server's packet: SUBACK": packet(0x90, b"\0\1\0"),
    "a server's packet: PINGRESP": packet(0xD0),
    "remaining length of five bytes": b"\x30\xff\xff\xff\xff\x01",
    "larger than allowed": b"\x30\xff\xff\x7f",
    "QoS 3": packet(0x36, text(UP) + b"\0\1x"),
    "DUP with QoS 0": packet(0x38, text(UP) + b"x"),
    "packet id 0": packet(0x32, text(UP) + b"\0\0x"),
    "PUBLISH shorter than its topic": packet(0x30, b"\0\x50abc"),
    "PUBLISH without a packet id": packet(0x32, text(UP) + b"\0"),
    "PUBLISH of one byte": packet(0x30, b"\0"),
    "PUBLISH of none": packet(0x30),
    "empty topic": packet(0x30, text("") + b"x"),
    "wildcard in a topic": publish_packet("muster/1/any-hostile/up/+"),
    "topic that is not UTF-8": publish_packet(b"muster/1/any-hostile/up/\xff\xfe"),
    "topic with a surrogate": publish_packet(b"muster/1/any-hostile/up/\xed\xa0\x80"),
    "topic with NUL": publish_packet("muster/1/any-hostile/up/a\0b"),
    "topic too long": publish_packet("muster/1/any-hostile/up/" + "x" * 2_000),
    "PUBACK of three bytes": packet(0x40, b"\0\1\0"),
    "PUBACK of one byte": packet(0x40, b"\0"),
    "PUBREL with wrong flags": packet(0x60, b"\0\1"),
    "SUBSCRIBE with wrong flags": packet(0x80, b"\0\1" + text("a") + b"\0"),
    "SUBSCRIBE without a filter": packet(0x82, b"\0\1"),
    "SUBSCRIBE with QoS 3": packet(0x82, b"\0\1" + text("a") + b"\3"),
    "SUBSCRIBE that ends inside": packet(0x82, b"\0\1\0\x50a"),
    "SUBSCRIBE with packet id 0": subscribe_packet("a", packet_id=0),
    "SUBSCRIBE with a filter that is not UTF-8": packet(0x82, b"\0\1" + text(b"\xff") + b"\0"),
    "UNSUBSCRIBE without a filter": packet(0xA2, b"\0\1"),
    "PINGREQ with a body": packet(0xC0, b"x"),
    "DISCONNECT with flags": packet(0xE1),
}

BAD_OPENINGS = {
    "nothing of MQTT": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "TLS where there is none": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    "reserved flag": packet(0x10, text("MQTT") + b"\x04\x03\0\0" + text("any-x")),
    "wrong fixed flags": b"\x11" + connect_packet("any-x")[1:],
    "will QoS 3": packet(0x10, text("MQTT") + b"\x04\x1e\0\0" + text("any-x") + text("a") * 2),
    "will retain without a will": packet(0x10, text("MQTT") + b"\x04\x22\0\0" + text("any-x")),
    "password without a user name": packet(
        0x10, text("MQTT") + b"\x04\x42\0\0" + text("any-x") * 2
    ),
    "another protocol": packet(0x10, text("AMQP") + b"\x04\x02\0\0" + text("any-x")),
    "bytes behind its end": packet(0x10, connect_packet("any-x")[2:] + b"more"),
    "shorter than its fields": packet(0x10, connect_packet("any-x")[2:-1]),
    "a client id that is not UTF-8": packet(0x10, text("MQTT") + b"\x04\x02\0\0" + text(b"\xff")),
    "a secret that is not UTF-8": packet(
        0x10, text("MQTT") + b"\x04\xc2\0\0" + text("any-x") * 2 + text(b"\xff\xfe")
    ),
    "larger than allowed": b"\x10\xff\xff\xff\x7f",
    "no length at all": b"\x10\xff\xff\xff\xff\xff",
}


HOSTILE = "muster/1/any-hostile/up/"


class Bystander:
    """A device and a client of the platform that must be served whatever others do."""

    def __init__(self, broker: BrokerUnderTest) -> None:
        self._topic = f"muster/1/{(device := fresh('any-bystander'))}/up/telemetry"
        broker.admit(device, "any-hostile")
        self._watch = RawClient(broker.platform_port)
        self._watch.connect("_watch")
        self._watch.subscribe(self._topic, "muster/#")
        self._device = RawClient(broker.port)
        self._device.connect(device)

    def check(self) -> None:
        """Say something and hear it; of the hostile one only what it may say comes through."""
        self._device.publish(self._topic, b"well")
        while (got := self._watch.expect(3)).topic != self._topic:
            assert got.topic.startswith(HOSTILE)
            assert not set("+#\0") & set(got.topic)
            self._acknowledge(got)
        assert got.payload == b"well"
        self._acknowledge(got)

    def _acknowledge(self, got: Packet) -> None:
        if got.flags & 6:
            self._watch.acknowledge(got.packet_id)

    def close(self) -> None:
        self._watch.socket.close()
        self._device.socket.close()


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def target(request: pytest.FixtureRequest) -> Iterator[BrokerUnderTest]:
    """Give the broker that is thrown at."""
    name = "shared_broker" if request.param == "embedded" else "shared_mosquitto"
    found: BrokerUnderTest = request.getfixturevalue(name)
    yield found
    found.close_clients()


@pytest.fixture(scope="module")
def bystander(target: BrokerUnderTest) -> Iterator[Bystander]:
    one = Bystander(target)
    yield one
    one.close()


def end(broker: BrokerUnderTest, client: RawClient) -> None:
    """See the connection closed: at once by ours; Mosquitto overlooks some faults."""
    if broker.kind == "embedded":
        assert client.closed() == []
        return
    with contextlib.suppress(Closed):
        client.send(b"\xe0\0")
    client.closed()


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_packet_closes(
    target: BrokerUnderTest, bystander: Bystander, data: bytes
) -> None:
    client = target.device("any-hostile")
    client.send(data)
    end(target, client)
    bystander.check()


@pytest.mark.parametrize("data", BAD_OPENINGS.values(), ids=BAD_OPENINGS.keys())
def test_a_malformed_opening_closes_without_an_answer(
    target: BrokerUnderTest, bystander: Bystander, data: bytes
) -> None:
    client = target.client()
    client.send(data)
    end(target, client)
    bystander.check()


@pytest.mark.parametrize("opened", [True, False])
def test_packets_and_openings_that_never_end_hold_up_nobody(
    target: BrokerUnderTest, bystander: Bystander, opened: bool
) -> None:
    for length in range(1, 12):
        client = target.device("any-hostile") if opened else target.client()
        whole = publish_packet(UP) if opened else connect_packet("any-hostile")
        client.send(whole[:length])
        bystander.check()
    target.close_clients()


@pytest.mark.parametrize("size", [131_073, 1_000_000, 250_000_000])
def test_a_packet_larger_than_allowed_closes_before_it_is_read(
    target: BrokerUnderTest, bystander: Bystander, size: int
) -> None:
    client = target.device("any-hostile")
    whole = packet(0x30, b"")[:1] + remaining_length(size) + text(UP)
    client.send(whole)
    assert client.closed() == []
    bystander.check()


@pytest.mark.parametrize(
    "data",
    [
        b"GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: \xff\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        connect_packet("any-hostile"),
        b"\x16\x03\x01" + b"\0" * 500,
        b"\0" * 5_000,
    ],
    ids=["no upgrade", "bad key", "a file", "endless", "bare MQTT", "TLS", "zeros"],
)
def test_hostile_bytes_on_the_websocket_listener_harm_nobody(
    target: BrokerUnderTest, bystander: Bystander, data: bytes
) -> None:
    with RawClient(target.ws_port) as client:
        with contextlib.suppress(Closed):
            client.send(data)
        bystander.check()


PIECES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([*MALFORMED.values(), *BAD_OPENINGS.values()]),
    st.builds(packet, st.integers(0, 255), st.binary(max_size=300)),
    st.builds(
        publish_packet,
        st.sampled_from([UP, "x", "muster/1/other/up/telemetry", "$muster/disconnect"]),
        st.binary(max_size=100),
        qos=st.integers(0, 3),
        retain=st.booleans(),
        packet_id=st.integers(0, 65_535),
        dup=st.booleans(),
    ),
)


def mutate(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    out = bytearray(data)
    for at, byte in edits:
        out[at % len(out)] = byte
    return bytes(out)


MUTATED_CONNECT = st.builds(
    mutate,
    st.sampled_from(
        [
            connect_packet("any-hostile"),
            connect_packet("any-hostile", will=(UP, b"w", 1, False)),
            connect_packet("any-hostile", level=5),
        ]
    ),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=4),
)
BOUNDED = settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])


def throw(client: RawClient, pieces: list[bytes]) -> None:
    """Send until the broker closes, then close too."""
    try:
        for piece in pieces:
            client.send(piece)
        client.send(b"\xe0\0")
    except Closed:
        pass
    finally:
        client.socket.close()


@BOUNDED
@given(st.lists(PIECES, max_size=6))
def test_any_bytes_after_connect_harm_nobody(
    target: BrokerUnderTest, bystander: Bystander, pieces: list[bytes]
) -> None:
    client = RawClient(target.port)
    client.connect("any-hostile", clean=True)
    throw(client, pieces)
    bystander.check()


@BOUNDED
@given(st.one_of(MUTATED_CONNECT, st.binary(max_size=400)), st.lists(PIECES, max_size=2))
def test_any_bytes_instead_of_connect_harm_nobody(
    target: BrokerUnderTest, bystander: Bystander, opening: bytes, pieces: list[bytes]
) -> None:
    throw(RawClient(target.port), [opening, *pieces])
    bystander.check()


def test_after_all_of_it_every_slot_is_free_and_nothing_failed_inside(broker: Broker) -> None:
    watch = broker.device("_doctor")
    watch.subscribe("$muster/stats", qos=0)
    # The bystander's two, where they are still there, and ours.
    while (now := json.loads(watch.expect(3).payload))["connections"] > 3 or now["pending"]:
        pass
    assert "internal_error" not in broker.process.output()
    assert "Traceback" not in broker.process.output()
