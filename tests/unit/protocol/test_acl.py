"""A device speaks and hears for itself alone: one rule, whatever the broker."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from muster_protocol import acl, topics
from muster_protocol.channels import CHANNELS, Direction
from tests.unit.protocol.strategies import channels, names

levels = st.lists(
    st.sampled_from(["muster", "1", "a", "ab", "b", "up", "down", "+", "#", "", "$share", "logs"]),
    max_size=7,
).map("/".join)


@given(row=channels, device=names, child=st.none() | names)
def test_a_device_says_all_of_its_up_and_hears_all_of_its_down(row, device, child):
    topic = str(topics.Topic(device, row.direction, row.name, child))
    up = row.direction is Direction.UP
    assert acl.may_publish(device, topic) is up
    assert acl.may_subscribe(device, topic) is not up
    assert acl.may_receive(device, topic) is not up


@given(row=channels, device=names, other=names)
def test_a_device_neither_speaks_nor_hears_for_another(row, device, other):
    assume(device != other)
    topic = str(topics.Topic(other, row.direction, row.name))
    assert not acl.may_publish(device, topic)
    assert not acl.may_subscribe(device, topic)
    assert not acl.may_receive(device, topic)


@given(text=levels, device=st.sampled_from(["a", "ab", "b"]))
def test_whatever_is_allowed_lies_below_the_devices_own(text, device):
    if acl.may_publish(device, text):
        assert text.startswith(f"muster/1/{device}/up/")
        assert "+" not in text
        assert "#" not in text
    if acl.may_subscribe(device, text):
        assert text.startswith(f"muster/1/{device}/down/")
    if acl.may_receive(device, text):
        assert text.startswith(f"muster/1/{device}/down/")


@pytest.mark.parametrize("device", ["a", "a.b", "A"])
@pytest.mark.parametrize(
    "attack",
    [
        "#",
        "+",
        "muster/#",
        "muster/1/#",
        "muster/1/+/down/#",
        "muster/1/+/down/commands",
        "muster/1/ab/down/#",
        "muster/1/{id}",
        "muster/1/{id}/#",
        "muster/1/{id}/+/commands",
        "muster/1/{id}/down",
        "muster/1/{id}/down/",
        "muster/1/{id}/up/#",
        "muster/1/{id}/up/logs",
        "/muster/1/{id}/down/#",
        "muster/1/{id}x/down/#",
        "$SYS/#",
        "$muster/#",
        "$muster/disconnect",
        "$share/group/muster/1/{id}/down/#",
        "$queue/muster/1/{id}/down/#",
    ],
)
def test_a_subscription_beyond_its_own_is_refused(device, attack):
    assert not acl.may_subscribe(device, attack.format(id=device))


@pytest.mark.parametrize(
    "attack",
    [
        "#",
        "muster/1/a/up/#",
        "muster/1/a/up/+",
        "muster/1/a/up/",
        "muster/1/a/up",
        "muster/1/a/down/commands",
        "muster/1/b/up/logs",
        "muster/1/ab/up/logs",
        "$SYS/broker/version",
        "$muster/disconnect",
        "muster/1/_ingest/up/logs",
    ],
)
def test_a_publication_beyond_its_own_is_refused(attack):
    assert not acl.may_publish("a", attack)


@pytest.mark.parametrize("client", ["", "a/b", "+", "#", "a b", "x" * 65, "é", "a\n", "$SYS"])
def test_what_is_no_device_id_may_nothing(client):
    assert not acl.may_publish(client, f"muster/1/{client}/up/logs")
    assert not acl.may_subscribe(client, f"muster/1/{client}/down/#")


def test_the_platforms_own_clients_may_all():
    assert acl.may_publish("_dispatch", "muster/1/a/down/commands")
    assert acl.may_publish("_web", topics.DISCONNECT_TOPIC)
    assert acl.may_subscribe("_ingest", topics.ALL_UP)
    assert acl.may_receive("_ingest", "muster/1/a/up/logs")


def test_a_broker_keeps_what_the_table_says_and_nothing_else():
    kept = {(row.direction, row.name) for row in CHANNELS if row.retained}
    assert kept == {(Direction.UP, "presence"), (Direction.DOWN, "settings")}
    for row in CHANNELS:
        for child in (None, "child"):
            topic = str(topics.Topic("a", row.direction, row.name, child))
            assert acl.may_retain(topic) is row.retained
    for topic in ("muster/1/a/up/x/y", "muster/1/a/up/unknown", "$SYS/x", "", "a/b"):
        assert not acl.may_retain(topic)
