"""Names and values of tags in use, as far as an actor sees them: for suggestions and filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device, Tag
from muster_platform.unit import Unit

NAMES = 200
VALUES = 50
"""Most names, and values of one name, that are told."""
SUGGESTED_FROM = 200
"""Devices whose tags are suggested."""


@dataclass(frozen=True, slots=True)
class TagName:
    """A name of tags.

    Attributes:
        devices: how many that the actor may read have it.
        values: {value: devices}, the most frequent first, VALUES at most.
    """

    name: str
    devices: int
    values: dict[str, int]


class TagService:
    """Tells which tags there are."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def list(self) -> list[TagName]:
        """List names by how many devices have them, and their values likewise.

        Raises:
            PermissionDenied: the actor may read no device at all.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        names = self._counts(Tag.name).limit(NAMES)
        found = {row[0]: int(row[1]) for row in self._unit.session.execute(names)}
        rank = func.row_number().over(
            partition_by=Tag.name, order_by=(func.count().desc(), Tag.value)
        )
        ranked = self._counts(Tag.name, Tag.value, rank.label("rank")).subquery()
        few = select(ranked).where(ranked.c.rank <= VALUES).order_by(ranked.c.rank)
        values: dict[str, dict[str, int]] = {name: {} for name in found}
        for name, value, _, count in self._unit.session.execute(few):
            if name in values:
                values[name][value] = int(count)
        return [TagName(name, count, values[name]) for name, count in found.items()]

    def suggest(self, most: int) -> Sequence[tuple[str, str]]:
        """Give names and values in use among the newest devices, for a field that is typed into.

        A large fleet's tags are not gone through for it: that would cost more than the list.

        Raises:
            PermissionDenied: the actor may read no device at all.
        """
        self._unit.actor.require_somewhere(Permission.DEVICES_READ)
        newest = (
            select(Device.id)
            .where(visible(self._unit.actor, Permission.DEVICES_READ))
            .order_by(Device.id.desc())
            .limit(SUGGESTED_FROM)
        )
        keys = list(self._unit.session.scalars(newest))  # apart, so that each is looked up
        found = (
            select(Tag.name, Tag.value)
            .where(Tag.device_key.in_(keys))
            .distinct()
            .order_by(Tag.name, Tag.value)
            .limit(most)
        )
        return [(name, value) for name, value in self._unit.session.execute(found)]

    def _counts(self, *columns: Any) -> Any:
        keys = columns[:2]
        return (
            select(*columns, func.count())
            .join(Device, Device.id == Tag.device_key)
            .where(visible(self._unit.actor, Permission.DEVICES_READ))
            .group_by(*keys)
            .order_by(func.count().desc(), *keys)
        )
