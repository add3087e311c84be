"""Devices: found, exported, registered, changed, locked out, deleted."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import select

from muster_platform.access.permissions import Permission
from muster_platform.bootstrap import DEVICE_HOOKS
from muster_platform.devices.filters import DeviceFilter
from muster_platform.devices.models import Device
from muster_platform.devices.service import DeviceService
from muster_platform.devices.tags import tags_of
from muster_platform.errors import Conflict, NotFound
from muster_platform.paging import DEFAULT_SIZE, PageRequest
from muster_platform.unit import Unit
from muster_platform.web.api.common import Cursor, DeviceId, Input, Key, Limit, Listed, Reason
from muster_platform.web.api.routing import Csv, Routes
from muster_platform.web.site.csv_safe import lines
from muster_protocol.states import PresenceState

routes = Routes("Devices")

TagValue = Annotated[str, Meta(max_length=128)]
Tags = dict[str, TagValue]
DisplayName = Annotated[str, Meta(max_length=128)]
ProfileName = Annotated[str, Meta(min_length=1, max_length=64)]
Sort = Literal["device_id", "display_name", "created", "last_seen", "since"]

READ = Permission.DEVICES_READ
WRITE = Permission.DEVICES_WRITE


class PresenceAnswer(msgspec.Struct, kw_only=True):
    """What is believed of a device's connection. Times are ms since the epoch.

    Attributes:
        since: when this state began.
        until: end of an announced sleep.
        heard_at: last message of any kind.
    """

    state: str
    reason: str
    since: int
    until: int | None
    heard_at: int | None
    hello_at: int | None


class HomeGroup(msgspec.Struct, kw_only=True):
    """The group that a device belongs to."""

    id: int
    name: str
    path: str


class DeviceAnswer(msgspec.Struct, kw_only=True):
    """A device. Times are ms since the epoch.

    Attributes:
        key: internal, of this device alone even if its id is used again; names live topics.
        plain: it never said hello.
        cloned_at: two installations were seen speaking in turn.
    """

    device_id: str
    key: int
    display_name: str
    profile: str
    group: HomeGroup
    gateway: str | None
    tags: dict[str, str]
    plain: bool
    agent: str
    capabilities: list[Any]
    attributes: dict[str, Any]
    presence: PresenceAnswer
    created_at: int
    enrolled_at: int | None
    disabled_at: int | None
    cloned_at: int | None


class DeviceSelection(Input, kw_only=True):
    """Which devices.

    Attributes:
        search: words that all occur in id or display name.
        presence: any of these; may be given several times.
        group: id of a group: its devices and those of groups inside it.
        tag: `name` or `name=value`.
        gateway: its children.
    """

    search: Annotated[str, Meta(max_length=200)] = ""
    presence: list[PresenceState] = []
    profile: ProfileName | None = None
    group: Key | None = None
    tag: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    gateway: DeviceId | None = None
    disabled: bool | None = None
    sort: Sort = "device_id"
    descending: bool = False

    def filter(self) -> DeviceFilter:
        """Give it as the service takes it."""
        tag: str | tuple[str, str] | None = self.tag
        if self.tag is not None and "=" in self.tag:
            name, _, value = self.tag.partition("=")
            tag = (name, value)
        return DeviceFilter(
            search=self.search,
            presence=frozenset(self.presence),
            profile=self.profile,
            group_id=self.group,
            tag=tag,
            gateway=self.gateway,
            disabled=self.disabled,
            sort=self.sort,
            descending=self.descending,
        )


class DeviceQuery(DeviceSelection, kw_only=True):
    """Which devices, and which part of the list."""

    cursor: Cursor | None = None
    limit: Limit = DEFAULT_SIZE

    def page(self) -> PageRequest:
        """Give the part as the service takes it."""
        return PageRequest(self.limit, self.cursor)


class NewDevice(Input, kw_only=True):
    """A device to be registered; it has no credential yet."""

    device_id: DeviceId
    profile: ProfileName
    group_id: Key | None = None
    display_name: DisplayName | None = None
    tags: Tags = {}
    gateway: DeviceId | None = None


class DeviceChange(Input, kw_only=True):
    """What to change; null leaves it. `tags` are all of them, when given."""

    display_name: DisplayName | None = None
    group_id: Key | None = None
    tags: Tags | None = None


class TagChange(Input, kw_only=True):
    """Tags to add or change, and names of tags to take away; the rest stay."""

    add: Tags = {}
    remove: list[Annotated[str, Meta(min_length=1, max_length=64)]] = []


class DeviceReason(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


class DeleteQuery(Input, kw_only=True):
    """Why it is done, for the audit log."""

    reason: Reason = ""


class PresenceCounts(msgspec.Struct, kw_only=True):
    """How many devices are in each state of presence."""

    counts: dict[PresenceState, int]


@routes.add("GET", "/devices", permission=READ, errors=(NotFound,))
def list_devices(unit: Unit, query: DeviceQuery) -> Listed[DeviceAnswer]:
    """List the devices of a filter that you may read."""
    page = DeviceService(unit).list(query.filter(), query.page())
    return Listed(items=device_answers(unit, page.items), next_cursor=page.next_cursor)


@routes.add("GET", "/devices.csv", permission=READ, errors=(NotFound,))
def export_devices(unit: Unit, query: DeviceSelection) -> Csv:
    """Export the devices of a filter as CSV; no cell is a formula.

    Ends after the setting `export_rows_max`.
    """
    return Csv("".join(lines(CSV_HEADER, _rows(unit, query.filter()))))


@routes.add("GET", "/fleet/presence", permission=READ, errors=(NotFound,))
def count_devices(unit: Unit, query: DeviceSelection) -> PresenceCounts:
    """Count the devices of a filter by presence."""
    return PresenceCounts(counts=DeviceService(unit).count_by_presence(query.filter()))


@routes.add(
    "POST",
    "/devices",
    permission=Permission.DEVICES_ENROL,
    status=201,
    errors=(Conflict, NotFound),
    idempotent=True,
)
def register_device(unit: Unit, body: NewDevice) -> DeviceAnswer:
    """Register a device."""
    device = DeviceService(unit).register(
        body.device_id,
        body.profile,
        body.group_id,
        body.display_name,
        body.tags,
        body.gateway,
    )
    return device_answer(unit, device)


@routes.add("GET", "/devices/{device_id}", permission=READ)
def get_device(unit: Unit, device_id: str) -> DeviceAnswer:
    """Get a device."""
    return device_answer(unit, DeviceService(unit).get(device_id))


@routes.add("PATCH", "/devices/{device_id}", permission=WRITE)
def update_device(unit: Unit, device_id: str, body: DeviceChange) -> DeviceAnswer:
    """Change name, home group or tags; a new group needs devices:write there too."""
    device = DeviceService(unit).update(
        device_id, display_name=body.display_name, group_id=body.group_id, tags=body.tags
    )
    return device_answer(unit, device)


@routes.add("POST", "/devices/{device_id}/tags", permission=WRITE)
def change_tags(unit: Unit, device_id: str, body: TagChange) -> DeviceAnswer:
    """Add some tags and take others away."""
    device = DeviceService(unit).tag(device_id, body.add, frozenset(body.remove))
    return device_answer(unit, device)


@routes.add("POST", "/devices/{device_id}/disable", permission=WRITE)
def disable_device(unit: Unit, device_id: str, body: DeviceReason) -> DeviceAnswer:
    """Lock a device out at once."""
    device = DeviceService(unit).disable(device_id, hooks=DEVICE_HOOKS, reason=body.reason)
    return device_answer(unit, device)


@routes.add("POST", "/devices/{device_id}/enable", permission=WRITE)
def enable_device(unit: Unit, device_id: str) -> DeviceAnswer:
    """Let a device in again."""
    return device_answer(unit, DeviceService(unit).enable(device_id))


@routes.add(
    "DELETE",
    "/devices/{device_id}",
    permission=Permission.DEVICES_DELETE,
    errors=(Conflict,),
)
def delete_device(unit: Unit, device_id: str, query: DeleteQuery) -> None:
    """Delete a device whole; the same id registered again inherits nothing."""
    DeviceService(unit).delete(device_id, hooks=DEVICE_HOOKS, reason=query.reason)


@routes.add("GET", "/devices/{device_id}/presence", permission=READ)
def get_presence(unit: Unit, device_id: str) -> PresenceAnswer:
    """Get what is believed of a device's connection."""
    return _presence(DeviceService(unit).get(device_id))


