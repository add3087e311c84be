"""The codec: what it builds it reads, and any bytes give a packet or Malformed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_broker.embedded import wire
from muster_broker.embedded.errors import Malformed

LIMIT = 128 * 1024


def whole(data: bytes) -> wire.Frame:
    frame = wire.next_frame(data, 0, LIMIT)
    assert frame is not None
    assert frame.stop == len(data)
    return frame


@given(st.binary(max_size=64))
def test_any_bytes_are_a_frame_or_not_yet_or_malformed(data: bytes) -> None:
    try:
        frame = wire.next_frame(data, 0, LIMIT)
    except Malformed:
        return
    assert frame is None or frame.start <= frame.stop <= len(data)


@given(st.integers(1, 15), st.binary(max_size=200))
def test_any_body_decodes_or_is_malformed(kind: int, body: bytes) -> None:
    flags = 2 if kind in (wire.SUBSCRIBE, wire.UNSUBSCRIBE) else 0
    frame = wire.Frame(kind, flags, 0, len(body))
    for decode in (wire.decode_connect, wire.decode_subscribe, wire.decode_unsubscribe):
        try:
            decode(frame, body)  # type: ignore[operator]
        except Malformed:
            continue


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    st.binary(max_size=40_000),
    st.integers(0, 2),
    st.booleans(),
    st.booleans(),
    st.integers(1, 65_535),
)
def test_a_publish_has_the_length_it_says(
    topic: str, payload: bytes, qos: int, retain: bool, dup: bool, packet_id: int
) -> None:
    data = wire.publish(wire.topic_field(topic), payload, qos, retain, packet_id, dup)
    frame = whole(data)
    assert (frame.kind, frame.flags) == (wire.PUBLISH, dup << 3 | qos << 1 | retain)
    body = wire.Reader(data, frame.start, frame.stop)
    assert body.binary() == topic.encode()
    assert not qos or body.number() == packet_id
    assert body.take(body.left) == payload


@given(st.integers(1, 65_535))
def test_acknowledgements_survive_the_way(packet_id: int) -> None:
    for kind in (wire.PUBACK, wire.PUBREC, wire.PUBREL, wire.PUBCOMP):
        data = wire.ack(kind, packet_id)
        frame = whole(data)
        assert wire.decode_ack(kind, frame.flags, data, frame.start, frame.stop) == packet_id


@pytest.mark.parametrize("length", [0, 1, 127, 128, 16_383, 16_384, 100_000])
def test_a_frame_is_found_only_when_it_is_all_there(length: int) -> None:
    data = wire.publish(b"\0\1a", b"x" * length, 0, False)
    assert whole(data).stop - whole(data).start == length + 3
    for cut in (1, 2, len(data) // 2, len(data) - 1):
        if cut < len(data):
            assert wire.next_frame(data[:cut], 0, LIMIT) is None


def test_a_packet_beyond_the_limit_is_refused_before_it_has_come() -> None:
    with pytest.raises(Malformed, match="at most 1000"):
        wire.next_frame(b"\x30\xe9\x07", 0, 1_000)


def test_many_return_codes_fit_into_a_suback() -> None:
    data = wire.suback(1, [0] * 300)
    assert whole(data).kind == wire.SUBACK


def test_session_present_goes_with_acceptance_only() -> None:
    assert wire.connack(wire.ACCEPTED, True) == b"\x20\x02\x01\x00"
    assert wire.connack(wire.NOT_AUTHORISED, True) == b"\x20\x02\x00\x05"
