"""Deleting a device: gone at once for everybody; its data is kept hidden until it is purged."""

from muster_platform.devices.credentials import end_credentials
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device
from muster_platform.devices.outbound import address, disconnect, publish
from muster_platform.outbox import WAKE_PURGE, Live, Wake
from muster_platform.unit import Unit
from muster_protocol.channels import Direction

NAME_CHARS = 254


def remove(unit: Unit, device: Device, hooks: DeviceHooks, *, purge_at: int) -> None:
    """Delete a device; the caller has checked the right to do so.

    Args:
        purge_at: when its data goes, ms since the epoch; until then it can be restored.
    """
    hooks.on_removed(unit, device.id)
    # Closed first: what the broker sends or keeps in the device's name at closing (its will) is
    # cleared by what follows.
    disconnect(unit, device, forget=True)
    clear_retained(unit, device)
    path = device.group.path
    unit.outbox.add(Live(f"device:{device.id}", "presence", path, {"deleted": True}))
    unit.outbox.add(Live("fleet", "presence", path, {"device": device.device_id, "deleted": True}))
    end_credentials(unit, device)
    device.presence.check_at = None
    device.deleted_at, device.deleted_by = unit.now(), unit.actor.name[:NAME_CHARS]
    device.purge_at, device.capture_until = purge_at, None
    unit.session.flush()
    if purge_at <= unit.now():
        unit.outbox.add(Wake(WAKE_PURGE))


def clear_retained(unit: Unit, device: Device) -> None:
    """Have the broker forget what it keeps on the device's topics, as they are now."""
    for direction, channel in ((Direction.UP, "presence"), (Direction.DOWN, "settings")):
        publish(unit, address(unit.session, device, direction, channel), b"", retain=True)
