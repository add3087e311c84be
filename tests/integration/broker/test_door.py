"""Who gets in, with what answer, and that nothing of a client is touched before."""

import socket
import time
from collections.abc import Callable

import pytest

from tests.integration.broker.conftest import Broker, BrokerUnderTest, code
from tests.integration.broker.raw import connect_packet, fresh, packet, publish_packet, text
from tests.integration.broker.stub import PlatformStub

DISCONNECT = "$muster/disconnect"


def test_a_device_with_its_secret_comes_in(broker: Broker) -> None:
    device = fresh()
    assert code(broker, device) == 0
    asked = broker.platform.connect_asks[-1]
    assert (asked.client_id, asked.username, asked.password) == (device, device, "pw")


@pytest.mark.parametrize("secret", ["wrong", "", "pw ", "PW", None])
def test_a_wrong_secret_is_refused(broker_under_test: BrokerUnderTest, secret: str | None) -> None:
    """Ours answers 4; Mosquitto 5."""
    broker_under_test.admit(device := fresh())
    assert code(broker_under_test, device, secret) == broker_under_test.refusal


def test_an_unknown_device_is_refused(broker_under_test: BrokerUnderTest) -> None:
    assert code(broker_under_test, fresh("unknown")) == broker_under_test.refusal


@pytest.mark.parametrize("mode", ["no user name", "an empty one"])
def test_nobody_comes_in_without_a_name(broker_under_test: BrokerUnderTest, mode: str) -> None:
    broker_under_test.admit(device := fresh())
    client = broker_under_test.client()
    if mode == "no user name":
        client.send(connect_packet(device, None, username=None))
    else:
        name = text("MQTT") + b"\x04\xc2\0\0" + text(device) + text("") + text("pw")
        client.send(packet(0x10, name))
    assert all(answer.body[1] in (4, 5) for answer in client.closed())


def test_a_disabled_device_is_answered_5(broker: Broker) -> None:
    device = fresh()
    broker.platform.disabled.add(device)
    assert code(broker, device) == 5


def test_client_id_and_user_name_are_bound(broker: Broker) -> None:
    asks = len(broker.platform.connect_asks)
    assert code(broker, fresh(), username="any-other") in (4, 5)
    assert len(broker.platform.connect_asks) == asks


NO_DEVICE_IDS = ["", "a/b", "a+", "#", "-x", "a b", "x" * 65, "ü", "$SYS"]


@pytest.mark.parametrize("client_id", NO_DEVICE_IDS)
def test_what_is_no_device_id_is_answered_2(broker: Broker, client_id: str) -> None:
    asks = len(broker.platform.connect_asks)
    assert code(broker, client_id) == 2
    assert len(broker.platform.connect_asks) == asks


