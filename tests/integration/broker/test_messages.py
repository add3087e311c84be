"""What reaches whom: the ACL on every way through the broker, retained messages, QoS 0 to 2."""

import struct

import pytest

from muster_protocol.topics import TopicError, parse
from tests.integration.broker.conftest import Broker, BrokerUnderTest
from tests.integration.broker.raw import RawClient, fresh, packet, publish_packet, subscribe_packet

FAILURE = 0x80


@pytest.fixture
def watch(broker: Broker) -> RawClient:
    return broker.device("_watch")


@pytest.fixture
def ear(broker_under_test: BrokerUnderTest) -> RawClient:
    return broker_under_test.device("_watch")


def up(device: str, channel: str = "telemetry") -> str:
    return f"muster/1/{device}/up/{channel}"


def down(device: str, channel: str = "commands") -> str:
    return f"muster/1/{device}/down/{channel}"


@pytest.mark.parametrize("qos", [0, 1])
def test_a_message_reaches_who_subscribed_as_it_was_sent(
    broker_under_test: BrokerUnderTest, ear: RawClient, qos: int
) -> None:
    device = fresh()
    ear.subscribe("muster/1/+/up/telemetry", "muster/1/+/up/telemetry/+")
    client = broker_under_test.device(device)
    client.send(publish_packet(up(device), bytes(range(256)), qos=qos, packet_id=7))
    if qos:
        assert client.expect(4).body == b"\0\x07"
    got = ear.expect(3)
    assert (got.topic, got.payload, got.flags) == (up(device), bytes(range(256)), qos << 1)


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize(
    "topic",
    [
        "muster/1/{other}/up/telemetry",
        "muster/1/{other}/down/commands",
        "muster/1/{own}/down/commands",
        "muster/1/{own}/upx/a",
        "muster/2/{own}/up/telemetry",
        "$SYS/broker",
        "$muster/stats",
        "/",
        "x",
    ],
)
def test_a_foreign_publish_is_neither_heard_nor_kept(
    broker_under_test: BrokerUnderTest, ear: RawClient, topic: str, qos: int
) -> None:
    """Ours closes at once; Mosquitto acknowledges and drops (2.0.11 closes then, too)."""
    own, other = fresh(), fresh()
    filters = ("muster/1/#", "muster/2/#", "x", "/")
    ear.subscribe(*filters)
    ear.pending()
    bystander = broker_under_test.device(other)
    attacker = broker_under_test.device(own)
    attacker.send(
        publish_packet(topic.format(own=own, other=other), b"evil", qos=qos, retain=True),
        publish_packet(up(own), b"after", packet_id=2),
        b"\xe0\0",
    )
    if broker_under_test.kind == "embedded":
        assert attacker.closed() == []
    else:
        attacker.closed()
    bystander.publish(up(other), b"good")
    heard = [p.payload for p in ear.pending()]
    assert [one for one in heard if one != b"after"] == [b"good"]
    assert b"after" not in heard or broker_under_test.kind == "mosquitto"
    late = broker_under_test.device("_doctor")
    late.subscribe(*filters)
    assert b"evil" not in [p.payload for p in late.pending()]


@pytest.mark.parametrize(
    "topic_filter",
    [
        "#",
        "+",
        "+/#",
        "muster/1/+/down/#",
        "muster/1/{other}/down/#",
        "muster/1/{own}/up/#",
        "muster/1/{own}/#",
        "muster/1/{own}/down",
        "muster/1/{own}/down/",
        "muster/1/{own}/+/commands",
        "$SYS/#",
        "$muster/stats",
        "$muster/#",
        "$share/spies/#",
        "$share/spies/muster/1/{other}/down/#",
    ],
)
def test_a_foreign_filter_brings_nothing(
    broker_under_test: BrokerUnderTest, topic_filter: str
) -> None:
    """Ours answers 0x80; Mosquitto says yes and lets nothing through."""
    own, other = fresh(), fresh()
    dispatch = broker_under_test.device("_dispatch")
    dispatch.publish(down(other, "settings"), b"kept", retain=True)
    spy = broker_under_test.device(own)
    answer = spy.subscribe(topic_filter.format(own=own, other=other))
    assert answer == ([FAILURE] if broker_under_test.kind == "embedded" else [1])
    dispatch.publish(down(other), b"live")
    dispatch.publish(up(own), b"its own", retain=True)
    dispatch.publish(down(other, "settings"), b"", retain=True)
    dispatch.publish(up(own), b"", retain=True)
    assert spy.pending() == []


