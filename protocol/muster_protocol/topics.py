"""Topics: built, parsed and turned into filters here and nowhere else.

Form: ``muster/1/{device_id}/{up|down}/{channel}[/{child}]``, and ``…/x/…`` for integrators.
"""

from typing import NamedTuple

from muster_protocol.channels import RESERVED, Direction
from muster_protocol.ids import is_device_id

PREFIX = "muster/1"
ALL_UP = f"{PREFIX}/+/up/#"
"""What the platform subscribes to."""

CONTROL_PREFIX = "$muster"
"""Topics between the platform and the embedded broker; never visible to a device."""
DISCONNECT_TOPIC = f"{CONTROL_PREFIX}/disconnect"
"""Platform to broker: payload {"device_id": …, "forget": bool}. Closes the device's connection
at once and drops what the broker remembers of its credentials; forget also drops its session."""
STATS_TOPIC = f"{CONTROL_PREFIX}/stats"
"""Embedded broker to platform, retained: its counters and gauges, every few seconds."""


class TopicError(ValueError):
    """A topic that is not of the protocol; the message says which part."""


class Topic(NamedTuple):
    """A parsed topic.

    Attributes:
        device_id: whose connection it is (the gateway's, for a child).
        channel: first level after the direction; not necessarily a known channel.
        child: device id of the child a gateway speaks for, or None.
        rest: what follows ``x/`` on a reserved topic, else "".
    """

    device_id: str
    direction: Direction
    channel: str
    child: str | None = None
    rest: str = ""

    @property
    def subject(self) -> str:
        """Device id that the message is about."""
        return self.child or self.device_id

    def __str__(self) -> str:
        """Give the topic's text."""
        tail = self.rest if self.channel == RESERVED else self.child
        base = f"{PREFIX}/{self.device_id}/{self.direction}/{self.channel}"
        return f"{base}/{tail}" if tail else base


def up(device_id: str, channel: str, child: str | None = None) -> str:
    """Build a device's topic."""
    return str(Topic(device_id, Direction.UP, channel, child))


def down(device_id: str, channel: str, child: str | None = None) -> str:
    """Build a platform's topic."""
    return str(Topic(device_id, Direction.DOWN, channel, child))


def parse(text: str) -> Topic:
    """Parse a topic.

    Raises:
        TopicError: naming the level that is wrong.
    """
    levels = text.split("/")
    if "/".join(levels[:2]) != PREFIX or len(levels) < 5:
        raise TopicError(f"topic must be {PREFIX}/{{device_id}}/up|down/{{channel}}: {text!r}")
    if "+" in text or "#" in text or "\0" in text:
        raise TopicError(f"a topic holds no wildcards and no NUL: {text!r}")
    device_id, direction, channel, *tail = levels[2:]
    if not is_device_id(device_id):
        raise TopicError(f"not a device id in the topic: {device_id!r}")
    if direction not in (Direction.UP, Direction.DOWN):
        raise TopicError(f"direction must be up or down: {direction!r}")
    if channel == RESERVED and tail != [""]:
        return Topic(device_id, Direction(direction), channel, rest="/".join(tail))
    if not channel or len(tail) > 1:
        raise TopicError(f"channel must be one level, with at most a child after it: {text!r}")
    if tail and not is_device_id(tail[0]):
        raise TopicError(f"not a child's device id in the topic: {tail[0]!r}")
    return Topic(device_id, Direction(direction), channel, tail[0] if tail else None)


def device_filters(device_id: str) -> tuple[str, ...]:
    """Give the filters that a full device subscribes to: all of its own down/."""
    return (f"{PREFIX}/{device_id}/{Direction.DOWN}/#",)
