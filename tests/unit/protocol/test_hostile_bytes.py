"""Any bytes decode or raise DecodeError, and nothing else."""

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muster_protocol import codec, limits
from muster_protocol.channels import CHANNELS, Direction
from tests.unit.protocol.strategies import channels, json_values, messages

HOSTILE = [
    b"",
    b"\x00",
    b"\xef\xbb\xbf{}",
    b"[]",
    b"null",
    b" {}",
    b"{",
    b"{}",
    b'{"a"',
    b'{"points":[{"values":{"a":' + b"[" * 60_000,
    b'{"a":' * 12_000,
    b'{"data":' + b"[" * 500 + b"]" * 500 + b',"name":"x"}',
    b'{"points":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"session":' + b"9" * 5_000 + b"}",
    b'{"name":"x","data":{"a":-' + b"9" * 60_000 + b"}}",
    b'{"name":"x","data":{"a":1e999999}}',
    b'{"name":"x","data":{"a":' + b"0.0" + b"1" * 30_000 + b"}}",
    b'{"ts":1e400,"temp":1e400}',
    b'{"ts":NaN}',
    b'{"temp":Infinity}',
    b'{"name":"\\ud800"}',
    b'{"name":"\\udc00\\ud800"}',
    b'{"name":"\xed\xa0\x80"}',
    b'{"name":"\xff\xfe"}',
    b'{"\xff":1}',
    b'{"name":"a\\u0000b"}',
    b'{"name":"a\x00b"}',
    b'{"a\x00b":1}',
    b'{"points":[{"values":{"a":[1],"a":1,"b":1,"c":2}}]}',
    b'{"points":[{"values":{"a":[1]}}],"points":[]}',
    b'{"records":[{"level":"INFO","message":"m","fields":{"a":1e999}}],"records":{}}',
    b'{"x":1}' * 1_000,
]


def decodes_or_refuses(direction, channel, payload):
    """Decode; what may be raised is DecodeError with a code and a place, in plain words."""
    refusal = None
    try:
        codec.decode(direction, channel, payload)
    except codec.DecodeError as error:
        refusal = error
    if refusal:
        assert refusal.code in {"empty", "too_large", "encoding", "syntax", "field", "channel"}
        assert refusal.where.startswith("$")
        assert str(refusal)


@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: repr(payload[:24]))
@pytest.mark.parametrize("row", CHANNELS, ids=lambda row: f"{row.direction}-{row.name}")
def test_known_attacks_are_refused_in_words(row, payload):
    decodes_or_refuses(row.direction, row.name, payload)


@given(row=channels, payload=st.binary(max_size=200))
def test_any_bytes_decode_or_are_refused(row, payload):
    decodes_or_refuses(row.direction, row.name, payload)
    decodes_or_refuses(row.direction, row.name, b"{" + payload)


@given(row=channels, value=st.dictionaries(st.text(max_size=5), json_values, max_size=5))
def test_any_json_object_decodes_or_is_refused(row, value):
    payload = msgspec.json.encode(value)
    decodes_or_refuses(row.direction, row.name, payload)


@given(row=channels, data=st.data())
@settings(max_examples=300)
def test_a_damaged_message_decodes_or_is_refused(row, data):
    payload = bytearray(codec.encode(data.draw(messages(row.message))))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(payload)))
        cut = data.draw(st.integers(0, 3))
        payload[place : place + cut] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"{", b"}", b"[", b"]", b"null", b"-"])
        )
    decodes_or_refuses(row.direction, row.name, bytes(payload))


@given(row=channels, data=st.data())
@settings(max_examples=300)
def test_a_message_with_a_value_of_another_type_is_refused_with_its_place(row, data):
    whole = msgspec.json.decode(codec.encode(data.draw(messages(row.message))))
    spoilt = _spoil(whole, data)
    decodes_or_refuses(row.direction, row.name, msgspec.json.encode(spoilt))


def _spoil(value, data):
    """Replace one value somewhere inside by any other JSON."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(value)))
        return {**value, key: _spoil(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(value) - 1))
        return [*value[:at], _spoil(value[at], data), *value[at + 1 :]]
    return data.draw(json_values)


@given(direction=st.sampled_from(Direction), channel=st.text(max_size=12))
@example(Direction.UP, "ledger")
@example(Direction.DOWN, "telemetry")
@example(Direction.UP, "x")
def test_an_unknown_channel_is_refused(direction, channel):
    known = {(row.direction, row.name) for row in CHANNELS}
    if (direction, channel) not in known:
        with pytest.raises(codec.DecodeError, match="unknown channel"):
            codec.decode(direction, channel, b"{}")


def test_the_size_limit_is_in_bytes_and_can_be_set():
    payload = b'{"name":"' + b"x" * 100 + b'"}'
    assert codec.decode(Direction.UP, "events", payload, limit_bytes=len(payload))
    with pytest.raises(codec.DecodeError, match="111 bytes; at most 110") as caught:
        codec.decode(Direction.UP, "events", payload, limit_bytes=110)
    assert caught.value.code == "too_large"
    codec.check_form(b"{" + b" " * (limits.PAYLOAD_BYTES - 1))


@pytest.mark.parametrize(
    ("channel", "field", "name"),
    [
        ("events", "data", b'"name":"n"'),
        ("commands", "result", b'"execution":"e","state":"DELIVERED"'),
        ("settings", "reported", b'"version":1'),
        (
            "hello",
            "attributes",
            b'"session":1,"install_id":"i","profile":"p","agent":{"name":"a","version":"1"}',
        ),
    ],
)
def test_free_data_has_a_greatest_depth(channel, field, name):
    def payload(depth):
        nested = b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)
        return b"{" + name + b',"' + field.encode() + b'":' + nested + b"}"

    assert codec.decode(Direction.UP, channel, payload(limits.DATA_DEPTH))
    with pytest.raises(codec.DecodeError, match=f"`{field}` is nested more than"):
        codec.decode(Direction.UP, channel, payload(limits.DATA_DEPTH + 1))
