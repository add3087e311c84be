"""Adoption: how far the devices of a release's profiles are towards its components."""

from dataclasses import dataclass

from sqlalchemy import func, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device, InventoryItem
from muster_platform.devices.version_order import version_key
from muster_platform.unit import Unit
from muster_platform.updates.catalog import ReleaseState, describe
from muster_platform.updates.models import Release
from muster_platform.updates.rollout_plan import wanted_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A component of a release among the devices of its profiles that the actor may read.

    Attributes:
        there, newer, older: devices by what they have; `unknown` told no such component.
    """

    release_id: str
    release: str
    component: str
    version: str
    devices: int
    there: int
    newer: int
    older: int
    unknown: int

    @property
    def share(self) -> float:
        """Give the share of devices that have it or something newer, 0 to 1."""
        return (self.there + self.newer) / self.devices if self.devices else 0.0


class AdoptionService:
    """Counts over inventories."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def newest(self, size: int = 5) -> list[Adoption]:
        """Give the adoption of the newest published releases, newest first.

        Raises:
            PermissionDenied: without devices:read anywhere, or without releases:read.
        """
        actor = self._unit.actor
        actor.require(Permission.RELEASES_READ)
        actor.require_somewhere(Permission.DEVICES_READ)
        releases = self._unit.session.scalars(
            select(Release)
            .where(Release.state == str(ReleaseState.PUBLISHED))
            .order_by(Release.published_at.desc(), Release.id.desc())
            .limit(size)
        ).all()
        return [row for release in releases for row in self._of(release)]

    def _of(self, release: Release) -> list[Adoption]:
        catalog = describe(release)
        mine = (
            Device.profile_id.in_(catalog.profile_ids),
            visible(self._unit.actor, Permission.DEVICES_READ),
        )
        total = self._unit.session.scalar(select(func.count()).select_from(Device).where(*mine))
        return [
            self._component(release, name, version, total or 0, mine)
            for name, version in wanted_of(catalog).items()
        ]

    def _component(
        self, release: Release, name: str, version: str, total: int, mine: tuple[object, ...]
    ) -> Adoption:
        rows = self._unit.session.execute(
            select(InventoryItem.version, func.count())
            .join(Device, Device.id == InventoryItem.device_key)
            .where(InventoryItem.component == name, *mine)  # type: ignore[arg-type]
            .group_by(InventoryItem.version)
        )
        there = newer = older = 0
        for present, number in rows:
            if present == version:
                there += number
            elif version_key(present) > version_key(version):
                newer += number
            else:
                older += number
        return Adoption(
            release_id=release.id,
            release=f"{release.name} {release.version}",
            component=name,
            version=version,
            devices=total,
            there=there,
            newer=newer,
            older=older,
            unknown=total - there - newer - older,
        )
