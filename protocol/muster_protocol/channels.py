"""The one table of channels: direction, QoS, retained, message class.

Topics, subscriptions, the ACL of every broker and the AsyncAPI document come from it.
"""

from enum import StrEnum
from typing import NamedTuple

from muster_protocol.messages import (
    Command,
    Event,
    Hello,
    HelloAnswer,
    InventoryReport,
    Ledger,
    Logs,
    Message,
    Presence,
    Report,
    Settings,
    SettingsReport,
    Telemetry,
    Update,
)


class Direction(StrEnum):
    """Who publishes: the device (up) or the platform (down)."""

    UP = "up"
    DOWN = "down"


class Channel(NamedTuple):
    """One row of the table.

    Attributes:
        qos: what the platform uses; up, the device may choose another.
        retained: whether the broker keeps the last one.
        sequenced: whether a full device numbers its messages with boot and seq.
        control: True goes from MQTT to the database always, never through Kafka.
    """

    direction: Direction
    name: str
    message: type[Message]
    summary: str
    qos: int = 1
    retained: bool = False
    sequenced: bool = True
    control: bool = True


UP, DOWN = Direction.UP, Direction.DOWN

CHANNELS: tuple[Channel, ...] = (
    Channel(UP, "hello", Hello, "First message of every session"),
    Channel(
        UP, "presence", Presence, "Comes and goes; also the will", retained=True, sequenced=False
    ),
    Channel(UP, "telemetry", Telemetry, "Points of named values", control=False),
    Channel(UP, "logs", Logs, "Log records", control=False),
    Channel(UP, "events", Event, "What happened in the app", control=False),
    Channel(UP, "inventory", InventoryReport, "Components and versions"),
    Channel(UP, "commands", Report, "Claims about commands"),
    Channel(UP, "updates", Report, "Claims about updates"),
    Channel(UP, "settings", SettingsReport, "Settings in force"),
    Channel(DOWN, "hello", HelloAnswer, "The session that counts", sequenced=False),
    Channel(DOWN, "ledger", Ledger, "What is stored, what is missing", sequenced=False),
    Channel(DOWN, "commands", Command, "Run or cancel a command", sequenced=False),
    Channel(DOWN, "updates", Update, "Run or cancel an update", sequenced=False),
    Channel(DOWN, "settings", Settings, "What is desired", retained=True, sequenced=False),
)

RESERVED = "x"
"""up/x/# and down/x/# are an integrator's own: allowed by the ACL, stored raw, not read."""

BY_NAME: dict[tuple[Direction, str], Channel] = {(c.direction, c.name): c for c in CHANNELS}


def channel(direction: Direction, name: str) -> Channel:
    """Look a channel up.

    Raises:
        KeyError: no such channel.
    """
    return BY_NAME[direction, name]