@pytest.mark.parametrize("topic_filter", ["{own}/#/x", "{own}/a#", "{own}/a+", "{own}/+a/b"])
def test_a_filter_that_is_none_is_refused(
    broker_under_test: BrokerUnderTest, topic_filter: str
) -> None:
    """Ours answers 0x80 and takes the others; Mosquitto closes."""
    own = fresh()
    client = broker_under_test.device(own)
    filters = (topic_filter.format(own=f"muster/1/{own}/down"), down(own))
    if broker_under_test.kind == "embedded":
        assert client.subscribe(*filters) == [FAILURE, 1]
    else:
        client.send(subscribe_packet(*filters))
        assert client.closed() == []


def test_a_filter_that_is_too_long_is_answered_0x80(broker: Broker) -> None:
    own = fresh()
    assert broker.device(own).subscribe(down(own, "x" * 2_000), down(own)) == [FAILURE, 1]


def test_too_many_filters_are_refused_one_by_one(broker: Broker) -> None:
    own = fresh()
    client = broker.device(own)
    codes = client.subscribe(*(down(own, f"x/{n}") for n in range(40)))
    assert codes == [1] * 32 + [FAILURE] * 8
    assert client.subscribe(down(own, "x/3"), qos=0) == [0], "one that it has may be changed"


def test_a_gateway_speaks_and_hears_for_its_child(
    broker_under_test: BrokerUnderTest, ear: RawClient
) -> None:
    gateway = fresh()
    ear.subscribe("muster/1/+/up/telemetry", "muster/1/+/up/telemetry/+")
    client = broker_under_test.device(gateway)
    client.subscribe(down(gateway, "#"))
    client.publish(up(gateway, "telemetry/child-1"))
    assert ear.expect(3).topic == up(gateway, "telemetry/child-1")
    ear.acknowledge(1)
    ear.send(publish_packet(down(gateway, "commands/child-1"), packet_id=9))
    assert client.expect(3).topic == down(gateway, "commands/child-1")


def test_unsubscribe_ends_it(broker_under_test: BrokerUnderTest) -> None:
    own = fresh()
    dispatch = broker_under_test.device("_dispatch")
    client = broker_under_test.device(own)
    client.subscribe(down(own))
    client.send(packet(0xA2, b"\0\x05" + struct.pack("!H", len(down(own))) + down(own).encode()))
    assert client.expect(11).body == b"\0\x05"
    dispatch.publish(down(own))
    assert client.pending() == []


def test_overlapping_filters_bring_a_message_once_at_the_higher_qos(
    broker_under_test: BrokerUnderTest,
) -> None:
    own = fresh()
    client = broker_under_test.device(own)
    client.subscribe(down(own, "#"), qos=0)
    client.subscribe(down(own), qos=1)
    broker_under_test.device("_dispatch").publish(down(own))
    assert [p.flags >> 1 & 3 for p in client.pending()] == [1]


def test_a_publish_without_a_channel_is_kept_nowhere_or_seen_by_ingest(
    broker_under_test: BrokerUnderTest, ear: RawClient
) -> None:
    """Mosquitto's filters cannot tell it from a channel: there it ends in quarantine."""
    own = fresh()
    ear.subscribe(f"muster/1/{own}/#")
    attacker = broker_under_test.device(own)
    bare = f"muster/1/{own}/up/"
    attacker.send(publish_packet(bare, b"evil", qos=0), publish_packet(up(own)))
    if broker_under_test.kind == "embedded":
        assert attacker.closed() == []
        assert ear.pending() == []
    else:
        attacker.expect(4)
        assert [p.topic for p in ear.pending()] == [bare, up(own)]
        with pytest.raises(TopicError):
            parse(bare)


