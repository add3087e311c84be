"""Selecting devices: the filter of lists and targets, and the orders of the list."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased, contains_eager

from muster_platform.access.groups import group_by_id
from muster_platform.access.models import Group
from muster_platform.access.narrow import inside
from muster_platform.access.permissions import Permission
from muster_platform.devices.find import visible
from muster_platform.devices.models import Device, InventoryItem, Presence, Profile, Tag
from muster_platform.errors import InvalidInput, NotFound
from muster_platform.paging import Key, Order
from muster_platform.unit import Unit
from muster_protocol.states import PresenceState


@dataclass(frozen=True, slots=True)
class DeviceFilter:
    """Which devices; what is None or empty does not narrow.

    Attributes:
        search: words that all occur in the device id or the display name.
        presence: any of these states.
        profile: name of the profile.
        group_id: in this group or inside it.
        tag: name, or (name, value).
        gateway: device id of the gateway: its children.
        component: name, or (name, version), among what the device says it has.
        kind: a word of KINDS: those with children, children, or those that connect by
            themselves (gateways included).
        disabled: only disabled ones (True) or only those that are not (False).
        sort: a name in ORDERS.
    """

    search: str = ""
    presence: frozenset[PresenceState] = frozenset()
    profile: str | None = None
    group_id: int | None = None
    tag: str | tuple[str, str] | None = None
    gateway: str | None = None
    component: str | tuple[str, str] | None = None
    kind: str | None = None
    disabled: bool | None = None
    sort: str = "device_id"
    descending: bool = False


KINDS = ("gateway", "child", "direct")

_ID: Key[Device] = Key(Device.__table__.c.id, int, lambda device: device.id)
_LAST_SEEN: ColumnElement[Any] = func.coalesce(Presence.heard_at, 0)

_SORTS: dict[str, tuple[Key[Device], ...]] = {
    # The id is unique among live devices: no second key, so that the index gives the order.
    "device_id": (Key(Device.__table__.c.device_id, str, lambda device: device.device_id),),
    "display_name": (
        Key(Device.__table__.c.display_name, str, lambda device: device.display_name),
        _ID,
    ),
    "created": (_ID,),
    "last_seen": (Key(_LAST_SEEN, int, lambda device: device.presence.heard_at or 0), _ID),
    "since": (
        Key(Presence.__table__.c.since, int, lambda device: device.presence.since),
        _ID,
    ),
}
HAS_INDEX = frozenset({"device_id", "display_name", "created"})
"""Orders that an index gives. The others are of presence, which is written at every contact: an
index would be paid there, and a list in such an order is sorted when somebody asks for it."""

SORTS = tuple(_SORTS)
"""What the list of devices can be sorted by."""


def order_of(wanted: DeviceFilter) -> Order[Device]:
    """Give the order of a filter.

    Raises:
        InvalidInput: no such order.
    """
    if wanted.sort not in _SORTS:
        raise InvalidInput(f"sort is one of {', '.join(SORTS)}", where="sort")
    name = f"{wanted.sort}-" if wanted.descending else wanted.sort
    return Order(name, _SORTS[wanted.sort], wanted.descending)


def select_devices(
    unit: Unit, wanted: DeviceFilter, permission: Permission = Permission.DEVICES_READ
) -> Select[Any]:
    """Give the statement for the devices of a filter that the actor has the permission on.

    It joins Presence, so columns of both may be used; it has neither order nor limit.

    Raises:
        NotFound: the filter names a group that the actor may not read.
    """
    statement = select(Device).join(Presence, Presence.device_key == Device.id)
    statement = statement.options(contains_eager(Device.presence))
    return statement.where(*conditions(unit, wanted, permission))


def conditions(
    unit: Unit, wanted: DeviceFilter, permission: Permission = Permission.DEVICES_READ
) -> list[ColumnElement[bool]]:
    """Give the conditions of a filter on Device joined with Presence, narrowed to the actor.

    Raises:
        NotFound: the filter names a group that the actor may not read.
    """
    found = [visible(unit.actor, permission)]
    for word in wanted.search.lower().split():
        found.append(Device.search.contains(word, autoescape=True))
    if wanted.presence:
        found.append(Presence.state.in_([str(state) for state in sorted(wanted.presence)]))
    if wanted.profile is not None:
        profile: Any = select(Profile.id).where(Profile.name == wanted.profile)
        found.append(Device.profile_id.in_(profile))
    if wanted.group_id is not None:
        found.append(in_group(unit, wanted.group_id))
    if wanted.tag is not None:
        found.append(_tagged(wanted.tag))
    if wanted.gateway is not None:
        found.append(_behind(wanted.gateway))
    if wanted.component is not None:
        found.append(_equipped(wanted.component))
    if wanted.kind is not None:
        found.append(_of_kind(wanted.kind))
    if wanted.disabled is not None:
        disabled = Device.disabled_at
        found.append(disabled.is_not(None) if wanted.disabled else disabled.is_(None))
    return found


def in_group(unit: Unit, group_id: int) -> ColumnElement[bool]:
    """Give the condition that a device is in the group or inside it.

    Raises:
        NotFound: no such group, or none that has to do with what the actor may read.
    """
    group = group_by_id(unit.session, group_id)
    readable = unit.actor.paths(Permission.DEVICES_READ)
    # A group above what the actor may read is known by its path; it selects what is inside.
    if readable is not None and not any(
        group.path.startswith(path) or path.startswith(group.path) for path in readable
    ):
        raise NotFound("group", group_id)
    groups: Any = select(Group.id).where(inside(Group.path, (group.path,)))
    return Device.group_id.in_(groups)


def _behind(gateway: str) -> ColumnElement[bool]:
    keys: Any = select(Device.id).where(Device.device_id == gateway, Device.deleted_at.is_(None))
    return Device.gateway_id.in_(keys.correlate(None))


def _of_kind(kind: str) -> ColumnElement[bool]:
    """Give the condition of a word of KINDS.

    Raises:
        InvalidInput: no such word.
    """
    if kind not in KINDS:
        raise InvalidInput(f"kind is one of {', '.join(KINDS)}", where="kind")
    if kind == "gateway":
        child = aliased(Device)
        spoken_for = select(child.id).where(
            child.gateway_id == Device.id, child.deleted_at.is_(None)
        )
        return spoken_for.correlate(Device).exists()
    is_child = Device.gateway_id.is_not(None)
    return is_child if kind == "child" else ~is_child


def _tagged(tag: str | tuple[str, str]) -> ColumnElement[bool]:
    name, value = (tag, None) if isinstance(tag, str) else tag
    keys = select(Tag.device_key).where(Tag.name == name)
    if value is not None:
        keys = keys.where(Tag.value == value)
    chosen: Any = keys
    return Device.id.in_(chosen)


def _equipped(component: str | tuple[str, str]) -> ColumnElement[bool]:
    name, version = (component, None) if isinstance(component, str) else component
    keys = select(InventoryItem.device_key).where(InventoryItem.component == name)
    if version is not None:
        keys = keys.where(InventoryItem.version == version)
    chosen: Any = keys
    return Device.id.in_(chosen)
