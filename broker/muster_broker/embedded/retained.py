"""Retained messages: a tree of topic levels, bounded, read by filter."""

from collections.abc import Iterator
from typing import NamedTuple

from muster_protocol.topics import PREFIX


class Retained(NamedTuple):
    """The last message of a topic. QoS is what it was published with."""

    topic: str
    payload: bytes
    qos: int


class _Node:
    __slots__ = ("children", "message")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.message: Retained | None = None


class RetainedStore:
    """Keeps retained messages in memory.

    Attributes:
        count: messages kept.
        bytes_held: their topics and payloads.
    """

    def __init__(self, max_messages: int, max_bytes: int, max_per_device: int) -> None:
        self._root = _Node()
        self._limits = (max_messages, max_bytes, max_per_device)
        self._per_device: dict[str, int] = {}
        self.count = 0
        self.bytes_held = 0

    def get(self, topic: str) -> Retained | None:
        """Give the message kept for the topic."""
        node: _Node | None = self._root
        for level in topic.split("/"):
            node = node.children.get(level) if node is not None else None
        return node.message if node is not None else None

    def put(self, topic: str, payload: bytes, qos: int) -> bool:
        """Keep a message in place of the topic's last one; an empty payload clears it.

        Returns:
            False when a limit is reached and the topic's last message (if any) stays.
        """
        before = self.get(topic)
        if not payload:
            if before is not None:
                self._clear(before)
            return True
        after = Retained(topic, payload, qos)
        if not self._fits(before, after):
            return False
        node = self._root
        for level in topic.split("/"):
            node = node.children.setdefault(level, _Node())
        node.message = after
        self.bytes_held += _size(after) - (_size(before) if before else 0)
        if before is None:
            self.count += 1
            device = _device(topic)
            self._per_device[device] = self._per_device.get(device, 0) + 1
        return True

    def _fits(self, before: Retained | None, after: Retained) -> bool:
        max_messages, max_bytes, max_per_device = self._limits
        grows = _size(after) - (_size(before) if before else 0)
        if grows > 0 and self.bytes_held + grows > max_bytes:
            return False
        if before is not None:
            return True
        return (
            self.count < max_messages
            and self._per_device.get(_device(after.topic), 0) < max_per_device
        )

    def _clear(self, message: Retained) -> None:
        levels = message.topic.split("/")
        path = [self._root]
        for level in levels:
            path.append(path[-1].children[level])
        path[-1].message = None
        for level in reversed(levels):
            node = path.pop()
            if node.message is not None or node.children:
                break
            del path[-1].children[level]
        self.count -= 1
        self.bytes_held -= _size(message)
        device = _device(message.topic)
        left = self._per_device[device] - 1
        if left:
            self._per_device[device] = left
        else:
            del self._per_device[device]

    def match(self, topic_filter: str) -> Iterator[Retained]:
        """Give what matches a filter; the store must not change meanwhile."""
        levels = topic_filter.split("/")
        nodes = [self._root]
        for depth, level in enumerate(levels):
            if level == "#":
                for node in nodes:
                    yield from _all_below(node, skip_dollar=depth == 0)
                return
            if level == "+":
                nodes = [
                    child
                    for node in nodes
                    for name, child in node.children.items()
                    if depth or not name.startswith("$")
                ]
            else:
                nodes = [c for node in nodes if (c := node.children.get(level)) is not None]
        for node in nodes:
            if node.message is not None:
                yield node.message

    def forget_device(self, device_id: str) -> int:
        """Drop all that is kept under a device's topics, in both directions.

        Returns:
            How many there were.
        """
        found = list(self.match(f"{PREFIX}/{device_id}/#"))
        for message in found:
            self._clear(message)
        return len(found)


def _all_below(node: _Node, skip_dollar: bool) -> Iterator[Retained]:
    stack = [node]
    first = True
    while stack:
        here = stack.pop()
        if here.message is not None:
            yield here.message
        for name, child in here.children.items():
            if not (first and skip_dollar and name.startswith("$")):
                stack.append(child)
        first = False


def _size(message: Retained) -> int:
    return len(message.topic) + len(message.payload)


def _device(topic: str) -> str:
    """Give the level that names the device (or, elsewhere, whatever stands there)."""
    levels = topic.split("/", 3)
    return levels[2] if len(levels) > 2 else ""
