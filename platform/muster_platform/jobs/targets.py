"""Which devices an operation is for, and the plan: who is in, who is out and why.

The permission is asked in SQL for every device's group, by the same expression that narrows
lists; a device that the actor may not even read does not exist here.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, select, type_coerce
from sqlalchemy.types import Boolean

from muster_platform.access.models import Group
from muster_platform.access.narrow import inside, permitted
from muster_platform.access.permissions import Permission
from muster_platform.devices.models import Device, Presence, Tag
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.jobs.facts import chunks
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
    """What an author aims at: exactly one of devices, a group (and inside), a tag.

    Attributes:
        tag: name and value; value None means any.
    """

    devices: tuple[str, ...] = ()
    group_id: int | None = None
    tag: tuple[str, str | None] | None = None

    @classmethod
    def parse(cls, document: Any) -> "Target":
        """Read {devices: […]} | {group: id} | {tag: {name, value}}.

        Raises:
            InvalidInput: it is none of these; `where` names the field.
        """
        if not isinstance(document, dict) or len(document) != 1:
            raise InvalidInput("give one of devices, group or tag", where="target")
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
        raise InvalidInput(
            'expected {"devices": [ids]}, {"group": id} or {"tag": {"name", "value"}}',
            where=f"target.{kind}",
        )

    def document(self) -> dict[str, Any]:
        """Give it back in the form that `parse` reads."""
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
    rows = [row for query in _queries(unit, target) for row in unit.session.execute(query)]
    if len(rows) > unit.settings.job_devices:
        raise InvalidInput(
            f"{len(rows)} devices; one job takes at most {unit.settings.job_devices}",
            where="target",
        )
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
    if not row.may_run:
        return "no_permission"
    if row.disabled_at is not None:
        return "disabled"
    if not row.plain and row.capabilities and command not in row.capabilities:
        return "lacks_capability"
    return ""


def _queries(unit: Unit, target: Target) -> list[Select[Any]]:
    query = _visible(unit)
    if target.group_id is not None:
        group = unit.session.get(Group, target.group_id)
        if group is None or not unit.actor.may(Permission.GROUPS_READ, group.path):
            raise NotFound("group", target.group_id)
        return [query.where(inside(Group.path, (group.path,)))]
    if target.tag is not None:
        name, value = target.tag
        same = and_(Tag.device_key == Device.id, Tag.name == name)
        same = same if value is None else and_(same, Tag.value == value)
        return [query.where(exists().where(same))]
    return [query.where(Device.device_id.in_(part)) for part in chunks(target.devices)]


def _visible(unit: Unit) -> Select[Any]:
    may_run = type_coerce(permitted(unit.actor, Permission.COMMANDS_RUN), Boolean)
    return (
        select(
            Device.id,
            Device.device_id,
            Device.display_name,
            Device.plain,
            Device.disabled_at,
            Device.capabilities,
            Group.path.label("group_path"),
            Group.name.label("group_name"),
            Presence.state.label("presence"),
            Presence.since,
            may_run.label("may_run"),
        )
        .join(Group, Group.id == Device.group_id)
        .join(Presence, Presence.device_key == Device.id)
        .where(Device.deleted_at.is_(None), permitted(unit.actor, Permission.DEVICES_READ))
        .order_by(Device.id)
    )


def common_path(paths: list[str]) -> str:
    """Give the path of the deepest group that holds all of these (`1/4/`, `1/7/` -> `1/`)."""
    first, last = min(paths).split("/"), max(paths).split("/")
    shared = []
    for one, other in zip(first[:-1], last[:-1], strict=False):
        if one != other:
            break
        shared.append(one)
    return "".join(f"{level}/" for level in shared)
