"""What happened to the fleet lately: the newest lines of all timelines."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device, DeviceEvent
from muster_platform.unit import Unit

LOOKED_AT = 20_000
"""Newest lines of the whole fleet among which is searched: it must cost the same in a large one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line; `at` is ms since the epoch, `data` as on the device's timeline."""

    at: int
    kind: str
    summary: str
    device_id: str
    device_name: str
    data: dict[str, Any]


class ChangeService:
    """Reads the newest lines of the devices that the actor may read."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def recent(self, since: int, kinds: Collection[str], size: int) -> list[Change]:
        """Give lines of these kinds since then (ms since the epoch), newest first.

        Raises:
            PermissionDenied: without devices:read on any group.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        newest = self._unit.session.scalar(select(func.max(DeviceEvent.id))) or 0
        rows = self._unit.session.execute(
            select(DeviceEvent, Device.device_id, Device.display_name)
            .join(Device, Device.id == DeviceEvent.device_key)
            .where(
                DeviceEvent.id > newest - LOOKED_AT,
                DeviceEvent.kind.in_(kinds),
                DeviceEvent.at >= since,
                visible(self._unit.actor, Permission.DEVICES_READ),
            )
            .order_by(DeviceEvent.id.desc())
            .limit(size)
        )
        return [
            Change(
                at=event.at,
                kind=event.kind,
                summary=event.summary,
                device_id=device_id,
                device_name=name or device_id,
                data=event.data,
            )
            for event, device_id, name in rows
        ]