# -- retained -------------------------------------------------------------------


def test_presence_is_kept_and_an_empty_one_clears_it(broker_under_test: BrokerUnderTest) -> None:
    device = fresh()
    client = broker_under_test.device(device)
    client.publish(up(device, "presence"), b"on", retain=True)
    first, second = broker_under_test.device("_watch"), broker_under_test.device("_doctor")
    first.subscribe(up(device, "#"))
    kept = first.expect(3)
    assert (kept.payload, kept.retain) == (b"on", True)
    first.acknowledge(kept.packet_id)
    client.publish(up(device, "presence"), b"", retain=True)
    live = first.expect(3)
    assert (live.payload, live.retain) == (b"", False), "who is there already hears it as news"
    second.subscribe(up(device, "#"))
    assert second.pending() == []


def test_a_retained_will_is_kept(broker_under_test: BrokerUnderTest) -> None:
    device = fresh()
    broker_under_test.device(device, will=(up(device, "presence"), b"lost", 1, True)).socket.close()
    watch = broker_under_test.device("_watch")
    while not (watch.subscribe(up(device, "#")) and (got := watch.pending())):
        pass
    assert (got[0].payload, got[0].retain) == (b"lost", True)


@pytest.mark.parametrize("channel", ["telemetry", "logs", "x/anything", "unknown", "hello"])
def test_what_the_table_does_not_let_retain_reaches_the_platform_as_news(
    broker_under_test: BrokerUnderTest, ear: RawClient, channel: str
) -> None:
    """Ours keeps nothing of it; Mosquitto does, until the device is deleted."""
    device = fresh()
    ear.subscribe(up(device, "#"))
    client = broker_under_test.device(device)
    client.publish(up(device, channel), b"once", retain=True)
    got = ear.expect(3)
    assert (got.payload, got.retain) == (b"once", False)
    late = broker_under_test.device("_doctor")
    late.subscribe(up(device, "#"))
    kept = [(p.payload, p.retain) for p in late.pending()]
    assert kept == ([] if broker_under_test.kind == "embedded" else [(b"once", True)])
    client.publish(up(device, channel), b"", retain=True)


def test_retained_settings_reach_their_device_and_no_other(
    broker_under_test: BrokerUnderTest,
) -> None:
    own, other = fresh(), fresh()
    dispatch = broker_under_test.device("_dispatch")
    for name in (own, other):
        dispatch.publish(down(name, "settings"), name.encode(), retain=True)
    client = broker_under_test.device(own)
    client.subscribe(down(own, "#"), qos=0)
    assert [p.payload for p in client.pending()] == [own.encode()]


def test_a_device_keeps_only_what_a_presence_needs(broker: Broker, watch: RawClient) -> None:
    device, large = fresh(), b"x" * 1_025
    watch.subscribe(up(device, "#"))
    broker.device(device).publish(up(device, "presence"), large, retain=True)
    assert watch.expect(3).payload == large
    late = broker.device("_doctor")
    late.subscribe(up(device, "#"))
    assert late.pending() == []


def test_a_device_can_keep_few_topics_only(broker: Broker, watch: RawClient) -> None:
    gateway = fresh()
    client = broker.device(gateway)
    for n in range(2_100):
        client.send(publish_packet(up(gateway, f"presence/c{n}"), retain=True, packet_id=n + 1))
    for _ in range(2_100):
        client.expect(4)
    watch.subscribe(up(gateway, "#"), qos=0)
    assert len(watch.pending()) == 2_000
    dispatch = broker.device("_dispatch")
    dispatch.publish("$muster/disconnect", b'{"device_id":"%s","forget":true}' % gateway.encode())


