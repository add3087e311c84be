"""Choosing devices for an operation on many: some by name, or all that a filter finds.

A selection says who is meant; whether the actor may do it to each is asked in SQL, by the same
expressions that narrow lists. A device that the actor may not even read does not exist here.
"""

from dataclasses import dataclass, fields
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select, type_coerce
from sqlalchemy.types import Boolean

from muster_platform.access.models import Group
from muster_platform.access.narrow import permitted
from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices.filters import DeviceFilter, conditions
from muster_platform.devices.models import Device, Presence
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit

_ORDERS = frozenset({"sort", "descending"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is meant: exactly one of the two.

    Attributes:
        devices: device ids.
        filter: all that it finds at the moment it is asked.
    """

    devices: tuple[str, ...] = ()
    filter: DeviceFilter | None = None

    @classmethod
    def parse(cls, document: Any, where: str = "selection") -> "Selection":
        """Read {devices: […]} | {filter: {…}}.

        Raises:
            InvalidInput: it is neither; `where` names the field.
        """
        if isinstance(document, dict) and len(document) == 1:
            [(kind, value)] = document.items()
            if kind == "devices" and isinstance(value, list) and value:
                if all(isinstance(item, str) for item in value):
                    return cls(devices=tuple(dict.fromkeys(value)))
            elif kind == "filter" and isinstance(value, dict):
                return cls(filter=parse_filter(value, f"{where}.filter"))
        raise InvalidInput('expected {"devices": [ids]} or {"filter": {…}}', where=where)

    def document(self) -> dict[str, Any]:
        """Give it back in the form that `parse` reads."""
        if self.filter is not None:
            return {"filter": filter_document(self.filter)}
        return {"devices": list(self.devices)}


def parse_filter(document: dict[str, Any], where: str) -> DeviceFilter:
    """Read a filter as `filter_document` writes it.

    Raises:
        InvalidInput: a field that is none, or a value that does not fit.
    """
    known = {item.name for item in fields(DeviceFilter)} - _ORDERS
    unknown = sorted(set(document) - known)
    if unknown:
        raise InvalidInput(f"a filter has no {unknown[0]!r}; it has {sorted(known)}", where=where)
    try:
        return msgspec.convert(document, DeviceFilter)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"the filter does not fit: {error}", where=where) from error


def filter_document(wanted: DeviceFilter) -> dict[str, Any]:
    """Give a filter as plain JSON: what narrows, without the order."""
    plain: dict[str, Any] = {}
    for item in fields(wanted):
        value = getattr(wanted, item.name)
        if item.name in _ORDERS or value is None or value == item.default or not value:
            continue
        plain[item.name] = sorted(value) if isinstance(value, frozenset) else value
    if wanted.disabled is False:
        plain["disabled"] = False
    return dict(msgspec.to_builtins(plain))


def candidates(unit: Unit, selection: Selection, permission: Permission) -> list[Any]:
    """Read who is meant, each with whether the actor has the permission on it.

    Returns:
        Rows of id, device_id, display_name, plain, disabled_at, capabilities, gateway_id,
        group_id, profile_id, group_path, group_name, presence, since, may: by key.

    Raises:
        NotFound: the filter names a group that is not there for the actor.
        InvalidInput: more devices than one operation may have.
    """
    if selection.filter is not None:
        found = candidates_where(unit, permission, *conditions(unit, selection.filter))
    else:
        found = [
            row
            for part in chunks(selection.devices)
            for row in candidates_where(unit, permission, Device.device_id.in_(part))
        ]
    require_few(unit, len(found))
    return found


def candidates_where(unit: Unit, permission: Permission, *where: ColumnElement[bool]) -> list[Any]:
    """Read the devices that the actor may read and the conditions choose; see `candidates`.

    Of more than one operation may have only one more is read, for `require_few` to refuse.
    """
    may = type_coerce(permitted(unit.actor, permission), Boolean)
    statement = (
        select(
            *(Device.id, Device.device_id, Device.display_name, Device.plain),
            *(Device.disabled_at, Device.capabilities, Device.gateway_id, Device.group_id),
            Device.profile_id,
            Group.path.label("group_path"),
            Group.name.label("group_name"),
            Presence.state.label("presence"),
            Presence.since,
            may.label("may"),
        )
        .join(Group, Group.id == Device.group_id)
        .join(Presence, Presence.device_key == Device.id)
        .where(Device.deleted_at.is_(None), permitted(unit.actor, Permission.DEVICES_READ), *where)
        .order_by(Device.id)
        .limit(unit.settings.job_devices + 1)
    )
    return list(unit.session.execute(statement))


def require_few(unit: Unit, number: int) -> None:
    """Refuse more devices than one operation may have.

    Raises:
        InvalidInput: with the limit.
    """
    if number > unit.settings.job_devices:
        raise InvalidInput(
            f"too many devices; one operation takes at most {unit.settings.job_devices}",
            where="target",
        )
