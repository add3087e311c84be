"""Subscriptions by filter, found by topic without looking at the others (MQTT 3.1.1, 4.7)."""

from typing import Generic, TypeVar

K = TypeVar("K")


class FilterError(ValueError):
    """A topic filter that the standard does not allow."""


class _Node(Generic[K]):
    __slots__ = ("children", "here")

    def __init__(self) -> None:
        self.children: dict[str, _Node[K]] = {}
        self.here: dict[K, int] = {}


def check_filter(topic_filter: str, limit_bytes: int) -> None:
    """Check a filter.

    Raises:
        FilterError: it is empty, too long, or has a wildcard inside a level or before the end.
    """
    if not topic_filter or len(topic_filter.encode("utf-8")) > limit_bytes:
        raise FilterError(f"a topic filter has 1 to {limit_bytes} bytes")
    *before, last = topic_filter.split("/")
    if any("#" in level or ("+" in level and level != "+") for level in before):
        raise FilterError("wildcards stand alone in a level, # in the last one only")
    if last not in ("#", "+") and ("#" in last or "+" in last):
        raise FilterError("wildcards stand alone in a level")


class Subscriptions(Generic[K]):
    """A tree of topic levels; each node holds who subscribed to the filter that ends there.

    Attributes:
        version: grows with every change, so that a caller may keep what `match` gave.
    """

    def __init__(self) -> None:
        self._root: _Node[K] = _Node()
        self.version = 0

    def add(self, topic_filter: str, key: K, qos: int) -> None:
        """Subscribe, or change the QoS of what is there."""
        node = self._root
        for level in topic_filter.split("/"):
            node = node.children.setdefault(level, _Node())
        node.here[key] = qos
        self.version += 1

    def remove(self, topic_filter: str, key: K) -> None:
        """Unsubscribe; nothing happens where there was no such subscription."""
        path = [self._root]
        levels = topic_filter.split("/")
        for level in levels:
            child = path[-1].children.get(level)
            if child is None:
                return
            path.append(child)
        path[-1].here.pop(key, None)
        self.version += 1
        for level in reversed(levels):
            node = path.pop()
            if node.here or node.children:
                return
            del path[-1].children[level]

    def match(self, topic: str) -> dict[K, int]:
        """Give the subscribers of a topic, each once, with the highest QoS of its filters."""
        found: dict[K, int] = {}
        nodes = [self._root]
        levels = topic.split("/")
        # A filter that begins with a wildcard does not match $-topics (4.7.2).
        wild = not topic.startswith("$")
        for level in levels:
            following: list[_Node[K]] = []
            for node in nodes:
                children = node.children
                if wild:
                    if (rest := children.get("#")) is not None:
                        _collect(found, rest)
                    if (any_level := children.get("+")) is not None:
                        following.append(any_level)
                if (same := children.get(level)) is not None:
                    following.append(same)
            nodes, wild = following, True
            if not nodes:
                return found
        for node in nodes:
            _collect(found, node)
            if (rest := node.children.get("#")) is not None:  # a/# matches a itself
                _collect(found, rest)
        return found


def _collect(found: dict[K, int], node: _Node[K]) -> None:
    for key, qos in node.here.items():
        if found.get(key, -1) < qos:
            found[key] = qos
