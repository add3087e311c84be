"""What an import would do: every line of the list against the registry, with the actor's rights."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import select

from muster_platform.access.groups import GroupService, full_names
from muster_platform.access.models import Group
from muster_platform.access.narrow import gained
from muster_platform.access.permissions import Permission
from muster_platform.db.chunks import chunks
from muster_platform.devices.gateways import children_count
from muster_platform.devices.import_rules import Line
from muster_platform.devices.models import Device, Profile
from muster_platform.devices.rows import check_display_name
from muster_platform.devices.tags import check_tags, tags_of
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit
from muster_protocol.ids import DEVICE_ID_PATTERN, is_device_id

Status = Literal["new", "change", "same", "exists", "invalid"]
STATUSES: tuple[Status, ...] = ("new", "change", "same", "exists", "invalid")


@dataclass(frozen=True, slots=True)
class Options:
    """How a list is taken.

    Attributes:
        update_existing: devices that are registered already are changed; else they are left.
        make_secrets: new devices that connect by themselves get a secret.
        group_id: home of new devices whose line names no group; the root when None.
    """

    update_existing: bool = False
    make_secrets: bool = False
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """What would become of one line.

    Attributes:
        line: its number in the file.
        status: `new`; `change` (see changes); `same` (nothing to do); `exists` (it differs and
            stays as it is); `invalid` (see why).
        column: the one at fault, "" where it is the whole line.
        changes: {field: [before, after]}; before is None for what a new device is given.
    """

    line: int
    device_id: str
    status: Status
    why: str = ""
    column: str = ""
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)


class Fault(Exception):
    """A line that cannot be taken."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(why)
        self.column, self.why = column, why


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A line that makes a device, checked."""

    device_id: str
    profile: Profile
    group: Group
    display_name: str
    tags: dict[str, str]
    gateway: str


class Planner:
    """Judges the lines of one list.

    Attributes:
        made: the new devices, in the order of the list.
        changed: the lines that change a device, with that device.
    """

    def __init__(self, unit: Unit, options: Options) -> None:
        self.made: list[NewDevice] = []
        self.changed: list[tuple[Device, PlannedRow, Line]] = []
        self._unit, self._options = unit, options
        self._known: dict[str, Device] = {}
        self._gateways: dict[int, str] = {}
        self._profiles = {p.name: p for p in unit.session.scalars(select(Profile))}
        groups = GroupService(unit).list()
        names = full_names(unit.session, groups)
        self._groups = [(_normal(names[group.id]), group) for group in groups]
        self._by_id = {group.id: group for group in groups}
        self._found: dict[str, Group] = {}
        self._lines: dict[str, Line] = {}

    def plan(self, lines: Sequence[Line]) -> list[PlannedRow]:
        """Judge every line."""
        self._lines = {line.device_id: line for line in lines if not line.fault}
        wanted = {line.device_id for line in lines} | {line.gateway for line in lines}
        self._known = known(self._unit, wanted - {""})
        self._gateways = {device.id: name for name, device in self._known.items()}
        missing = {
            d.gateway_id for d in self._known.values() if d.gateway_id not in self._gateways
        } - {None}
        for part in chunks(sorted(key for key in missing if key is not None)):
            rows = self._unit.session.execute(
                select(Device.id, Device.device_id).where(Device.id.in_(part))
            )
            self._gateways |= {row.id: row.device_id for row in rows}
        return [self._judge(line) for line in lines]

    def _judge(self, line: Line) -> PlannedRow:
        try:
            if line.fault:
                raise Fault(line.column, line.fault)
            device = self._known.get(line.device_id)
            return self._new(line) if device is None else self._present(line, device)
        except Fault as fault:
            return PlannedRow(line.number, line.device_id, "invalid", fault.why, fault.column)
        except InvalidInput as error:
            where = error.where.partition(".")[0]
            return PlannedRow(line.number, line.device_id, "invalid", error.detail, where)

    def _new(self, line: Line) -> PlannedRow:
        if not is_device_id(line.device_id):
            raise Fault("device_id", f"not a device id; it must match {DEVICE_ID_PATTERN}")
        profile = self._profiles.get(line.profile)
        if profile is None:
            known = ", ".join(sorted(self._profiles)[:20]) or "none yet"
            raise Fault("profile", f"no such profile: {line.profile!r}; there are {known}")
        group = self._group(line.group)
        self._require(group, Permission.DEVICES_ENROL)
        self._check_gateway(line)
        made = NewDevice(
            line.device_id,
            profile,
            group,
            check_display_name(line.display_name) or line.device_id,
            check_tags(line.tags or {}),
            line.gateway,
        )
        self.made.append(made)
        given = {
            "profile": profile.name,
            "group": group.name,
            "display_name": check_display_name(line.display_name),
            "tags": made.tags,
            "gateway": made.gateway,
        }
        changes = {name: (None, value) for name, value in given.items() if value}
        return PlannedRow(line.number, line.device_id, "new", changes=changes)

    def _present(self, line: Line, device: Device) -> PlannedRow:
        if not self._unit.actor.may(Permission.DEVICES_READ, device.group.path):
            raise Fault("device_id", "the id is taken")
        if line.profile and line.profile != device.profile.name:
            raise Fault("profile", f"its profile is {device.profile.name} and never changes")
        changes = self._changes(line, device)
        if not changes:
            return PlannedRow(line.number, line.device_id, "same")
        if not self._options.update_existing:
            return PlannedRow(line.number, line.device_id, "exists", changes=changes)
        self._require(device.group, Permission.DEVICES_WRITE)
        if "group" in changes:
            self._require(self._group(line.group), Permission.DEVICES_WRITE)
            self._refuse_gain(device.group, self._group(line.group))
        if "gateway" in changes:
            self._require(device.group, Permission.DEVICES_ENROL)
            if children_count(self._unit, device):
                raise Fault("gateway", "it is a gateway itself, and has children")
        row = PlannedRow(line.number, line.device_id, "change", changes=changes)
        self.changed.append((device, row, line))
        return row

    def _changes(self, line: Line, device: Device) -> dict[str, tuple[Any, Any]]:
        """Compare; an empty cell leaves what is there."""
        changes: dict[str, tuple[Any, Any]] = {}
        name = check_display_name(line.display_name)
        if name and name != device.display_name:
            changes["display_name"] = (device.display_name, name)
        if line.group and (group := self._group(line.group)).id != device.group_id:
            changes["group"] = (device.group.name, group.name)
        if line.tags is not None and (tags := check_tags(line.tags)) != tags_of(device):
            changes["tags"] = (tags_of(device), tags)
        gateway = self._gateways.get(device.gateway_id or 0, "")
        if line.gateway and line.gateway != gateway:
            self._check_gateway(line)
            changes["gateway"] = (gateway or None, line.gateway)
        return changes

    def group_of(self, line: Line) -> Group:
        """Give the group that a line names."""
        return self._group(line.group)

    def _group(self, text: str) -> Group:
        if not text:
            chosen = self._by_id.get(self._options.group_id or 1)
            if chosen is None:
                raise Fault("group", "it names no group, and you may not read the one for those")
            return chosen
        if text not in self._found:
            self._found[text] = self._resolve(text)
        return self._found[text]

    def _resolve(self, text: str) -> Group:
        """Find a group by its name, or by as much of its path as is needed."""
        wanted = _normal(text)
        fitting = [(name, g) for name, g in self._groups if f"/{name}".endswith(f"/{wanted}")]
        exact = [g for name, g in fitting if name == wanted or name.partition("/")[2] == wanted]
        if len(exact) == 1 or len(fitting) == 1:
            return exact[0] if len(exact) == 1 else fitting[0][1]
        if not fitting:
            raise Fault("group", f"no such group: {text[:80]!r}")
        names = ", ".join(name.replace("/", " / ") for name, _ in fitting[:3])
        raise Fault("group", f"several groups are called {text[:80]!r}: {names}; give the path")

    def _check_gateway(self, line: Line) -> None:
        if not line.gateway:
            return
        if line.gateway == line.device_id:
            raise Fault("gateway", "it cannot be its own gateway")
        gateway, planned = self._known.get(line.gateway), self._lines.get(line.gateway)
        may = self._unit.actor.may
        if gateway is not None and not may(Permission.DEVICES_READ, gateway.group.path):
            gateway = None
        if gateway is None and planned is None:
            raise Fault("gateway", f"no such device: {line.gateway[:64]!r}")
        if (gateway is not None and gateway.gateway_id is not None) or (
            planned and planned.gateway
        ):
            raise Fault("gateway", f"{line.gateway} is a child of a gateway itself")
        if gateway is not None:
            self._require(gateway.group, Permission.DEVICES_ENROL, "gateway")

    def _refuse_gain(self, before: Group, after: Group) -> None:
        permission = gained(self._unit.actor, before.path, after.path)
        if permission is not None:
            raise Fault("group", f"moving it there would give you {permission} on it")

    def _require(self, group: Group, permission: Permission, column: str = "group") -> None:
        if not self._unit.actor.may(permission, group.path):
            raise Fault(column, f"this needs the permission {permission} on {group.name}")


def known(unit: Unit, device_ids: Iterable[str]) -> dict[str, Device]:
    """Load the devices of these ids, whoever asks."""
    found: dict[str, Device] = {}
    for part in chunks(sorted(device_ids)):
        statement = select(Device).where(Device.device_id.in_(part), Device.deleted_at.is_(None))
        found |= {d.device_id: d for d in unit.session.scalars(statement).unique()}
    return found


def _normal(text: str) -> str:
    return "/".join(part.strip() for part in text.split("/") if part.strip())
