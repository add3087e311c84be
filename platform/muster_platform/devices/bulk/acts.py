"""What can be done to many devices of the registry: one table.

Adding an act is one entry here; plan, run, undo, API and site read the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from muster_platform.access.groups import group_by_id
from muster_platform.access.narrow import gained, require_on
from muster_platform.access.permissions import Permission
from muster_platform.devices.hooks import DeviceHooks
from muster_platform.devices.models import Device
from muster_platform.devices.restore import DeletedService
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import check_tags, tags_of
from muster_platform.errors import InvalidInput
from muster_platform.unit import Unit

Args = dict[str, Any]

AGAINST: dict[str, str] = {
    "unknown": "there is no such device, or it was deleted",
    "no_permission": "you lack the permission on its group",
    "same": "it is so already",
    "would_gain": "you would have more rights on it there than you have where it is",
    "has_children": "it is a gateway with children; move or delete them first",
}
"""Why a device is left out: code -> text. What a service refuses has the error's own code."""


def _climbs_never(_unit: Unit, _paths: set[str], _args: Args) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Act:
    """One kind of change.

    Attributes:
        text: what it does, as a button says it.
        past: what was done, of devices.
        permission: needed on every device's group.
        check: reads the arguments; refuses what fits no device.
        same: says whether a device is so already; reads rows of `selection.candidates`.
        apply: changes one device; gives the arguments that take it back, None for nothing.
        undone_by: the act that takes it back, "" where none does.
        climbs: of paths of groups, gives those on whose devices the actor would gain rights.
        of_deleted: it is for devices that were deleted: only taking back gets there.
    """

    text: str
    past: str
    permission: Permission
    check: Callable[[Unit, Args], Args]
    same: Callable[[Any, Args], bool]
    apply: Callable[[Unit, Device, Args, DeviceHooks, str], Args | None]
    undone_by: str
    climbs: Callable[[Unit, set[str], Args], frozenset[str]] = _climbs_never
    of_deleted: bool = False


def _no_args(_unit: Unit, args: Args) -> Args:
    if args:
        raise InvalidInput("this takes no arguments", where="args")
    return {}


def _check_move(unit: Unit, args: Args) -> Args:
    group_id = args.get("group")
    if set(args) != {"group"} or not isinstance(group_id, int) or isinstance(group_id, bool):
        raise InvalidInput('expected {"group": id}', where="args")
    group = group_by_id(unit.session, group_id)
    require_on(
        unit.actor,
        Permission.DEVICES_WRITE,
        group,
        read=Permission.GROUPS_READ,
        kind="group",
        name=group_id,
    )
    return {"group": group.id}


def _climbs_by_move(unit: Unit, paths: set[str], args: Args) -> frozenset[str]:
    there = group_by_id(unit.session, args["group"]).path
    return frozenset(path for path in paths if gained(unit.actor, path, there) is not None)


def _move(unit: Unit, device: Device, args: Args, _hooks: DeviceHooks, _reason: str) -> Args | None:
    before = device.group_id
    DeviceService(unit).update(device.device_id, group_id=args["group"])
    return {"group": before} if before != args["group"] else None


def _check_tag(_unit: Unit, args: Args) -> Args:
    add, remove = args.get("add", {}), args.get("remove", [])
    if set(args) - {"add", "remove"} or not isinstance(add, dict) or not isinstance(remove, list):
        raise InvalidInput('expected {"add": {name: value}, "remove": [names]}', where="args")
    if not all(isinstance(item, str) for item in (*add.values(), *remove)):
        raise InvalidInput("names and values of tags are text", where="args")
    if not add and not remove:
        raise InvalidInput("name a tag to add or to remove", where="args.add")
    both = sorted(set(add) & set(remove))
    if both:
        raise InvalidInput(f"{both[0]} is to be added and removed", where="args.remove")
    return {"add": dict(check_tags(add)), "remove": sorted(set(remove))}


def _tag(unit: Unit, device: Device, args: Args, _hooks: DeviceHooks, _reason: str) -> Args | None:
    before = dict(tags_of(device))
    removed = frozenset(args.get("remove", ()))
    DeviceService(unit).tag(device.device_id, args.get("add", {}), removed)
    after = dict(tags_of(device))
    if before == after:
        return None
    changed = {name: value for name, value in before.items() if after.get(name) != value}
    return {"add": changed, "remove": sorted(set(after) - set(before))}


def _disable(
    unit: Unit, device: Device, _args: Args, hooks: DeviceHooks, reason: str
) -> Args | None:
    if device.disabled_at is not None:
        return None
    DeviceService(unit).disable(device.device_id, hooks=hooks, reason=reason)
    return {}


def _enable(
    unit: Unit, device: Device, _args: Args, _hooks: DeviceHooks, _reason: str
) -> Args | None:
    if device.disabled_at is None:
        return None
    DeviceService(unit).enable(device.device_id)
    return {}


def _delete(
    unit: Unit, device: Device, _args: Args, hooks: DeviceHooks, reason: str
) -> Args | None:
    DeviceService(unit).delete(device.device_id, hooks=hooks, reason=reason)
    return {}


def _restore(
    unit: Unit, device: Device, _args: Args, _hooks: DeviceHooks, reason: str
) -> Args | None:
    DeletedService(unit).restore(device.id, reason)
    return {}


def _never(_row: Any, _args: Args) -> bool:
    return False


ACTS: dict[str, Act] = {
    "move": Act(
        text="Move to a group",
        past="moved",
        permission=Permission.DEVICES_WRITE,
        check=_check_move,
        same=lambda row, args: bool(row.group_id == args["group"]),
        apply=_move,
        undone_by="move",
        climbs=_climbs_by_move,
    ),
    "tag": Act(
        text="Change tags",
        past="tagged",
        permission=Permission.DEVICES_WRITE,
        check=_check_tag,
        same=_never,
        apply=_tag,
        undone_by="tag",
    ),
    "disable": Act(
        text="Disable",
        past="disabled",
        permission=Permission.DEVICES_WRITE,
        check=_no_args,
        same=lambda row, _args: row.disabled_at is not None,
        apply=_disable,
        undone_by="enable",
    ),
    "enable": Act(
        text="Enable",
        past="enabled",
        permission=Permission.DEVICES_WRITE,
        check=_no_args,
        same=lambda row, _args: row.disabled_at is None,
        apply=_enable,
        undone_by="disable",
    ),
    "delete": Act(
        text="Delete",
        past="deleted",
        permission=Permission.DEVICES_DELETE,
        check=_no_args,
        same=_never,
        apply=_delete,
        undone_by="restore",
    ),
    "restore": Act(
        text="Restore",
        past="restored",
        permission=Permission.DEVICES_DELETE,
        check=_no_args,
        same=_never,
        apply=_restore,
        undone_by="",
        of_deleted=True,
    ),
}

OFFERED = tuple(name for name, act in ACTS.items() if not act.of_deleted)
"""Acts that people choose; the others only take back."""
