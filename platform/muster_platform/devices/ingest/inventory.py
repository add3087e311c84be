"""Inventories: components and versions, with the time of each change."""

from collections.abc import Sequence

from sqlalchemy import select

from muster_platform.db.text import clean
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device, InventoryItem
from muster_platform.devices.rows import add_event
from muster_platform.unit import Unit
from muster_protocol.messages import Component


def store_inventory(
    unit: Unit,
    device: Device,
    components: Sequence[Component],
    received_at: int,
    hooks: DeviceHooks,
) -> None:
    """Make the stored inventory equal to what the device says; of a doubled name the last counts.

    Args:
        received_at: ms since the epoch; since when a changed component is in its version.
    """
    told = {clean(item.component): clean(item.version) for item in components}
    rows = unit.session.scalars(select(InventoryItem).where(InventoryItem.device_key == device.id))
    present = {row.component: row for row in rows}
    changes: dict[str, list[str | None]] = {}
    for component, version in told.items():
        row = present.get(component)
        if row is None:
            changes[component] = [None, version]
            unit.session.add(
                InventoryItem(
                    device_key=device.id, component=component, version=version, since=received_at
                )
            )
        elif row.version != version:
            changes[component] = [row.version, version]
            row.version, row.since = version, received_at
    for component in present.keys() - told.keys():
        changes[component] = [present[component].version, None]
        unit.session.delete(present[component])
    unit.session.flush()
    if changes:
        add_event(unit, device, "inventory", _summary(changes), changes, at=received_at)
    hooks.on_inventory(unit, device.id, told, received_at)


def _summary(changes: dict[str, list[str | None]]) -> str:
    shown = [
        f"{name} {version}" if version is not None else f"{name} removed"
        for name, (_, version) in sorted(changes.items())[:5]
    ]
    more = len(changes) - len(shown)
    return "Inventory: " + ", ".join(shown) + (f" and {more} more" if more else "")
