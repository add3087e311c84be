"""Topics are built, parsed and refused in one place."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_protocol import topics
from muster_protocol.channels import CHANNELS, RESERVED, Direction
from tests.unit.protocol.strategies import channels, directions, names

rests = st.lists(st.from_regex(r"[A-Za-z0-9 ._-]{0,5}", fullmatch=True), min_size=1, max_size=4)


@given(row=channels, device=names, child=st.none() | names)
def test_a_topic_survives_building_and_parsing(row, device, child):
    build = topics.up if row.direction is Direction.UP else topics.down
    text = build(device, row.name, child)
    parsed = topics.parse(text)
    assert parsed == topics.Topic(device, row.direction, row.name, child)
    assert str(parsed) == text
    assert parsed.subject == (child or device)


@given(device=names, direction=directions, rest=rests.map("/".join).filter(bool))
def test_an_integrators_topic_survives_too(device, direction, rest):
    text = f"muster/1/{device}/{direction}/x/{rest}"
    parsed = topics.parse(text)
    assert parsed == topics.Topic(device, direction, RESERVED, rest=rest)
    assert str(parsed) == text


@given(text=st.text(max_size=30) | st.from_regex(r"muster/1/[a+#/$]{0,12}", fullmatch=True))
def test_any_text_is_parsed_to_itself_or_refused(text):
    with contextlib.suppress(topics.TopicError):
        assert str(topics.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "muster",
        "muster/1",
        "muster/1/d/up",
        "muster/1/d/up/",
        "muster/2/d/up/logs",
        "Muster/1/d/up/logs",
        "/muster/1/d/up/logs",
        "muster/1//up/logs",
        "muster/1/_ingest/up/logs",
        "muster/1/-d/up/logs",
        "muster/1/d d/up/logs",
        "muster/1/d\n/up/logs",
        "muster/1/" + "d" * 65 + "/up/logs",
        "muster/1/dé/up/logs",
        "muster/1/d/UP/logs",
        "muster/1/d/sideways/logs",
        "muster/1/d/up/logs/",
        "muster/1/d/up/logs/_child",
        "muster/1/d/up/logs/child/grandchild",
        "muster/1/+/up/logs",
        "muster/1/d/up/#",
        "muster/1/d/up/+",
        "muster/1/d/up/x/#",
        "muster/1/d/up/x/",
        "muster/1/d/up/x/a\0b",
        "$SYS/broker/clients",
        "$share/g/muster/1/d/down/commands",
        topics.DISCONNECT_TOPIC,
    ],
)
def test_a_foreign_topic_is_refused(text):
    with pytest.raises(topics.TopicError):
        topics.parse(text)


def test_a_device_subscribes_to_all_of_its_own_and_nothing_else():
    assert topics.device_filters("d") == ("muster/1/d/down/#",)


def test_the_platform_hears_every_channel_of_every_device():
    assert topics.ALL_UP == "muster/1/+/up/#"


def test_no_channel_is_listed_twice_or_named_as_the_reserved_one():
    keys = [(row.direction, row.name) for row in CHANNELS]
    assert len(keys) == len(set(keys))
    assert RESERVED not in {row.name for row in CHANNELS}