# -- QoS 2 ----------------------------------------------------------------------


def test_a_qos_2_message_sent_twice_arrives_once(
    broker_under_test: BrokerUnderTest, ear: RawClient
) -> None:
    device = fresh()
    ear.subscribe(up(device, "#"))
    client = broker_under_test.device(device, clean=False)
    client.send(publish_packet(up(device), b"two", qos=2, packet_id=5))
    assert client.expect(5).body == b"\0\x05"
    client.socket.close()
    again = broker_under_test.device(device, clean=False)
    for payload, dup in ((b"two", True), (b"new", False)):
        again.send(publish_packet(up(device), payload, qos=2, packet_id=5, dup=dup))
        again.expect(5)
        again.send(b"\x62\x02\0\x05")
        again.expect(7)
    assert [(p.payload, p.flags >> 1 & 3) for p in ear.pending()] == [(b"two", 1), (b"new", 1)]


def test_qos_2_goes_down_and_is_taken_up_where_it_was_left(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    client = broker_under_test.device(device, clean=False)
    client.subscribe(down(device), qos=2)
    dispatch = broker_under_test.device("_dispatch")
    dispatch.send(publish_packet(down(device), b"run", qos=2, packet_id=3))
    dispatch.expect(5)
    dispatch.send(b"\x62\x02\0\x03")
    got = client.expect(3)
    assert got.flags >> 1 & 3 == 2
    client.send(b"\x50\x02" + struct.pack("!H", got.packet_id))
    assert client.expect(6).flags == 2
    client.socket.close()
    again = broker_under_test.client()
    assert again.connect(device, clean=False)
    assert again.expect(6).packet_id == got.packet_id, "PUBREL once more, not the message"
    again.send(b"\x70\x02" + struct.pack("!H", got.packet_id))
    assert again.pending() == []


def test_a_client_that_never_releases_qos_2_is_closed(broker: Broker) -> None:
    device = fresh()
    client = broker.device(device)
    for n in range(1_001):
        client.send(publish_packet(up(device), qos=2, packet_id=n + 1))
    assert len(client.closed()) == 1_000


# -- the broker's own topics ------------------------------------------------------


def test_the_counters_are_published_to_the_platform(broker: Broker, watch: RawClient) -> None:
    import json

    watch.subscribe("$muster/stats")
    got = watch.expect(3)
    assert got.retain
    stats = json.loads(got.payload)
    while stats["connections"] < 1:  # it was kept before we came; the next one counts us
        stats = json.loads(watch.expect(3).payload)
    assert {"sessions", "queued_messages", "queued_bytes", "dropped", "refused"} <= stats.keys()


def test_a_wildcard_does_not_bring_the_brokers_topics(broker: Broker, watch: RawClient) -> None:
    watch.subscribe("#", "+/stats", qos=0)
    other = broker.device("_doctor")
    other.subscribe("$muster/stats", qos=0)
    for _ in range(3):
        other.expect(3)
    assert not [p for p in watch.pending() if p.topic.startswith("$")]


def test_what_the_platform_says_on_other_control_topics_goes_nowhere(
    broker: Broker, watch: RawClient
) -> None:
    watch.subscribe("$muster/#", qos=0)
    broker.device("_dispatch").publish("$muster/other", b"x", retain=True)
    assert "$muster/other" not in [p.topic for p in watch.pending()]


def test_packets_may_come_in_any_pieces(broker_under_test: BrokerUnderTest) -> None:
    device = fresh()
    client = broker_under_test.device(device)
    data = b"".join(
        [
            subscribe_packet(down(device), packet_id=2),
            publish_packet(up(device), b"p" * 300, packet_id=3),
            b"\xc0\0",
        ]
    )
    for byte in data:
        client.send(bytes([byte]))
    assert [client.receive().kind for _ in range(3)] == [9, 4, 13]
