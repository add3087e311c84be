"""Inventories: components and versions, with the time of each change."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from muster_platform.db.chunks import chunks
from muster_platform.db.text import clean
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device, InventoryItem
from muster_platform.devices.rows import add_event
from muster_platform.unit import Unit
from muster_protocol.messages import Component

_KNOWN = "inventories"


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
    present = stored_inventory(unit.session, device.id)
    changes: dict[str, list[str | None]] = {}
    for component, version in told.items():
        row = present.get(component)
        if row is None:
            changes[component] = [None, version]
            present[component] = InventoryItem(
                device_key=device.id, component=component, version=version, since=received_at
            )
            unit.session.add(present[component])
        elif row.version != version:
            changes[component] = [row.version, version]
            row.version, row.since = version, received_at
    for component in sorted(present.keys() - told.keys()):
        changes[component] = [present[component].version, None]
        unit.session.delete(present.pop(component))
    if changes:
        add_event(unit, device, "inventory", _summary(changes), changes, at=received_at)
    hooks.on_inventory(unit, device.id, told, received_at)


def stored_inventory(session: Session, device_key: int) -> dict[str, InventoryItem]:
    """Give {component: row} of a device: what was preloaded, else read now."""
    known: dict[int, dict[str, InventoryItem]] = session.info.get(_KNOWN, {})
    if device_key in known:
        return known[device_key]
    session.flush()
    rows = session.scalars(select(InventoryItem).where(InventoryItem.device_key == device_key))
    return {row.component: row for row in rows}


def preload_inventories(session: Session, device_keys: Collection[int]) -> None:
    """Read the inventories of many devices at once; kept until the transaction ends."""
    known: dict[int, dict[str, InventoryItem]] = session.info.setdefault(_KNOWN, {})
    for part in chunks(sorted(set(device_keys) - known.keys())):
        known |= {key: {} for key in part}
        query = select(InventoryItem).where(InventoryItem.device_key.in_(part))
        for row in session.scalars(query):
            known[row.device_key][row.component] = row


def _summary(changes: dict[str, list[str | None]]) -> str:
    shown = [
        f"{name} {version}" if version is not None else f"{name} removed"
        for name, (_, version) in sorted(changes.items())[:5]
    ]
    more = len(changes) - len(shown)
    return "Inventory: " + ", ".join(shown) + (f" and {more} more" if more else "")
