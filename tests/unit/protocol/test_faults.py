"""Every refusal names the field, also where the key is the device's own."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_protocol import codec
from muster_protocol.channels import Direction

POINTS = b'{"points":[{"values":{"a":1}},'
RECORD = b'{"records":[{"level":"INFO","message":"m"'
HELLO = b'{"session":1,"install_id":"i","profile":"p","agent":{"name":"a","version":"1"}'


@pytest.mark.parametrize(
    ("channel", "payload", "where", "words"),
    [
        ("telemetry", POINTS + b'{"values":{"b":[1]}}]}', "$.points[1].values.b", "array"),
        ("telemetry", b'{"points":[{"values":{"a":{"lat":0}}}]}', "$.points[0].values.a", "lon"),
        ("telemetry", b'{"points":[{"values":{"a b":null}}]}', '$.points[0].values["a b"]', "null"),
        ("telemetry", b'{"points":[{"values":{"":1}}]}', '$.points[0].values[""]', "length >= 1"),
        ("telemetry", b'{"points":[{"ts":"x","values":{}}]}', "$.points[0].ts", "`str`"),
        ("telemetry", b'{"points":{}}', "$.points", "array"),
        ("logs", b'{"records":[{"level":"INFO"}]}', "$.records[0]", "`message`"),
        ("logs", RECORD + b',"fields":{"ok":1,"n":1e999}}]}', "$.records[0].fields.n", "range"),
        ("settings", b'{"version":1,"errors":{"rate":5}}', "$.errors.rate", "`int`"),
        ("hello", HELLO + b',"unsent":{"a":{"logs":1},"b":{"logs":0}}}', "$.unsent.b.logs", ">= 1"),
        ("hello", HELLO + b',"unsent":{"b1":{"":1}}}', '$.unsent.b1[""]', "length >= 1"),
        ("commands", b'{"execution":"e","state":"QUEUED"}', "$", "`state` QUEUED"),
        ("commands", b'{"execution":"e","state":"DONE"}', "$.state", "DONE"),
    ],
)
def test_the_place_is_named(channel, payload, where, words):
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode(Direction.UP, channel, payload)
    assert caught.value.where == where
    assert words in str(caught.value)


@given(
    good=st.lists(st.from_regex(r"[a-z]{1,8}", fullmatch=True), unique=True, max_size=40),
    data=st.data(),
)
def test_among_many_values_the_bad_one_is_named(good, data):
    place = data.draw(st.integers(0, len(good)))
    values = dict.fromkeys(good[:place], 1.5) | {"BAD": [1]} | dict.fromkeys(good[place:], True)
    full = msgspec.json.encode({"points": [{"values": {}}, {"values": values}]})
    flat = msgspec.json.encode(values)
    for payload, where in ((full, "$.points[1].values.BAD"), (flat, "$.BAD")):
        with pytest.raises(codec.DecodeError) as caught:
            codec.decode(Direction.UP, "telemetry", payload)
        assert caught.value.where == where


def test_the_bad_one_is_named_also_among_more_values_than_are_allowed():
    values = dict.fromkeys(map(str, range(2_000)), 1) | {"bad": [1]}
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode(Direction.UP, "telemetry", msgspec.json.encode(values))
    assert caught.value.where == "$.bad"


def test_a_key_that_stands_twice_is_not_blamed_on_another():
    payload = b'{"points":[{"values":{"a":[1],"b":1,"a":1,"c":1}}]}'
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode(Direction.UP, "telemetry", payload)
    assert caught.value.where == "$.points[0].values[...]"


def test_a_long_key_is_shown_in_part():
    payload = b'{"version":1,"errors":{"' + b"k" * 50_000 + b'":1}}'
    with pytest.raises(codec.DecodeError) as caught:
        codec.decode(Direction.UP, "settings", payload)
    assert len(caught.value.where) < 100
