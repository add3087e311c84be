"""What waits for a client, how much, and that nobody waits for a slow one."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from tests.integration.broker.conftest import Broker, BrokerUnderTest, MosquittoBroker
from tests.integration.broker.raw import RawClient, fresh, publish_packet
from tests.services.mosquitto import running_with


def down(device: str, channel: str = "commands") -> str:
    return f"muster/1/{device}/down/{channel}"


def up(device: str) -> str:
    return f"muster/1/{device}/up/telemetry"


def publish_many(client: RawClient, topic: str, payloads: list[bytes]) -> None:
    for number, payload in enumerate(payloads):
        client.send(publish_packet(topic, payload, packet_id=number % 60_000 + 1))
        if number % 500 == 499:
            for _ in range(500):
                client.expect(4)
    for _ in range(len(payloads) % 500):
        client.expect(4)


def slow_client(broker: BrokerUnderTest, name: str, *, clean: bool = True) -> RawClient:
    """Connect one for which the kernel keeps little that it has not read."""
    if name.startswith("_"):
        client = broker.platform_client(receive_buffer_bytes=4_096)
    else:
        broker.admit(name)
        client = broker.client(receive_buffer_bytes=4_096)
    client.connect(name, clean=clean)
    return client


def stats(broker: Broker) -> dict[str, object]:
    """Give counters that are younger than this call."""
    watch = broker.device("_watch")
    now_ms = time.time_ns() // 1_000_000
    watch.subscribe("$muster/stats", qos=0)
    while (found := json.loads(watch.expect(3).payload))["ts"] <= now_ms:
        pass
    watch.disconnect()
    result: dict[str, object] = found
    return result


def test_what_is_published_meanwhile_waits_for_a_persistent_session(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    client = broker_under_test.device(device, clean=False)
    client.subscribe(down(device, "#"))
    client.disconnect()
    dispatch = broker_under_test.device("_dispatch")
    publish_many(dispatch, down(device), [b"%d" % n for n in range(200)])
    dispatch.send(publish_packet(down(device), b"qos 0", qos=0))
    dispatch.ping()
    back = broker_under_test.client()
    assert back.connect(device, clean=False), "session present"
    got = []
    while len(got) < 200:
        one = back.expect(3)
        got.append(one)
        back.acknowledge(one.packet_id)
    assert [p.payload for p in got] == [b"%d" % n for n in range(200)]
    assert not any(p.dup for p in got)
    assert back.pending() == [], "QoS 0 is not kept"


def test_what_was_not_acknowledged_comes_again_with_dup(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    client = broker_under_test.device(device, clean=False)
    client.subscribe(down(device))
    dispatch = broker_under_test.device("_dispatch")
    publish_many(dispatch, down(device), [b"1", b"2", b"3"])
    first = [client.expect(3) for _ in range(3)]
    client.acknowledge(first[1].packet_id)
    client.ping()
    client.socket.close()
    for _ in range(2):
        back = broker_under_test.client()
        assert back.connect(device, clean=False)
        again = back.pending()
        assert [(p.payload, p.dup, p.packet_id) for p in again] == [
            (b"1", True, first[0].packet_id),
            (b"3", True, first[2].packet_id),
        ]
        back.socket.close()


def test_a_clean_session_keeps_nothing(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    client = broker_under_test.device(device, clean=False)
    client.subscribe(down(device))
    client.disconnect()
    broker_under_test.device("_dispatch").publish(down(device))
    clean = broker_under_test.client()
    assert not clean.connect(device, clean=True)
    assert clean.pending() == []
    clean.disconnect()
    assert not broker_under_test.client().connect(device, clean=False)


def test_the_newest_is_refused_when_too_many_messages_wait(
    own_broker: Callable[..., Broker],
) -> None:
    broker = own_broker("--queue-messages", "10")
    device = fresh()
    client = broker.device(device, clean=False)
    client.subscribe(down(device))
    client.disconnect()
    publish_many(broker.device("_dispatch"), down(device), [b"%d" % n for n in range(25)])
    told = stats(broker)
    assert told["queued_messages"] == 10
    assert told["dropped"] == {"queue_full": 15}
    back = broker.client()
    back.connect(device, clean=False)
    assert [p.payload for p in back.pending()] == [b"%d" % n for n in range(10)]


def test_the_newest_is_refused_when_too_many_bytes_wait(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker("--queue-bytes", "10000")
    device = fresh()
    leave_waiting(broker, device, count=5)
    told = stats(broker)
    assert told["queued_messages"] == 3
    assert told["dropped"] == {"queue_full": 2}


def test_mosquitto_refuses_the_newest_when_too_many_bytes_wait(tmp_path: Path) -> None:
    broker = MosquittoBroker(tmp_path, {"max_queued_bytes 268435456": "max_queued_bytes 10000"})
    device, other = fresh(), fresh()
    with running_with(broker.conf, broker.platform_port):
        leave_waiting(broker, device, count=5)
        leave_waiting(broker, other, count=2)
        got = {}
        for name in (device, other):
            back = broker.client()
            assert back.connect(name, clean=False)
            got[name] = len(back.pending())
        broker.close_clients()
    # It looks before it adds: one message may reach over the edge. Each client has its own room.
    assert got == {device: 4, other: 2}


def leave_waiting(broker: BrokerUnderTest, device: str, count: int) -> None:
    """Have messages of 3,000 bytes wait for a device that is not there."""
    client = broker.device(device, clean=False)
    client.subscribe(down(device))
    client.disconnect()
    publish_many(broker.device("_dispatch"), down(device), [b"x" * 3_000] * count)


def test_queues_are_counted_down_to_nothing(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker()
    device = fresh()
    client = broker.device(device, clean=False)
    client.subscribe(down(device))
    publish_many(broker.device("_dispatch"), down(device), [b"x" * 50] * 300)
    for _ in range(300):
        client.acknowledge(client.expect(3).packet_id)
    client.ping()
    assert stats(broker)["queued_bytes"] == 0
    client.disconnect()
    publish_many(broker.device("_dispatch"), down(device), [b"x" * 50] * 300)
    assert stats(broker)["queued_messages"] == 300
    broker.device(device, clean=True)
    told = stats(broker)
    assert (told["queued_messages"], told["queued_bytes"]) == (0, 0)


def test_no_more_than_the_window_is_sent_unacknowledged(broker: Broker) -> None:
    device = fresh()
    client = broker.device(device)
    client.subscribe(down(device))
    publish_many(broker.device("_dispatch"), down(device), [b"%d" % n for n in range(200)])
    first = client.pending()
    assert len(first) == 64
    client.acknowledge(first[0].packet_id)
    assert client.expect(3).payload == b"64"


def test_a_client_that_does_not_read_holds_up_nobody(
    broker_under_test: BrokerUnderTest,
) -> None:
    slow_id, quick_id = fresh(), fresh()
    slow = slow_client(broker_under_test, slow_id)
    slow.subscribe(down(slow_id), qos=0)
    quick = broker_under_test.device(quick_id)
    quick.subscribe(down(quick_id))
    dispatch = broker_under_test.device("_dispatch")
    for _ in range(3_000):
        dispatch.send(publish_packet(down(slow_id), b"x" * 4_000, qos=0))
    dispatch.publish(down(quick_id), b"here")
    assert quick.expect(3).payload == b"here"
    if isinstance(broker_under_test, Broker):
        dropped = stats(broker_under_test)["dropped"]
        assert isinstance(dropped, dict)
        assert dropped["congested"] > 1_000
    assert slow.expect(3).payload == b"x" * 4_000, "it may read on"


def test_a_slow_reader_gets_all_that_waited_for_it(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    slow = slow_client(broker_under_test, device, clean=False)
    slow.subscribe(down(device))
    payloads = [b"%4d" % n + b"x" * 4_000 for n in range(200)]
    publish_many(broker_under_test.device("_dispatch"), down(device), payloads)
    got = []
    while len(got) < 200:
        one = slow.expect(3)
        got.append(one.payload)
        slow.acknowledge(one.packet_id)
    assert got == payloads


def test_a_client_that_does_not_read_its_answers_cannot_fill_the_memory(broker: Broker) -> None:
    device = fresh()
    deaf = broker.client(receive_buffer_bytes=4_096)
    deaf.connect(device)
    deaf.socket.settimeout(2)
    sent = 0
    flood = b"\xc0\0" * 32_768  # every ping wants an answer
    try:
        while sent < 64 * 1024 * 1024:
            sent += deaf.socket.send(flood)
    except TimeoutError:
        pass
    assert sent < 32 * 1024 * 1024, "the broker stopped reading"
    broker.device(fresh()).ping()


def test_mosquitto_serves_the_others_while_a_client_does_not_read_its_answers(
    mosquitto_broker: MosquittoBroker,
) -> None:
    """It keeps the answers for as long as the client is there."""
    deaf = slow_client(mosquitto_broker, fresh())
    deaf.send(b"\xc0\0" * 1_000_000)
    mosquitto_broker.device(fresh()).ping()


def test_all_retained_messages_reach_a_slow_subscriber(
    broker_under_test: BrokerUnderTest,
) -> None:
    gateway = fresh()
    client = broker_under_test.device(gateway)
    topics = [f"muster/1/{gateway}/up/presence/c{n}" for n in range(500)]
    for number, topic in enumerate(topics):
        client.send(publish_packet(topic, b"x" * 1_000, retain=True, packet_id=number + 1))
    for _ in topics:
        client.expect(4)
    slow = slow_client(broker_under_test, "_doctor")
    slow.subscribe(f"muster/1/{gateway}/up/#")
    got = set()
    while len(got) < 500:
        one = slow.expect(3)
        got.add(one.topic)
        slow.acknowledge(one.packet_id)
    assert got == set(topics)
