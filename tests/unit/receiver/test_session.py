"""One connection as bytes: handshake, keep-alive, publications that outlive it."""

import pytest

from muster_broker.receiver import codec
from muster_broker.receiver.codec import Received
from muster_broker.receiver.errors import BrokerRefused, BrokerUnreachable, ProtocolError
from muster_broker.receiver.options import ReceiverOptions
from muster_broker.receiver.session import Link, Phase, Publications

OPTIONS = ReceiverOptions(
    "broker", "_ingest", subscriptions=(("muster/1/+/up/#", 1),), keep_alive_s=30, max_pending=3
)
CONNACK = b"\x20\x02\x00\x00"
SUBACK = b"\x90\x03\xff\xff\x01"
PINGRESP = b"\xd0\x00"


def message(packet_id: int, connection: int = 1) -> Received:
    return Received("t", b"", 1, packet_id, False, False, 0, connection)


def ready(publications: Publications | None = None, number: int = 1) -> Link:
    link = Link(OPTIONS, publications or Publications(3, None), number, now_s=0.0)
    link.feed(CONNACK + SUBACK, 0)
    link.out.clear()
    return link


def test_handshake_ends_with_the_subscription() -> None:
    link = Link(OPTIONS, Publications(3, None), 1, now_s=0.0)
    assert link.out.startswith(b"\x10")
    link.out.clear()
    assert link.feed(CONNACK, 0) == []
    assert link.phase is Phase.SUBSCRIBING
    assert link.out == codec.subscribe(65_535, OPTIONS.subscriptions)
    link.feed(SUBACK, 0)
    assert link.phase is Phase.READY


def test_messages_queued_at_the_broker_may_come_before_suback() -> None:
    link = Link(OPTIONS, Publications(3, None), 1, now_s=0.0)
    queued = codec.publish("t", b"1", qos=1, retain=False, packet_id=4)
    assert [m.packet_id for m in link.feed(b"\x20\x02\x01\x00" + queued, 0)] == [4]
    assert link.session_present


@pytest.mark.parametrize(
    ("code", "error", "says"),
    [
        (4, BrokerRefused, "bad user name or password"),
        (5, BrokerRefused, "not authorized"),
        (3, BrokerUnreachable, "unavailable"),
        (99, BrokerRefused, "return code 99"),
    ],
)
def test_refusals_say_why(code: int, error: type[Exception], says: str) -> None:
    link = Link(OPTIONS, Publications(3, None), 1, now_s=0.0)
    with pytest.raises(error, match=says):
        link.feed(bytes([0x20, 2, 0, code]), 0)


def test_a_refused_subscription_names_the_filter() -> None:
    link = Link(OPTIONS, Publications(3, None), 1, now_s=0.0)
    with pytest.raises(BrokerRefused, match=r"muster/1/\+/up/#"):
        link.feed(CONNACK + b"\x90\x03\xff\xff\x80", 0)


@pytest.mark.parametrize(
    "raw",
    [
        codec.publish("t", b"", qos=0, retain=False, packet_id=0),
        PINGRESP,
        CONNACK + CONNACK,
        CONNACK + b"\x90\x03\x00\x07\x01",
        CONNACK + b"\x90\x04\xff\xff\x01\x01",
    ],
)
def test_packets_out_of_turn_are_a_protocol_error(raw: bytes) -> None:
    link = Link(OPTIONS, Publications(3, None), 1, now_s=0.0)
    with pytest.raises(ProtocolError):
        link.feed(raw, 0)


def test_acknowledgements_of_an_earlier_connection_are_passed_over() -> None:
    """A broker that lost its memory gives the same packet ids to new, unstored messages."""
    link = ready(number=2)
    link.acknowledge([message(5, connection=1), message(6, connection=2)])
    assert link.out == codec.pubacks([6])


def test_qos_0_messages_need_no_acknowledgement() -> None:
    link = ready()
    link.acknowledge([message(0)])
    assert not link.out


def test_a_quiet_link_pings_and_notices_silence() -> None:
    link = ready()
    link.keep_alive(14.9)
    assert not link.out
    link.keep_alive(15.0)
    assert link.out == codec.PINGREQ
    link.check_silence(45.0)
    with pytest.raises(BrokerUnreachable, match="no answer"):
        link.check_silence(45.1)
    link.feed(PINGRESP, 0)
    link.check_silence(1_000.0)


def test_silence_means_nothing_while_we_do_not_read() -> None:
    link = ready()
    link.keep_alive(15.0)
    link.keep_alive(40.0, reading=False)
    link.check_silence(1_000.0)
    assert link.out == codec.PINGREQ * 2


def test_publications_outlive_the_connection_and_carry_dup() -> None:
    told: list[int] = []
    publications = Publications(3, told.append)
    first = publications.add(71, "a", b"1", retain=False)
    second = publications.add(72, "b", b"2", retain=True)
    ready(publications).feed(b"\x40\x02\x00\x01", 0)
    assert told == [71]
    publications.lost()
    link = Link(OPTIONS, publications, 2, now_s=0.0)
    link.out.clear()
    link.feed(CONNACK, 0)
    again = bytes([second[0] | 8]) + second[1:]
    assert link.out.endswith(again)
    assert first not in link.out
    link.feed(b"\x40\x02\x00\x02\x40\x02\x00\x02", 0)
    assert told == [71, 72]
    assert len(publications) == 0


def test_what_waited_for_the_first_connection_carries_no_dup() -> None:
    publications = Publications(3, None)
    packet = publications.add(1, "a", b"1", retain=False)
    assert publications.again() == packet


def test_packet_ids_in_use_are_not_given_twice() -> None:
    publications = Publications(65_535, None)
    while not publications.full:
        publications.add(0, "t", b"", retain=False)
    assert len(publications) > 65_000
    with pytest.raises(OverflowError, match="wait for the broker"):
        publications.add(0, "t", b"", retain=False)
    publications.acknowledged(77)
    packet = publications.add(0, "t", b"", retain=False)
    assert packet[5:7] == (77).to_bytes(2, "big")


@pytest.mark.parametrize(
    "wrong",
    [
        {"subscriptions": (("a", 2),)},
        {"subscriptions": (("", 1),)},
        {"max_pending": 0},
        {"keep_alive_s": 0},
    ],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        ReceiverOptions("h", "c", **wrong)  # type: ignore[arg-type]


def test_a_password_is_not_shown() -> None:
    assert "geheim" not in repr(ReceiverOptions("h", "c", password="geheim"))
