"""Deleting a device: the row stays as a tombstone for history, everything else goes."""

from sqlalchemy import delete

from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import (
    Credential,
    Device,
    DeviceEvent,
    DeviceSettings,
    InventoryItem,
    Presence,
    Tag,
)
from muster_platform.devices.outbound import address, disconnect, publish
from muster_platform.devices.stream_models import (
    LatestValue,
    LedgerRow,
    LedgerTotal,
    Quarantined,
    RawMessage,
    telemetry,
)
from muster_platform.outbox import Live
from muster_platform.unit import Unit
from muster_protocol.channels import Direction

_OWNED = (
    Credential,
    DeviceEvent,
    DeviceSettings,
    InventoryItem,
    LatestValue,
    LedgerRow,
    LedgerTotal,
    Presence,
    Quarantined,
    RawMessage,
    Tag,
)


def remove(unit: Unit, device: Device, hooks: DeviceHooks) -> None:
    """Delete a device; the caller has checked the right to do so.

    First form: telemetry goes in the same transaction, which for years of it takes a while.
    """
    hooks.on_removed(unit, device.id)
    # Closed first: what the broker sends or keeps in the device's name at closing (its will) is
    # cleared by what follows.
    disconnect(unit, device, forget=True)
    for direction, channel in ((Direction.UP, "presence"), (Direction.DOWN, "settings")):
        publish(unit, address(unit.session, device, direction, channel), b"", retain=True)
    path = device.group.path
    unit.outbox.add(Live(f"device:{device.id}", "presence", path, {"deleted": True}))
    unit.outbox.add(Live("fleet", "presence", path, {"device": device.device_id, "deleted": True}))
    unit.session.flush()
    for model in _OWNED:
        unit.session.execute(
            delete(model).where(model.device_key == device.id),
            execution_options={"synchronize_session": False},
        )
    unit.session.execute(delete(telemetry).where(telemetry.c.device_key == device.id))
    unit.session.expire(device, ["presence", "tags"])
    device.deleted_at = unit.now()
    device.attributes = {}
    device.capabilities = []
    device.install_id = device.previous_install_id = None
    unit.session.flush()
