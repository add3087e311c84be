"""Which devices an operation is for, and the plan: who is in, who is out and why.

The permission is asked in SQL for every device's group (`devices.selection`); a device that the
actor may not even read does not exist here.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists

from muster_platform.access.models import Group
from muster_platform.access.narrow import inside
from muster_platform.access.permissions import Permission
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.models import Device, Tag
from muster_platform.devices.selection import (
    Selection,
    candidates,
    candidates_where,
    filter_document,
    parse_filter,
    require_few,
)
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.unit import Unit

EXCLUDED: dict[str, str] = {
    "unknown": "there is no such device, or it was deleted",
    "no_permission": "you lack commands:run on its group",
    "disabled": "it is disabled",
    "lacks_capability": "it announced what it can do, and this is not among it",
}
"""Why a device is left out: code -> text."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an author aims at: exactly one of devices, a group (and inside), a tag, a filter.

    Attributes:
        tag: name and value; value None means any.
        filter: all that the list of devices shows under it.
    """

    devices: tuple[str, ...] = ()
    group_id: int | None = None
    tag: tuple[str, str | None] | None = None
    filter: DeviceFilter | None = None

    @classmethod
    def parse(cls, document: Any) -> "Target":
        """Read {devices: […]} | {group: id} | {tag: {name, value}} | {filter: {…}}.

        Raises:
            InvalidInput: it is none of these; `where` names the field.
        """
        if not isinstance(document, dict) or len(document) != 1:
            raise InvalidInput("give one of devices, group, tag or filter", where="target")
        [(kind, value)] = document.items()
        if kind == "devices" and isinstance(value, list) and value:
            if all(isinstance(item, str) for item in value):
                return cls(devices=tuple(dict.fromkeys(value)))
        elif kind == "group" and isinstance(value, int) and not isinstance(value, bool):
            return cls(group_id=value)
        elif kind == "tag" and isinstance(value, dict) and isinstance(value.get("name"), str):
            wanted = value.get("value")
            if wanted is None or isinstance(wanted, str):
                return cls(tag=(value["name"], wanted))
        elif kind == "filter" and isinstance(value, dict):
            return cls(filter=parse_filter(value, "target.filter"))
        raise InvalidInput(
            'expected {"devices": [ids]}, {"group": id}, {"tag": {"name", "value"}} or '
            '{"filter": {…}}',
            where=f"target.{kind}",
        )

    def document(self) -> dict[str, Any]:
        """Give it back in the form that `parse` reads."""
        if self.filter is not None:
            return {"filter": filter_document(self.filter)}
        if self.tag is not None:
            return {"tag": {"name": self.tag[0], "value": self.tag[1]}}
        if self.group_id is not None:
            return {"group": self.group_id}
        return {"devices": list(self.devices)}


@dataclass(frozen=True, slots=True)
class Included:
    """A device that the operation is for."""

    key: int
    device_id: str
    display_name: str
    group_path: str
    plain: bool
    presence: str
    presence_since: int


@dataclass(frozen=True, slots=True)
class Excluded:
    """A device that is left out.

    Attributes:
        code: a key of EXCLUDED.
        group: name of its group, "" where the device is unknown.
    """

    device_id: str
    code: str
    group: str = ""

    @property
    def why(self) -> str:
        """Give the reason as text."""
        return EXCLUDED[self.code]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is in, who is out and why."""

    included: tuple[Included, ...]
    excluded: tuple[Excluded, ...]


def plan(unit: Unit, target: Target, command: str) -> Plan:
    """Find out who an operation would be for; changes nothing.

    Raises:
        NotFound: no such group, or not for this actor's eyes.
        InvalidInput: more devices than one job may have.
    """
    rows = rows_of(unit, target, Permission.COMMANDS_RUN)
    require_few(unit, len(rows))
    included, excluded = [], []
    for row in rows:
        code = _reason_against(row, command)
        if code:
            excluded.append(Excluded(row.device_id, code, row.group_name))
        else:
            included.append(
                Included(
                    *(row.id, row.device_id, row.display_name, row.group_path, row.plain),
                    *(row.presence, row.since),
                )
            )
    known = {row.device_id for row in rows}
    excluded += [Excluded(name, "unknown") for name in target.devices if name not in known]
    return Plan(tuple(included), tuple(excluded))


def _reason_against(row: Any, command: str) -> str:
    if not row.may:
        return "no_permission"
    if row.disabled_at is not None:
        return "disabled"
    if not row.plain and row.capabilities and command not in row.capabilities:
        return "lacks_capability"
    return ""


def rows_of(unit: Unit, target: Target, run: Permission) -> list[Any]:
    """Read who is meant, each with whether the actor has the permission on it.

    Returns:
        Rows as devices.selection.candidates gives them.

    Raises:
        NotFound: no such group, or not for this actor's eyes.
    """
    if target.group_id is not None:
        group = unit.session.get(Group, target.group_id)
        if group is None or not unit.actor.may(Permission.GROUPS_READ, group.path):
            raise NotFound("group", target.group_id)
        return list(candidates_where(unit, run, inside(Group.path, (group.path,))))
    if target.tag is not None:
        name, value = target.tag
        same = and_(Tag.device_key == Device.id, Tag.name == name)
        same = same if value is None else and_(same, Tag.value == value)
        return list(candidates_where(unit, run, exists().where(same)))
    return candidates(unit, Selection(target.devices, target.filter), run)