def device_answer(unit: Unit, device: Device) -> DeviceAnswer:
    """Show a device."""
    return device_answers(unit, [device])[0]


def device_answers(unit: Unit, devices: list[Device]) -> list[DeviceAnswer]:
    """Show devices; their gateways' ids are read at once."""
    gateways = _gateways(unit, devices)
    return [_answer(device, gateways) for device in devices]


def _gateways(unit: Unit, devices: list[Device]) -> dict[int, str]:
    keys = {device.gateway_id for device in devices if device.gateway_id is not None}
    if not keys:
        return {}
    rows = unit.session.execute(select(Device.id, Device.device_id).where(Device.id.in_(keys)))
    return {row.id: row.device_id for row in rows}


def _answer(device: Device, gateways: dict[int, str]) -> DeviceAnswer:
    return DeviceAnswer(
        device_id=device.device_id,
        key=device.id,
        display_name=device.display_name,
        profile=device.profile.name,
        group=HomeGroup(id=device.group.id, name=device.group.name, path=device.group.path),
        gateway=gateways.get(device.gateway_id) if device.gateway_id is not None else None,
        tags=tags_of(device),
        plain=device.plain,
        agent=device.agent,
        capabilities=device.capabilities,
        attributes=device.attributes,
        presence=_presence(device),
        created_at=device.created_at,
        enrolled_at=device.enrolled_at,
        disabled_at=device.disabled_at,
        cloned_at=device.cloned_at,
    )


def _presence(device: Device) -> PresenceAnswer:
    return msgspec.convert(device.presence, PresenceAnswer, from_attributes=True)


CSV_HEADER = (
    *("device_id", "display_name", "profile", "group", "presence", "reason"),
    *("since", "last_seen", "tags", "agent", "created_at", "enrolled_at", "disabled_at"),
)


def _rows(unit: Unit, wanted: DeviceFilter) -> Iterator[tuple[object, ...]]:
    """Give the lines of the export, page by page."""
    service, left = DeviceService(unit), unit.settings.export_rows_max
    cursor: str | None = None
    while left > 0:
        page = service.list(wanted, PageRequest(min(left, unit.settings.page_size_max), cursor))
        yield from (_row(device) for device in page.items)
        unit.session.expunge_all()  # an export must not keep the fleet in memory twice
        left -= len(page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _row(device: Device) -> tuple[object, ...]:
    presence = device.presence
    return (
        *(device.device_id, device.display_name, device.profile.name, device.group.name),
        *(presence.state, presence.reason, presence.since, presence.heard_at),
        " ".join(f"{name}={value}" for name, value in tags_of(device).items()),
        *(device.agent, device.created_at, device.enrolled_at, device.disabled_at),
    )
