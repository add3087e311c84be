"""Last wills: whose, when they are said, and that no foreign one is heard or kept."""

import time

import pytest

from tests.integration.broker.conftest import Broker, BrokerUnderTest, code
from tests.integration.broker.raw import fresh


def test_a_foreign_will_is_answered_5_and_there_is_no_session(broker: Broker) -> None:
    attacker = fresh()
    will = (f"muster/1/{fresh()}/up/presence", b"lost", 1, True)
    assert code(broker, attacker, clean=False, will=will) == 5
    assert not broker.client().connect(attacker, clean=False)
    assert broker.client().connect(attacker, clean=False), "only now there is a session"


@pytest.mark.parametrize("retain", [False, True])
@pytest.mark.parametrize(
    "topic",
    [
        "muster/1/{other}/up/presence",
        "muster/1/{other}/down/commands",
        "muster/1/{own}/down/commands",
        "muster/1/{own}/upx/presence",
        "$muster/disconnect",
        "x",
    ],
)
def test_a_foreign_will_is_neither_heard_nor_kept(
    broker_under_test: BrokerUnderTest, topic: str, retain: bool
) -> None:
    """Ours answers 5; Mosquitto lets the device in and forgets its will."""
    own, other = fresh(), fresh()
    broker_under_test.admit(own)
    watch = broker_under_test.device("_watch")
    watch.subscribe("muster/1/#", "$muster/disconnect", "x", qos=0)
    watch.pending()
    victim = broker_under_test.device(other)
    client = broker_under_test.client()
    will = (topic.format(own=own, other=other), b"evil", 1, retain)
    answer = client.try_connect(own, will=will)
    assert answer[1] == (5 if broker_under_test.kind == "embedded" else 0)
    client.socket.close()
    # The end of its connection is worked off before it is let in again.
    again = broker_under_test.device(own)
    again.publish(f"muster/1/{own}/up/telemetry", b"after")
    heard = [p.payload for p in watch.pending()]
    assert (b"evil" in heard, heard[-1]) == (False, b"after")
    late = broker_under_test.device("_doctor")
    late.subscribe("muster/1/#", "x", qos=0)
    assert b"evil" not in [p.payload for p in late.pending()]
    victim.ping()


@pytest.mark.parametrize("topic", ["$muster/disconnect", "$SYS/x", "muster/1/+/up/presence", ""])
def test_a_will_on_a_topic_of_the_brokers_is_refused(broker: Broker, topic: str) -> None:
    assert code(broker, fresh(), will=(topic, b"x", 1, False)) == 5
    assert code(broker, "_doctor", will=(topic, b"x", 1, False)) == 5


def test_a_wrong_secret_touches_no_session_and_no_will(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    presence = f"muster/1/{device}/up/presence"
    owner = broker_under_test.device(device, clean=False, will=(presence, b"owner", 1, False))
    owner.subscribe(f"muster/1/{device}/down/#")
    watch = broker_under_test.device("_watch")
    watch.subscribe(presence)
    for clean in (True, False):
        refused = code(
            broker_under_test, device, "wrong", clean=clean, will=(presence, b"no", 1, False)
        )
        assert refused == broker_under_test.refusal
    owner.ping()
    owner.socket.close()
    assert watch.expect(3).payload == b"owner"
    assert broker_under_test.client().connect(device, clean=False), "the session is still there"


def test_a_second_connection_takes_over_and_the_first_ones_will_is_sent(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    watch = broker_under_test.device("_watch")
    watch.subscribe(f"muster/1/{device}/up/#")
    first = broker_under_test.device(
        device, will=(f"muster/1/{device}/up/presence", b"lost", 1, False)
    )
    second = broker_under_test.device(device)
    assert first.closed() == []
    assert watch.expect(3).payload == b"lost"
    second.publish(f"muster/1/{device}/up/telemetry", b"second")
    assert watch.expect(3).payload == b"second"


def test_silence_beyond_the_keep_alive_ends_with_the_will(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    watch = broker_under_test.device("_watch")
    watch.subscribe(f"muster/1/{device}/up/#")
    will = (f"muster/1/{device}/up/presence", b"lost", 1, False)
    silent = broker_under_test.device(device, keep_alive_s=1, will=will)
    began = time.monotonic()
    silent.ping()
    assert silent.closed() == []
    assert 1.2 < time.monotonic() - began < 8
    assert watch.expect(3).payload == b"lost"


def test_a_goodbye_sends_no_will(
    broker_under_test: BrokerUnderTest,
) -> None:
    device = fresh()
    watch = broker_under_test.device("_watch")
    watch.subscribe(f"muster/1/{device}/up/#")
    client = broker_under_test.device(
        device, will=(f"muster/1/{device}/up/presence", b"lost", 1, False)
    )
    client.disconnect()
    watch.ping()
    assert watch.pending() == []
