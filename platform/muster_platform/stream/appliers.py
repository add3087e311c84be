"""What the domains do with what devices say: named here, bound in wiring."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muster_platform.devices.models import Device
from muster_platform.unit import Unit
from muster_protocol.messages import (
    Event,
    Hello,
    HelloAnswer,
    InventoryReport,
    LogRecord,
    Message,
    Presence,
    Report,
    SettingsReport,
)

Apply = Callable[[Unit, Device, Any, int], Any]


@dataclass(frozen=True)
class Appliers:
    """What the domains do with each control message, inside the transaction of the batch.

    Each is called with unit, device, message, received_at (ms). A MusterError, raised before
    anything is written, sends the message to quarantine with the error's code as the reason.

    Attributes:
        hello: gives the HelloAnswer.
        presence: is also told whether it is the broker's retained copy.
        heard: is given {device key: newest received_at} of devices that said anything.
        fingerprint: of a log record, "" below ERROR.
    """

    hello: Callable[[Unit, Device, Hello, int], HelloAnswer]
    presence: Callable[[Unit, Device, Presence, int, bool], Any]
    inventory: Apply
    settings: Apply
    event: Apply
    report: Apply
    heard: Callable[[Unit, dict[int, int]], None]
    fingerprint: Callable[[LogRecord], str]

    def of(self, message: Message) -> Apply | None:
        """Give what handles a control message other than hello and presence."""
        table: dict[type[Message], Apply] = {
            InventoryReport: self.inventory,
            SettingsReport: self.settings,
            Event: self.event,
            Report: self.report,
        }
        return table.get(type(message))
