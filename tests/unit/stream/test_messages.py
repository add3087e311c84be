"""Whatever arrives becomes an envelope or a quarantined item, and the same as the codec says."""

import json

from hypothesis import given
from hypothesis import strategies as st

from muster_broker.receiver import Received
from muster_platform.stream.messages import Envelope, Item, Quarantined, Reader
from muster_protocol.channels import CHANNELS, UP
from muster_protocol.codec import DecodeError, decode
from muster_protocol.messages import Telemetry

channels = st.sampled_from([row.name for row in CHANNELS if row.direction is UP] + ["other", "x"])
plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
names = st.sampled_from(["boot", "seq", "points", "records", "level", "message", "ts", "name"])
objects = st.dictionaries(names, plain_json, max_size=5).map(lambda v: json.dumps(v).encode())


def read(topic: str, payload: bytes, limit: int = 64 * 1024) -> Item:
    return Reader(limit).read(Received(topic, payload, 1, 1, False, False, 5, 1), "o")


@given(channels, st.binary(max_size=80) | objects)
def test_any_payload_is_read_as_the_codec_reads_it(channel: str, payload: bytes) -> None:
    item = read(f"muster/1/d/up/{channel}", payload)
    if channel == "x":
        assert isinstance(item, Envelope)
        assert item.message is None
        return
    reason, expected = "", None
    try:
        expected = decode(UP, channel, payload)
    except DecodeError as error:
        reason = error.code
    if isinstance(item, Envelope):
        assert (item.message, item.channel, item.origin) == (expected, channel, "o")
    else:
        assert (item.reason, item.subject, item.origin) == (reason, "d", "o")


@given(st.text(max_size=60), st.binary(max_size=10))
def test_any_topic_is_read_or_quarantined(topic: str, payload: bytes) -> None:
    item = read(topic, payload)
    assert isinstance(item, Quarantined)
    assert (item.subject, item.reason) == ("", "topic")


def test_a_platforms_own_topic_is_not_a_devices() -> None:
    item = read("muster/1/d/down/hello", b"{}")
    assert isinstance(item, Quarantined)
    assert "up/ only" in item.detail


def test_a_child_is_the_subject_and_its_gateway_the_connection() -> None:
    item = read("muster/1/gw/up/telemetry/kid", b'{"t":1}')
    assert isinstance(item, Envelope)
    assert (item.subject, item.topic.device_id) == ("kid", "gw")
    assert isinstance(item.message, Telemetry)


def test_the_payload_limit_is_a_setting() -> None:
    item = read("muster/1/d/up/telemetry", b'{"t":1}', limit=5)
    assert isinstance(item, Quarantined)
    assert item.reason == "too_large"


def test_what_cannot_be_used_still_tells_its_number() -> None:
    item = read("muster/1/d/up/events", b'{"boot":"b","seq":7,"name":5}')
    assert isinstance(item, Quarantined)
    assert (item.boot, item.seq, item.channel) == ("b", 7, "events")
