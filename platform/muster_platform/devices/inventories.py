"""The versions in the fleet, from what devices say they have.

A component is counted for each profile by itself: the `app` of a sensor and that of a phone have
nothing but the name in common.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, or_, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device, InventoryItem, Profile
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
    """A component of the devices of one profile with its versions, the newest first."""

    component: str
    profile: str
    profile_title: str
    devices: int
    versions: tuple[VersionCount, ...]

    @property
    def behind(self) -> int:
        """Count the devices that have an older version than some other device."""
        return sum(one.devices for one in self.versions if not one.newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A device with an older version than some other device of its profile has.

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
        counts: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
        columns = (Device.profile_id, InventoryItem.component, InventoryItem.version)
        statement = _narrowed(self._unit, *columns, func.count()).group_by(*columns)
        for profile_id, component, version, number in self._unit.session.execute(statement):
            counts[profile_id, component][version] = number
        profiles = {row.id: row for row in self._unit.session.scalars(select(Profile))}
        found = [
            _component(name, profiles[profile_id], versions)
            for (profile_id, name), versions in counts.items()
        ]
        return sorted(found, key=lambda one: (-one.devices, one.profile, one.component))[
            :COMPONENTS_MAX
        ]

    def behind(self, size: int) -> list[Behind]:
        """Give devices with an older version than others have, the longest so first.

        Args:
            size: most rows.

        Raises:
            PermissionDenied: without devices:read on any group.
        """
        newest = {
            (one.profile, one.component): [v.version for v in one.versions if v.newest]
            for one in self.versions()
            if one.behind > 0
        }
        if not newest:
            return []
        older = or_(
            *(
                and_(
                    Profile.name == profile,
                    InventoryItem.component == component,
                    InventoryItem.version.not_in(versions),
                )
                for (profile, component), versions in newest.items()
            )
        )
        statement = (
            _narrowed(self._unit, Device, InventoryItem)
            .join(Profile, Profile.id == Device.profile_id)
            .where(older)
        )
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
                newest=newest[device.profile.name, item.component][0],
                since=item.since,
            )
            for device, item in rows
        ]


def _narrowed(unit: Unit, *columns: Any) -> Any:
    statement: Any = select(*columns).select_from(InventoryItem)
    return statement.join(Device, Device.id == InventoryItem.device_key).where(
        visible(unit.actor, Permission.DEVICES_READ)
    )


def _component(name: str, profile: Profile, counts: dict[str, int]) -> ComponentVersions:
    ordered = sorted(counts, key=lambda version: (version_key(version), version), reverse=True)
    newest = version_key(ordered[0])
    return ComponentVersions(
        component=name,
        profile=profile.name,
        profile_title=profile.title or profile.name,
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
