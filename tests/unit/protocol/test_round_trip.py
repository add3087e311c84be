"""Any message survives a round trip, whatever its fields hold."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from muster_protocol import codec, limits
from muster_protocol.channels import CHANNELS, Direction
from muster_protocol.messages import (
    Event,
    Level,
    Location,
    LogRecord,
    Logs,
    Message,
    Point,
    Telemetry,
)
from tests.unit.protocol.strategies import messages, texts


@pytest.mark.parametrize("row", CHANNELS, ids=lambda row: f"{row.direction}-{row.name}")
@given(data=st.data())
def test_any_message_survives_a_round_trip(row, data):
    message = data.draw(messages(row.message))
    payload = codec.encode(message)
    assume(len(payload) <= limits.PAYLOAD_BYTES)
    assert codec.decode(row.direction, row.name, payload) == message
    assert codec.decode_as(row.message, row.direction, row.name, payload) == message


def test_every_message_class_of_a_channel_is_a_message():
    assert all(issubclass(row.message, Message) for row in CHANNELS)


def test_unknown_fields_are_ignored():
    payload = b'{"name":"pressed","colour":"red","deep":{"er":[1]}}'
    assert codec.decode(Direction.UP, "events", payload) == Event(name="pressed")


def test_of_a_key_that_stands_twice_the_last_one_counts():
    payload = b'{"name":"first","name":"last","data":{"a":1,"a":2}}'
    assert codec.decode(Direction.UP, "events", payload) == Event(name="last", data={"a": 2})


def test_fields_at_their_defaults_are_not_sent():
    assert codec.encode(Event(name="pressed")) == b'{"name":"pressed"}'


@given(text=st.text(st.characters(), max_size=20))
@example("half \ud83d of it")
@example("two halves \ud83d\ude00")
def test_half_a_character_from_an_app_does_not_stop_its_message(text):
    sent = codec.encode(Event(name="said", data={"text": [text], f"k{text}": 1}))
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    got = codec.decode_as(Event, Direction.UP, "events", sent)
    assert got.data == {"text": [whole], f"k{whole}": 1}


class TestPlainDevices:
    """Devices that know no Muster code send what is at hand."""

    def test_flat_values_become_one_point(self):
        payload = b'{"temp":21,"ok":true,"name":"x","at":{"lat":1,"lon":2.5},"ts":1700000000000}'
        point = Point(
            values={"temp": 21.0, "ok": True, "name": "x", "at": Location(lat=1, lon=2.5)},
            ts=1_700_000_000_000,
        )
        assert codec.decode(Direction.UP, "telemetry", payload) == Telemetry(points=[point])

    def test_boot_and_seq_beside_flat_values_are_not_values(self):
        got = codec.decode(Direction.UP, "telemetry", b'{"temp":1,"boot":"b","seq":7}')
        assert got == Telemetry(points=[Point(values={"temp": 1.0})], boot="b", seq=7)

    def test_one_record_alone_becomes_a_list_of_one(self):
        payload = b'{"level":"WARN","message":"low battery","seq":2,"boot":"b"}'
        record = LogRecord(level=Level.WARN, message="low battery")
        assert codec.decode(Direction.UP, "logs", payload) == Logs(
            records=[record], boot="b", seq=2
        )

    @given(text=texts)
    def test_a_text_value_may_hold_any_text(self, text):
        payload = codec.encode(Telemetry(points=[Point(values={"note": text})]))
        flat = payload.removeprefix(b'{"points":[{"values":').removesuffix(b"}]}")
        assert codec.decode(Direction.UP, "telemetry", flat) == codec.decode(
            Direction.UP, "telemetry", payload
        )

    @pytest.mark.parametrize(
        ("channel", "payload", "where"),
        [
            ("telemetry", b"{}", "$"),
            ("telemetry", b'{"ts":1}', "$"),
            ("telemetry", b'{"ts":"noon","temp":1}', "$.ts"),
            ("telemetry", b'{"temp":1,"hum":[2]}', "$.hum"),
            ("telemetry", b'{"temp":1,"seq":0}', "$.seq"),
            ("telemetry", b'{"temp":1,"a#b":2}', '$["a#b"]'),
            ("telemetry", b'{"at":{"lat":91,"lon":0}}', "$.at.lat"),
            ("logs", b'{"level":"info","message":"m"}', "$.level"),
            ("logs", b'{"level":"INFO","message":"m","boot":5}', "$.boot"),
        ],
    )
    def test_a_fault_in_a_short_form_is_named(self, channel, payload, where):
        with pytest.raises(codec.DecodeError) as caught:
            codec.decode(Direction.UP, channel, payload)
        assert (caught.value.code, caught.value.where) == ("field", where)
