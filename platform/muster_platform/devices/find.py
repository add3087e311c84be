"""Finding devices for an actor: the one place of the 403 and 404 rule for them."""

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from muster_platform.access.actor import Actor
from muster_platform.access.narrow import in_permitted_group, require_on
from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Device
from muster_platform.errors import NotFound
from muster_platform.unit import Unit


def visible(actor: Actor, permission: Permission) -> ColumnElement[bool]:
    """Give the condition on Device: not deleted, and the actor has the permission there.

    A device that the actor may not read is not there for any other permission either.
    """
    needed = dict.fromkeys((Permission.DEVICES_READ, permission))
    granted = (in_permitted_group(actor, item, Device.group_id) for item in needed)
    return and_(Device.deleted_at.is_(None), *granted)


def find_device(
    unit: Unit, device_id: str, permission: Permission = Permission.DEVICES_READ
) -> Device:
    """Load a device by its device id, for an act that needs the permission.

    Raises:
        NotFound: no such device, or the actor may not even read it.
        PermissionDenied: the actor may read it, and lacks the permission.
    """
    device = live_device(unit.session, device_id)
    if device is None:
        raise NotFound("device", device_id)
    require_on(
        unit.actor,
        permission,
        device.group,
        read=Permission.DEVICES_READ,
        kind="device",
        name=device_id,
    )
    return device


def live_device(session: Session, device_id: str) -> Device | None:
    """Load a device that is not deleted, whoever asks."""
    statement = select(Device).where(Device.device_id == device_id, Device.deleted_at.is_(None))
    return session.scalars(statement).unique().one_or_none()
