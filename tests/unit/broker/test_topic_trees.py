"""Subscriptions and retained messages: the same answer as comparing with every filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_broker.embedded.retained import RetainedStore
from muster_broker.embedded.trie import FilterError, Subscriptions, check_filter

LEVELS = st.sampled_from(["a", "b", "", "$x"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join)
FILTERS = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]),
    st.lists(st.sampled_from(["a", "b", "", "+", "$x"]), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
) | st.just("#")


def matches(topic_filter: str, topic: str) -> bool:
    """Section 4.7, plainly."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        levels = levels[: max(len(wanted), 0)] if len(levels) >= len(wanted) else levels
    return len(wanted) == len(levels) and all(
        w in ("+", have) for w, have in zip(wanted, levels, strict=True)
    )


@given(st.lists(st.tuples(FILTERS, st.integers(0, 5), st.integers(0, 2)), max_size=20), TOPICS)
def test_a_topic_finds_exactly_who_subscribed(
    added: list[tuple[str, int, int]], topic: str
) -> None:
    tree: Subscriptions[int] = Subscriptions()
    plain: dict[tuple[str, int], int] = {}
    for topic_filter, key, qos in added:
        tree.add(topic_filter, key, qos)
        plain[topic_filter, key] = qos
    expected: dict[int, int] = {}
    for (topic_filter, key), qos in plain.items():
        if matches(topic_filter, topic):
            expected[key] = max(expected.get(key, 0), qos)
    assert tree.match(topic) == expected
    for topic_filter, key in plain:
        tree.remove(topic_filter, key)
    assert tree.match(topic) == {}
    assert not tree._root.children, "nothing is left behind"


def test_removing_what_is_not_there_changes_nothing() -> None:
    tree: Subscriptions[str] = Subscriptions()
    tree.add("a/b", "one", 1)
    tree.remove("a", "one")
    tree.remove("a/b/c", "one")
    tree.remove("a/b", "two")
    assert tree.match("a/b") == {"one": 1}


def test_every_change_has_a_version() -> None:
    tree: Subscriptions[str] = Subscriptions()
    before = tree.version
    tree.add("a", "one", 1)
    between = tree.version
    tree.remove("a", "one")
    assert len({before, between, tree.version}) == 3


@pytest.mark.parametrize("good", ["a", "/", "#", "+", "a/#", "+/+", "a//b", "$x/#"])
def test_filters_of_the_standard_pass(good: str) -> None:
    check_filter(good, 100)


@pytest.mark.parametrize("bad", ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "##", "x" * 101])
def test_other_filters_are_refused(bad: str) -> None:
    with pytest.raises(FilterError):
        check_filter(bad, 100)


@given(st.dictionaries(TOPICS, st.binary(min_size=1, max_size=5)), FILTERS)
def test_a_filter_finds_exactly_what_is_kept(kept: dict[str, bytes], topic_filter: str) -> None:
    store = RetainedStore(1_000, 1_000_000, 1_000)
    for topic, payload in kept.items():
        assert store.put(topic, b"older", 1)
        assert store.put(topic, payload, 1)
    found = {message.topic: message.payload for message in store.match(topic_filter)}
    assert found == {t: p for t, p in kept.items() if matches(topic_filter, t)}
    assert store.count == len(kept)
    assert store.bytes_held == sum(len(t) + len(p) for t, p in kept.items())
    for topic in kept:
        store.put(topic, b"", 0)
    assert (store.count, store.bytes_held, store._root.children) == (0, 0, {})


def test_a_full_store_refuses_the_new_and_lets_the_old_change() -> None:
    store = RetainedStore(max_messages=2, max_bytes=1_000, max_per_device=5)
    assert store.put("muster/1/a/up/presence", b"1", 1)
    assert store.put("muster/1/b/up/presence", b"1", 1)
    assert not store.put("muster/1/c/up/presence", b"1", 1)
    assert store.put("muster/1/a/up/presence", b"2", 1)
    assert not store.put("muster/1/a/up/presence", b"x" * 2_000, 1)
    assert [m.payload for m in store.match("muster/1/a/#")] == [b"2"]


def test_one_device_cannot_fill_the_store() -> None:
    store = RetainedStore(max_messages=100, max_bytes=100_000, max_per_device=3)
    taken = [store.put(f"muster/1/a/up/presence/{n}", b"x", 1) for n in range(5)]
    assert taken == [True] * 3 + [False] * 2
    assert store.put("muster/1/b/up/presence", b"x", 1)
    assert store.forget_device("a") == 3
    assert store.put("muster/1/a/up/presence", b"x", 1)
    assert store.count == 2
