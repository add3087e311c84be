"""The stream of a broker parses the same in any chunks, or raises our error."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_broker.receiver import codec
from muster_broker.receiver.codec import Control, Kind, Packet, Parser, Received
from muster_broker.receiver.errors import ProtocolError

topics = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
messages = st.builds(
    lambda topic, payload, qos, retain, packet_id, dup: (
        codec.publish(
            topic, payload, qos=qos, retain=retain, packet_id=packet_id, dup=dup and qos > 0
        ),
        Received(topic, payload, qos, packet_id * qos, dup and qos > 0, retain, 7, 3),
    ),
    topics,
    st.binary(max_size=400),
    st.integers(0, 1),
    st.booleans(),
    st.integers(1, 65_535),
    st.booleans(),
)
controls = st.sampled_from(
    [
        (b"\x20\x02\x01\x00", Control(Kind.CONNACK, b"\x01\x00")),
        (b"\x40\x02\x12\x34", Control(Kind.PUBACK, b"\x12\x34")),
        (b"\x90\x03\xff\xff\x01", Control(Kind.SUBACK, b"\xff\xff\x01")),
        (b"\xd0\x00", Control(Kind.PINGRESP, b"")),
    ]
)
cuts = st.lists(st.integers(0, 5_000), max_size=12)


def chunks(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(p, len(stream)) for p in places), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


def parse(parts: list[bytes]) -> tuple[list[Packet], str]:
    parser, out = Parser(connection=3), []
    for part in parts:
        out += parser.feed(part, 7)
        if parser.fault:
            break
    return out, str(parser.fault)


@given(st.lists(messages | controls, max_size=20), cuts)
def test_packets_survive_any_chunking(items: list[tuple[bytes, Packet]], places: list[int]) -> None:
    stream = b"".join(raw for raw, _ in items)
    assert parse(chunks(stream, places)) == ([packet for _, packet in items], "None")


@given(st.lists(st.binary(max_size=60) | messages.map(lambda m: m[0]), max_size=8), cuts)
def test_hostile_bytes_parse_alike_in_any_chunks_and_fail_alike(
    pieces: list[bytes], places: list[int]
) -> None:
    stream = b"".join(pieces)
    assert parse(chunks(stream, places)) == parse([stream])


def test_a_large_packet_byte_by_byte() -> None:
    raw = codec.publish("a/b", b"x" * 20_000, qos=1, retain=False, packet_id=9)
    (message,), fault = parse([raw[i : i + 1] for i in range(len(raw))])
    assert fault == "None"
    assert isinstance(message, Received)
    assert (message.topic, len(message.payload), message.packet_id) == ("a/b", 20_000, 9)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x34\x05\x00\x01a\x00\x01", "QoS 2"),
        (b"\x32\x05\x00\x01a\x00\x00", "packet id 0"),
        (b"\x32\x03\x00\x01a", "malformed"),
        (b"\x30\x02\x00\x09", "malformed"),
        (b"\x30\x01\x00", "malformed"),
        (b"\x30\x00", "malformed"),
        (b"\x30\xff\xff\xff\xff\x7f", "more than four"),
        (b"\x30\xff\xff\xff\x7f", "at most"),
        (b"\x10\x00", "packet type 1"),
        (b"\x00\x00", "packet type 0"),
        (b"\x42\x02\x00\x01", "flags"),
        (b"\x20\x00", "CONNACK of 0 bytes"),
        (b"\x90\x02\x00\x01", "SUBACK of 2 bytes"),
    ],
)
def test_a_fault_is_named_and_ends_the_stream(raw: bytes, says: str) -> None:
    parser = Parser()
    good = codec.publish("t", b"1", qos=0, retain=False, packet_id=0)
    (before,) = parser.feed(good + raw + good, 0)
    assert isinstance(before, Received)
    assert says in str(parser.fault)
    with pytest.raises(ProtocolError, match=says):
        parser.feed(good, 0)


def test_a_topic_that_is_not_utf8_is_given_for_quarantine() -> None:
    """It must not break the connection: the broker would send it again, for ever."""
    (message,) = Parser().feed(b"\x32\x07\x00\x02\xff\xfe\x00\x05x", 0)
    assert isinstance(message, Received)
    assert message.topic == "\ufffd\ufffd"
    assert (message.packet_id, message.payload) == (5, b"x")


@given(st.lists(st.integers(1, 65_535), max_size=50))
def test_pubacks_are_written_in_order(ids: list[int]) -> None:
    packets = Parser().feed(codec.pubacks(ids), 0)
    assert [codec.word(p.body) for p in packets if isinstance(p, Control)] == ids


def test_connect_carries_what_was_asked() -> None:
    raw = codec.connect("c", username="u", password="p", keep_alive_s=30, clean=False)
    assert raw == b"\x10\x13\x00\x04MQTT\x04\xc0\x00\x1e\x00\x01c\x00\x01u\x00\x01p"
    raw = codec.connect("c", username=None, password=None, keep_alive_s=1, clean=True)
    assert raw == b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x01\x00\x01c"


def test_subscribe_carries_filters_and_qos() -> None:
    raw = codec.subscribe(258, [("a/#", 1), ("b", 0)])
    assert raw == b"\x82\x0c\x01\x02\x00\x03a/#\x01\x00\x01b\x00"


def test_text_too_long_for_mqtt_is_refused() -> None:
    with pytest.raises(ValueError, match="65535"):
        codec.publish("t" * 70_000, b"", qos=0, retain=False, packet_id=0)
