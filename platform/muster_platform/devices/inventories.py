"""The versions in the fleet, from what devices say they have."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device, InventoryItem
from muster_platform.devices.version_order import version_key
from muster_platform.unit import Unit

COMPONENTS_MAX = 200
"""Components that are looked at: integrators name them, and may name too many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionCount:
    """How many devices have a component in a version.

    Attributes:
        newest: no device has a newer one.
    """

    version: str
    devices: int
    newest: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentVersions:
    """A component with its versions, the newest first."""

    component: str
    devices: int
    versions: tuple[VersionCount, ...]

    @property
    def behind(self) -> int:
        """Count the devices that have an older version than some other device."""
        return sum(one.devices for one in self.versions if not one.newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A device with an older version than some other device has.

    Attributes:
        since: when it first told this version, ms since the epoch.
    """

    device_id: str
    device_name: str
    group_name: str
    component: str
    version: str
    newest: str
    since: int


class InventoryService:
    """Counts over the inventories of the devices that the actor may read."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def versions(self) -> list[ComponentVersions]:
        """Give every component with its versions, the most common component first.

        Raises:
            PermissionDenied: without devices:read on any group.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        for component, version, number in self._unit.session.execute(
            _narrowed(self._unit, InventoryItem.component, InventoryItem.version, func.count())
            .group_by(InventoryItem.component, InventoryItem.version)
            .order_by(InventoryItem.component)
        ):
            counts[component][version] = number
        found = [_component(name, versions) for name, versions in counts.items()]
        return sorted(found, key=lambda one: (-one.devices, one.component))[:COMPONENTS_MAX]

    def behind(self, size: int) -> list[Behind]:
        """Give devices with an older version than others have, the longest so first.

        Args:
            size: most rows.

        Raises:
            PermissionDenied: without devices:read on any group.
        """
        newest = {
            one.component: one.versions[0].version for one in self.versions() if one.behind > 0
        }
        if not newest:
            return []
        older = or_(
            *(
                and_(InventoryItem.component == component, InventoryItem.version != version)
                for component, version in newest.items()
            )
        )
        statement = _narrowed(self._unit, Device, InventoryItem).where(older)
        rows = self._unit.session.execute(
            statement.order_by(InventoryItem.since, Device.id).limit(size)
        ).unique()
        return [
            Behind(
                device_id=device.device_id,
                device_name=device.display_name or device.device_id,
                group_name=device.group.name,
                component=item.component,
                version=item.version,
                newest=newest[item.component],
                since=item.since,
            )
            for device, item in rows
        ]


def _narrowed(unit: Unit, *columns: Any) -> Any:
    statement: Any = select(*columns).select_from(InventoryItem)
    return statement.join(Device, Device.id == InventoryItem.device_key).where(
        visible(unit.actor, Permission.DEVICES_READ)
    )


def _component(name: str, counts: dict[str, int]) -> ComponentVersions:
    ordered = sorted(counts, key=lambda version: (version_key(version), version), reverse=True)
    newest = version_key(ordered[0])
    return ComponentVersions(
        component=name,
        devices=sum(counts.values()),
        versions=tuple(
            VersionCount(
                version=version,
                devices=counts[version],
                newest=version_key(version) == newest,
            )
            for version in ordered
        ),
    )
