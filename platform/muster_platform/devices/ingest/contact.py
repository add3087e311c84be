"""A word over HTTPS from a device that has no MQTT now: it tells, but it is not reachable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from muster_platform.db.text import clean_json
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.ingest.inventory import store_inventory
from muster_platform.devices.models import Device, DeviceSettings
from muster_platform.devices.rows import add_event
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit
from muster_protocol.messages import Component

ATTRIBUTES = 64
"""Most attributes of one device."""


@dataclass(frozen=True, slots=True)
class Contact:
    """What a device tells.

    Attributes:
        attributes: added to what is known; None takes one away.
        inventory: all components, None when it is not told.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    inventory: Sequence[Component] | None = None


def apply_contact(
    unit: Unit, device: Device, contact: Contact, received_at: int, hooks: DeviceHooks
) -> int:
    """Store what is told; presence stays as it is, for nothing can be sent to the device.

    Returns:
        The version of the device's desired settings.

    Raises:
        InvalidInput: more attributes than a device may have.
    """
    known = {**device.attributes, **clean_json(contact.attributes)}
    attributes = {name: value for name, value in known.items() if value is not None}
    if len(attributes) > ATTRIBUTES:
        raise InvalidInput(
            f"a device has at most {ATTRIBUTES} attributes, not {len(attributes)}",
            where="attributes",
        )
    device.attributes = attributes
    if contact.inventory is not None:
        store_inventory(unit, device, contact.inventory, received_at, hooks)
    add_event(unit, device, "hello", "Told something over HTTPS", at=received_at)
    unit.session.flush()
    settings = unit.session.get(DeviceSettings, device.id)
    return settings.version if settings else 0
