"""Gateways and their children: who speaks for whom.

One level: a gateway is no child itself, and a child has no children. A child has no connection
and no credential of its own; its gateway's are what the broker knows.
"""

from collections.abc import Iterable

from sqlalchemy import func, select

from muster_platform.access import audit
from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices import presence_rules as rules
from muster_platform.devices.credentials import end_credentials
from muster_platform.devices.find import find_device
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device
from muster_platform.devices.outbound import disconnect, republish_settings
from muster_platform.devices.presence import PresenceService
from muster_platform.devices.removal import clear_retained
from muster_platform.devices.rows import add_event
from muster_platform.errors import Conflict, InvalidInput, NotFound
from muster_platform.unit import Unit


class GatewayService:
    """What people do with the bond between a gateway and a child."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._session = unit.session

    def gateway_of(self, device_id: str) -> str | None:
        """Give the device id of the gateway that speaks for a device.

        Its name is no secret to whoever may read the child: commands run through it.

        Raises:
            NotFound: no such device that the actor may read.
        """
        device = find_device(self._unit, device_id)
        return gateway_name(self._unit, device)

    def attach(
        self, device_id: str, gateway: str, *, hooks: DeviceHooks, reason: str = ""
    ) -> Device:
        """Make a device the child of a gateway, or move it from another one.

        A device that connected by itself loses its secrets and is disconnected.

        Raises:
            NotFound: no such device or gateway that the actor may read.
            PermissionDenied: without devices:enrol on the groups of both.
            InvalidInput: the gateway is the device itself, or a child.
            Conflict: the device has children.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_ENROL)
        chosen = find_gateway(self._unit, gateway)
        if chosen.id == device.id:
            raise InvalidInput(f"{device_id} cannot be its own gateway", where="gateway")
        if chosen.id == device.gateway_id:
            return device
        refuse_with_children(self._unit, device, "a child has none; move them first")
        before = gateway_name(self._unit, device)
        if device.gateway_id is None:
            end_credentials(self._unit, device)
            disconnect(self._unit, device, forget=True)
        self._move(device, chosen, hooks)
        self._note("device.attach", device, before, gateway, reason)
        text = f"{gateway} speaks for it" + (f" instead of {before}" if before else "")
        add_event(self._unit, device, "enrolment", text)
        return device

    def detach(self, device_id: str, *, hooks: DeviceHooks, reason: str = "") -> Device:
        """Make a child a device of its own; it needs a secret to connect.

        Raises:
            NotFound: no such device that the actor may read.
            PermissionDenied: without devices:enrol on its group.
            Conflict: it is no child.
        """
        device = find_device(self._unit, device_id, Permission.DEVICES_ENROL)
        before = gateway_name(self._unit, device)
        if before is None:
            raise Conflict(f"{device_id} is no child of a gateway", code="no_child")
        self._move(device, None, hooks)
        self._note("device.detach", device, before, None, reason)
        add_event(self._unit, device, "enrolment", f"No child of {before} any more; needs a secret")
        return device

    def _move(self, device: Device, gateway: Device | None, hooks: DeviceHooks) -> None:
        """Let go of the topics it had, and believe nothing until it is heard on the new ones."""
        clear_retained(self._unit, device)
        device.gateway_id = None if gateway is None else gateway.id
        self._session.flush()
        PresenceService(self._unit, hooks).way_lost([device.id], rules.GATEWAY)
        republish_settings(self._unit, device)

    def _note(
        self, action: str, device: Device, before: str | None, after: str | None, reason: str
    ) -> None:
        audit.record(
            self._unit,
            action,
            "device",
            device.id,
            device.device_id,
            before={"gateway": before},
            after={"gateway": after},
            reason=reason,
            device_key=device.id,
        )


def find_gateway(unit: Unit, device_id: str) -> Device:
    """Load a device that is to speak for another.

    Raises:
        NotFound: no such device that the actor may read.
        PermissionDenied: without devices:enrol on its group.
        InvalidInput: it is a child.
    """
    gateway = find_device(unit, device_id, Permission.DEVICES_ENROL)
    _hold(unit, gateway)
    if gateway.gateway_id is not None:
        raise InvalidInput(f"{device_id} is a child of a gateway itself", where="gateway")
    return gateway


def _hold(unit: Unit, device: Device) -> None:
    """Keep a device from becoming gateway, child or deleted until the end of the transaction."""
    names = ("gateway_id", "deleted_at")
    unit.session.refresh(device, names, with_for_update={"key_share": True})
    if device.deleted_at is not None:
        raise NotFound("device", device.device_id)


def gateway_name(unit: Unit, device: Device) -> str | None:
    """Give the device id of a device's gateway, whoever asks."""
    if device.gateway_id is None:
        return None
    return unit.session.scalar(select(Device.device_id).where(Device.id == device.gateway_id))


def gateway_names(unit: Unit, devices: Iterable[Device]) -> dict[int, str]:
    """Give the device ids of the gateways of some devices, by key."""
    keys = {device.gateway_id for device in devices if device.gateway_id is not None}
    found: dict[int, str] = {}
    for part in chunks(sorted(keys)):
        rows = unit.session.execute(select(Device.id, Device.device_id).where(Device.id.in_(part)))
        found |= {row.id: row.device_id for row in rows}
    return found


def children_count(unit: Unit, device: Device) -> int:
    """Count the children that a device speaks for."""
    statement = select(func.count()).where(
        Device.gateway_id == device.id, Device.deleted_at.is_(None)
    )
    return int(unit.session.scalar(statement) or 0)


def refuse_with_children(unit: Unit, device: Device, advice: str) -> None:
    """Refuse what must not be done to a gateway.

    Raises:
        Conflict: children still speak through it; names some of them.
        NotFound: it was deleted in this moment.
    """
    _hold(unit, device)
    count = children_count(unit, device)
    if not count:
        return
    statement = (
        select(Device.device_id)
        .where(Device.gateway_id == device.id, Device.deleted_at.is_(None))
        .order_by(Device.device_id)
        .limit(5)
    )
    names = ", ".join(unit.session.scalars(statement)) + (", …" if count > 5 else "")
    raise Conflict(
        f"{device.device_id} speaks for {count} children ({names}); {advice}", code="has_children"
    )