def test_the_platforms_clients_come_in_without_the_platform(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    platform.broken = True
    assert code(broker, "_ingest") == 0
    assert code(broker, "_ingest", "wrong") == 4
    assert code(broker, "_nobody") == 4
    assert platform.connect_asks == []


def test_a_changed_accounts_file_is_read_again(own_broker: Callable[..., Broker]) -> None:
    from muster_broker.accounts.files import set_secret

    broker = own_broker()
    set_secret(broker.accounts, "_ingest", "newer")
    assert code(broker, "_ingest") == 4
    assert code(broker, "_ingest", "newer") == 0
    broker.accounts.write_text("damage")
    assert code(broker, "_ingest", "newer") == 3
    broker.process.wait_for("accounts, line 1")


def test_with_the_platform_away_unknown_devices_are_answered_3(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    platform.cache_s = 60
    known, unknown = fresh(), fresh()
    assert code(broker, known) == 0
    platform.broken = True
    assert code(broker, known) == 0, "its answer is in the cache"
    assert code(broker, known, "other") == 3, "the cache holds the secret that was asked about"
    assert code(broker, unknown) == 3


def test_a_slow_platform_is_answered_3_and_others_are_served(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    bystander = broker.device(fresh())
    platform.delay_s = 5.0
    waiting = broker.client()
    waiting.send(connect_packet(fresh()))
    bystander.ping()
    assert waiting.expect(2).body[1] == 3
    platform.delay_s = 0.0


def test_few_questions_are_asked_at_once(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    platform.delay_s = 0.05
    clients = [broker.client() for _ in range(80)]
    for client in clients:
        client.send(connect_packet(fresh()))
    assert [client.expect(2).body[1] for client in clients] == [0] * 80
    assert platform.most_at_once <= 32


def test_a_connection_that_the_platform_closed_meanwhile_is_opened_again(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    platform.hangs_up = True
    assert [code(broker, fresh()) for _ in range(5)] == [0] * 5


def test_a_wrong_broker_token_lets_nobody_in_and_is_logged(
    own_broker: Callable[..., Broker],
) -> None:
    broker = own_broker("--broker-token", "wrong")
    assert code(broker, fresh()) == 3
    broker.process.wait_for("refuses the broker's token")


def test_an_mqtt_5_client_is_answered_in_mqtt_5(broker: Broker) -> None:
    client = broker.client()
    client.send(connect_packet(fresh(), level=5))
    assert client.expect(2).body == b"\0\x84\0"
    assert client.closed() == []
    broker.process.wait_for("speaks MQTT level 5")


@pytest.mark.parametrize(("name", "level"), [("MQIsdp", 3), ("MQTT", 3), ("MQTT", 6)])
def test_other_versions_are_answered_1(broker: Broker, name: str, level: int) -> None:
    client = broker.client()
    client.send(connect_packet(fresh(), level=level, name=name))
    assert client.expect(2).body == b"\0\x01"
    assert client.closed() == []


def test_who_says_nothing_is_closed_in_time(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker("--connect-timeout-s", "0.3")
    silent, half = broker.client(), broker.client()
    half.send(connect_packet(fresh())[:5])
    began = time.monotonic()
    assert silent.closed() == half.closed() == []
    assert time.monotonic() - began < 5
    broker.process.wait_for("refused connect_timeout")


def test_a_packet_before_connect_closes(
    broker_under_test: BrokerUnderTest,
) -> None:
    client = broker_under_test.client()
    client.send(publish_packet("muster/1/x/up/telemetry"))
    assert client.closed() == []


def test_a_second_connect_closes(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    client = broker_under_test.device(device)
    client.send(connect_packet(device))
    assert client.closed() == []


def test_too_many_connections_are_answered_3_and_a_slot_comes_free(
    own_broker: Callable[..., Broker],
) -> None:
    broker = own_broker("--max-connections", "2")
    first, second = fresh(), fresh()
    one = broker.device(first)
    broker.device(second)
    assert code(broker, fresh()) == 3
    assert code(broker, "_ingest") == 0, "the platform is let in all the same"
    assert code(broker, first) == 0, "taking over needs no further slot"
    assert one.closed() == []
    broker.close_clients()
    deadline = time.monotonic() + 5
    while code(broker, fresh()) == 3:
        assert time.monotonic() < deadline


def test_too_many_sessions_are_answered_3(own_broker: Callable[..., Broker]) -> None:
    broker = own_broker("--max-sessions", "1")
    device = fresh()
    broker.device(device, clean=False).disconnect()
    assert code(broker, fresh()) == 3
    assert code(broker, device, clean=False) == 0


def test_a_kick_closes_at_once_purges_the_cache_and_sends_the_will(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    platform.cache_s = 60
    device = fresh()
    presence = f"muster/1/{device}/up/presence"
    client = broker.device(device, will=(presence, b"lost", 1, True), clean=False)
    watch = broker.device("_watch")
    watch.subscribe(presence, DISCONNECT)
    platform.disabled.add(device)
    broker.device("_dispatch").publish(DISCONNECT, b'{"device_id": "%s"}' % device.encode())
    assert client.closed() == []
    assert [p.payload for p in watch.pending()] == [b"lost"], "the order itself is heard by nobody"
    assert code(broker, device) == 5
    platform.disabled.clear()
    assert broker.client().connect(device, clean=False), "its session stays"


def test_a_kick_with_forget_leaves_nothing_of_the_device(broker: Broker) -> None:
    device, other = fresh(), fresh()
    watch = broker.device("_dispatch")
    for name in (device, other):
        watch.publish(f"muster/1/{name}/down/settings", b"{}", retain=True)
    presence = f"muster/1/{device}/up/presence"
    client = broker.device(device, clean=False, will=(presence, b"lost", 1, True))
    client.publish(presence, b"here", retain=True)
    watch.publish(DISCONNECT, b'{"device_id": "%s", "forget": true}' % device.encode())
    assert client.closed() == []
    watch.subscribe(f"muster/1/{device}/#", f"muster/1/{other}/#")
    assert [p.topic for p in watch.pending()] == [f"muster/1/{other}/down/settings"]
    assert not broker.client().connect(device, clean=False)


def test_a_kick_while_the_platform_is_asked_is_not_overtaken_by_the_old_answer(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker()
    platform.cache_s = 60
    device = fresh()
    dispatch = broker.device("_dispatch")

    def disable_and_kick() -> None:
        platform.on_connect = lambda: None
        platform.disabled.add(device)
        dispatch.publish(DISCONNECT, b'{"device_id": "%s"}' % device.encode())

    platform.on_connect = disable_and_kick
    assert code(broker, device) == 5
    assert len(platform.connect_asks) == 2


@pytest.mark.parametrize("order", [b"", b"[]", b"{}", b'{"device_id": 1}', b"\xff", b"{" * 9000])
def test_a_bad_order_is_logged_and_harms_nobody(broker: Broker, order: bytes) -> None:
    bystander = broker.device(fresh())
    broker.device("_dispatch").publish(DISCONNECT, order)
    bystander.ping()


def test_a_device_cannot_give_orders(broker: Broker) -> None:
    victim = broker.device(victim_id := fresh())
    attacker = broker.device(fresh())
    attacker.send(publish_packet(DISCONNECT, b'{"device_id": "%s"}' % victim_id.encode()))
    assert attacker.closed() == []
    victim.ping()


def test_connected_devices_are_checked_again(
    own_broker: Callable[..., Broker], platform: PlatformStub
) -> None:
    broker = own_broker("--recheck-s", "0.2")
    gone, stays = fresh(), fresh()
    lost, kept = broker.device(gone), broker.device(stays)
    platform.refused.add(gone)
    assert lost.closed() == []
    platform.broken = True
    broker.process.wait_for("cannot check 1 connected devices")
    kept.ping()


def test_a_flood_of_silent_connections_keeps_nobody_out(
    broker_under_test: BrokerUnderTest,
) -> None:
    flood = [socket.create_connection(("127.0.0.1", broker_under_test.port)) for _ in range(1_200)]
    try:
        broker_under_test.device(fresh()).ping()
    finally:
        for one in flood:
            one.close()


def test_refusals_free_their_slots(broker: Broker) -> None:
    for _ in range(50):
        assert code(broker, fresh(), "wrong") == 4
    hostile = broker.client()
    hostile.send(b"\xff" * 10)
    assert hostile.closed() == []
    watch = broker.device("_watch")
    watch.subscribe("$muster/stats", qos=0)
    deadline = time.monotonic() + 10
    while b'"pending":0,' not in watch.expect(3).payload:
        assert time.monotonic() < deadline
